//! `tidings doctor`: is the data directory sound?

use crate::{cli::Data, say};
use anyhow::Result;
use ledger::{Ledger, Verification};
use std::process::ExitCode;

pub(crate) async fn run(data: &Data) -> Result<ExitCode> {
    if !data.database().exists() {
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
    let opened = data.open()?;
    let findings = opened.ledger.integrity().await?;
    report(
        findings.is_empty(),
        format!("database {} is intact", data.database().display()),
    );
    for finding in findings {
        report(false, finding);
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
                data.key_file().display()
            ),
        );
        if let Verification::Failed { problem, .. } = &integration.verification {
            report(false, format!("integration {}: {problem}", integration.key));
        }
    }
    let waiting: u64 = opened
        .ledger
        .backlog()
        .await?
        .iter()
        .map(|(_, count)| count)
        .sum();
    report(true, format!("{waiting} deliveries are waiting"));
    let mode = std::fs::metadata(data.key_file()).map_or(0o077, |file| {
        std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077
    });
    report(
        mode == 0,
        format!(
            "{} is readable by its owner only",
            data.key_file().display()
        ),
    );
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
