//! `tidings doctor`: is the data sound?

use crate::{cli::Data, say};
use anyhow::Result;
use ledger::Verification;
use std::process::ExitCode;

pub(crate) async fn run(data: &Data) -> Result<ExitCode> {
    if !data.is_on_postgres() && !data.file().exists() {
        say::line(format!(
            "{} holds no database; `tidings serve` or `tidings apply` creates one",
            data.data.display()
        ));
        return Ok(ExitCode::FAILURE);
    }
    let mut problems = 0_u32;
    let mut report = |sound: bool, text: String| {
        say::line(format!("{} {text}", if sound { "ok  " } else { "FAIL" }));
        problems += u32::from(!sound);
    };
    let opened = data.open().await?;
    let findings = opened.ledger.inspect().await?;
    report(
        findings.is_empty(),
        format!("database {} is intact", data.name()),
    );
    for finding in findings {
        report(false, finding.to_string());
    }
    let writable = opened.ledger.check().await;
    report(
        writable.is_ok(),
        format!(
            "the database can be written{}",
            writable
                .err()
                .map(|error| format!(": {error}"))
                .unwrap_or_default()
        ),
    );
    let configuration = opened.ledger.configuration().await?;
    report(
        true,
        format!(
            "{} projects, {} apps, {} integrations",
            configuration.projects.len(),
            configuration.apps.len(),
            configuration.integrations.len()
        ),
    );
    for integration in &configuration.integrations {
        let opens = opened
            .vault
            .open_sealed(&integration.id.to_string(), &integration.sealed_settings)
            .is_ok();
        report(
            opens,
            format!(
                "secrets of integration {} open with {}",
                integration.key,
                data.key_name()
            ),
        );
        if let Verification::Failed { problem, .. } | Verification::Refused { problem, .. } =
            &integration.verification
        {
            report(false, format!("integration {}: {problem}", integration.key));
        }
    }
    let waiting: u64 = opened
        .ledger
        .backlog()
        .await?
        .iter()
        .map(|waiting| waiting.count)
        .sum();
    report(true, format!("{waiting} deliveries are waiting"));
    for (path, mode) in data.exposed()? {
        report(
            false,
            format!(
                "{} is open to others (mode {mode:o}): chmod go= {0}",
                path.display()
            ),
        );
    }
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
