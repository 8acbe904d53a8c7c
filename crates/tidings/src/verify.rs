//! `tidings verify`: does everything hold that always holds?

use crate::{options::Data, say};
use anyhow::{Result, bail};
use engine::{System, WallSystem};
use ledger::invariants::{Invariant, verify};
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};
use web::counted;

/// So many of what was found of one kind are shown.
const SHOWN: usize = 20;

pub(crate) async fn run(data: &Data) -> Result<ExitCode> {
    if !data.is_on_postgres() && !data.file().exists() {
        bail!("{} holds no database", data.data.display());
    }
    let ledger = data.open_ledger().await?;
    let bar = std::io::stderr().is_terminal();
    let progress = |customers| {
        if bar {
            // A terminal that is gone ends the bar, not the look.
            drop(write!(
                std::io::stderr(),
                "\r{}",
                counted(customers, "customer")
            ));
        }
    };
    let verified = verify(&*ledger, WallSystem.now(), progress).await?;
    if bar {
        drop(write!(std::io::stderr(), "\r{:40}\r", ""));
    }
    for invariant in Invariant::ALL {
        let findings = verified.findings.iter();
        let broken: Vec<_> = findings
            .filter(|finding| finding.invariant == *invariant)
            .collect();
        let verdict = if broken.is_empty() { "ok  " } else { "FAIL" };
        say::line(format!(
            "{verdict} {:<24} {}",
            invariant.name(),
            invariant.says()
        ));
        for finding in broken.iter().take(SHOWN) {
            let whose = finding.customer.map(|id| format!("{id}: "));
            say::line(format!(
                "     {}{}",
                whose.unwrap_or_default(),
                finding.what
            ));
        }
        if broken.len() > SHOWN {
            say::line(format!("     and {} more", broken.len() - SHOWN));
        }
    }
    say::line(format!(
        "{}, {}, {}, {}: {}",
        counted(verified.customers, "customer"),
        counted(verified.events, "event"),
        counted(verified.deliveries, "delivery"),
        counted(verified.attempts, "attempt"),
        counted(verified.findings.len(), "finding")
    ));
    Ok(if verified.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
