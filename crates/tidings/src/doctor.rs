//! `tidings doctor`: is the data sound, and what is open?

use crate::{allowed::Allowed, data::all_sealed, options::Data, say};
use anyhow::Result;
use clap::Args;
use domain::Environment;
use ledger::{Ledger, Verification};
use std::{fmt::Display, process::ExitCode};
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
    let mut report = Report::default();
    let (ledger, key) = (data.open_ledger().await?, data.key()?);
    report.storage(ledger.as_ref(), data.name()).await?;
    let configuration = ledger.configuration().await?;
    report.fine(format!(
        "{}, {}, {}",
        counted(configuration.projects.len(), "project"),
        counted(configuration.apps.len(), "app"),
        counted(configuration.integrations.len(), "integration")
    ));
    let mut is_locked_out = false;
    for sealed in all_sealed(ledger.as_ref(), &configuration).await? {
        let opens = key.as_ref().is_some_and(|key| sealed.opens_with(key));
        let (name, key) = (sealed.name, data.key_name());
        report.told(opens, format!("secrets of {name} open with {key}"));
        is_locked_out |= !opens;
    }
    if is_locked_out {
        say::line(format!("     {}", data.how_to_mend_key()));
    }
    for integration in &configuration.integrations {
        for endpoint in Environment::ALL {
            if let Verification::Failed { problem, .. } | Verification::Refused { problem, .. } =
                integration.verification.of(endpoint)
            {
                let (key, endpoint) = (&integration.key, endpoint.id());
                report.fails(format!("integration {key}, {endpoint}: {problem}"));
            }
        }
    }
    let backlog = ledger.backlog().await?;
    let waiting: u64 = backlog.iter().map(|waiting| waiting.count).sum();
    let are = if waiting == 1 { "is" } else { "are" };
    report.fine(format!("{} {are} waiting", counted(waiting, "delivery")));
    for (path, mode) in data.exposed()? {
        report.fails(format!(
            "{} is open to others (mode {mode:o}): chmod go= {0}",
            path.display()
        ));
    }
    for line in options.allowed.lines() {
        report.fine(line);
    }
    Ok(if report.problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What was found, said as it is found.
#[derive(Default)]
struct Report {
    problems: u32,
}

impl Report {
    fn told(&mut self, sound: bool, text: impl Display) {
        say::line(format!("{} {text}", if sound { "ok  " } else { "FAIL" }));
        self.problems += u32::from(!sound);
    }

    fn fine(&mut self, text: impl Display) {
        self.told(true, text);
    }

    fn fails(&mut self, text: impl Display) {
        self.told(false, text);
    }

    /// Whether what is stored is whole, and more can be.
    async fn storage(&mut self, ledger: &dyn Ledger, name: impl Display) -> Result<()> {
        let findings = ledger.inspect().await?;
        self.told(findings.is_empty(), format!("database {name} is intact"));
        for finding in findings {
            self.fails(finding);
        }
        match ledger.check().await {
            Ok(()) => self.fine("the database can be written"),
            Err(error) => self.fails(format!("the database can be written: {error}")),
        }
        Ok(())
    }
}
