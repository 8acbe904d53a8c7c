//! `tidings simulate`: drive any running server with simulated customers.

use crate::say;
use anyhow::{Context, Result};
use clap::Args;
use engine::{System, WallSystem};
use jiff::SignedDuration;
use simulator::{App, Authority, Driver, Faults, Pace};
use std::{path::PathBuf, time::Duration};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The app's callback URL, as `tidings apply` prints it. Without it, only the root certificate is shown.
    #[arg(long)]
    url: Option<String>,
    /// Bundle id of the app.
    #[arg(long, default_value = "com.example.app")]
    bundle_id: String,
    /// File of the simulated store's certificates; created when it does not exist.
    #[arg(long, default_value = "simulator.json")]
    authority: PathBuf,
    /// How many customers.
    #[arg(long, default_value_t = 50)]
    customers: u64,
    /// Most notifications of each customer.
    #[arg(long, default_value_t = 20)]
    notifications: usize,
    /// What a day lasts, in milliseconds.
    #[arg(long, default_value_t = 200)]
    day_ms: i64,
    /// The same seed plays the same lives.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Percent of notifications sent twice.
    #[arg(long, default_value_t = 0)]
    twice: u64,
    /// Percent of notifications sent late, behind later ones.
    #[arg(long, default_value_t = 0)]
    late: u64,
    /// Percent of notifications lost, and sent again after everything else.
    #[arg(long, default_value_t = 0)]
    lost: u64,
}

/// Reads the certificates, or makes and keeps new ones.
fn authority(path: &PathBuf) -> Result<Authority> {
    match std::fs::read_to_string(path) {
        Ok(json) => {
            Authority::from_json(&json).with_context(|| format!("cannot use {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let authority = Authority::create()?;
            std::fs::write(path, authority.to_json()?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(authority)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let authority = authority(&options.authority)?;
    let Some(url) = options.url else {
        say::line("Add an app to your project file that trusts this simulator, then apply it:");
        say::line(format!(
            "[apps.simulated]\nstore = \"app_store\"\nbundle_id = \"{}\"\nenvironments = [\"local_testing\"]\nlocal_roots = [\"{}\"]",
            options.bundle_id,
            authority.root()
        ));
        return Ok(());
    };
    let app = App {
        bundle_id: options.bundle_id,
        environment: "LocalTesting".into(),
    };
    let mut driver = Driver::new(
        authority,
        app,
        url,
        Pace {
            day: SignedDuration::from_millis(options.day_ms.max(1)),
        },
        options.seed,
    )?;
    driver.faults = Faults {
        twice: options.twice,
        late: options.late,
        lost: options.lost,
    };
    let now = WallSystem.now();
    let steps = driver.script(
        0..options.customers,
        now,
        SignedDuration::from_millis(options.day_ms * 30),
        options.notifications,
    );
    say::line(format!(
        "{} notifications of {} customers, seed {}",
        steps.len(),
        options.customers,
        options.seed
    ));
    let report = driver.run(steps, now, 64, Duration::from_mins(1)).await;
    say::line(format!(
        "{} accepted, {} refused or unanswered",
        report.notifications, report.refused
    ));
    Ok(())
}
