//! `tidings doctor`: is the data sound, and what is open?

use crate::{allowed::Allowed, options::Data, say};
use anyhow::Result;
use clap::Args;
use configuration::Sealed;
use ledger::Verification;
use std::process::ExitCode;
use web::counted;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    allowed: Allowed,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let data = &options.data;
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
    let (ledger, key) = (data.open_ledger().await?, data.key()?);
    let findings = ledger.inspect().await?;
    report(
        findings.is_empty(),
        format!("database {} is intact", data.name()),
    );
    for finding in findings {
        report(false, finding.to_string());
    }
    let writable = ledger.check().await;
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
    let configuration = ledger.configuration().await?;
    report(
        true,
        format!(
            "{}, {}, {}",
            counted(configuration.projects.len(), "project"),
            counted(configuration.apps.len(), "app"),
            counted(configuration.integrations.len(), "integration")
        ),
    );
    for sealed in Sealed::all(&configuration) {
        let opens = key.as_ref().is_some_and(|key| sealed.opens_with(key));
        let (name, key) = (sealed.name, data.key_name());
        report(opens, format!("secrets of {name} open with {key}"));
    }
    for integration in &configuration.integrations {
        if let Verification::Failed { problem, .. } | Verification::Refused { problem, .. } =
            &integration.verification
        {
            report(false, format!("integration {}: {problem}", integration.key));
        }
    }
    let waiting: u64 = ledger
        .backlog()
        .await?
        .iter()
        .map(|waiting| waiting.count)
        .sum();
    let are = if waiting == 1 { "is" } else { "are" };
    report(
        true,
        format!("{} {are} waiting", counted(waiting, "delivery")),
    );
    for (path, mode) in data.exposed()? {
        report(
            false,
            format!(
                "{} is open to others (mode {mode:o}): chmod go= {0}",
                path.display()
            ),
        );
    }
    for line in options.allowed.lines() {
        report(true, line);
    }
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
