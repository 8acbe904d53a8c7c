//! `cargo xtask chaos`: harm done to the real binary while customers live, and what came of it, in docs/reliability.md.

use crate::tools;
use anyhow::Result;
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(crate) struct Options {
    /// How long three nodes and their database are hurt.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How many customers live meanwhile.
    #[arg(long, default_value_t = 1_000)]
    customers: u64,
    /// The same seed does the same harm.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead, kill one server under load, so often.
    #[arg(long)]
    kills: Option<u64>,
    /// Instead, let one thing after the other go wrong around one server under a steady load.
    #[arg(long, conflicts_with = "kills")]
    scenarios: bool,
    /// Instead, change bits of a file of SQLite, one at a time, and say how often that is noticed.
    #[arg(long, conflicts_with_all = ["kills", "scenarios"])]
    damage: bool,
    /// How many first purchases a second that load has.
    #[arg(long, default_value_t = 20)]
    rate: u64,
    /// What that server keeps its data in.
    #[arg(long, value_enum, default_value_t = Ledger::Sqlite)]
    ledger: Ledger,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ledger {
    Sqlite,
    Postgres,
}

impl Ledger {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.damage {
        let test = ["test", "-p", "ledger-sqlite", "--test", "damaged"];
        let only = ["how_often", "--", "--ignored", "--nocapture"];
        return tools::run("cargo", &[&test[..], &only[..]].concat());
    }
    tools::database_tools()?;
    tools::clock_tools()?;
    let seed = options.seed.to_string();
    if let Some(kills) = options.kills {
        return test(
            "crash::kills",
            &[
                ("TIDINGS_CHAOS_KILLS", &kills.to_string()),
                ("TIDINGS_CHAOS_LEDGER", options.ledger.name()),
                ("TIDINGS_CHAOS_SEED", &seed),
            ],
        );
    }
    if options.scenarios {
        return test(
            "scenarios::scenarios",
            &[
                ("TIDINGS_CHAOS_LEDGER", options.ledger.name()),
                ("TIDINGS_CHAOS_RATE", &options.rate.to_string()),
            ],
        );
    }
    test(
        "nodes::chaos",
        &[
            ("TIDINGS_CHAOS_SECONDS", &options.seconds.to_string()),
            ("TIDINGS_CHAOS_CUSTOMERS", &options.customers.to_string()),
            ("TIDINGS_CHAOS_SEED", &seed),
        ],
    )
}

/// A server at half of what it can take, for so many minutes.
pub(crate) fn soak(minutes: u64) -> Result<()> {
    tools::clock_tools()?;
    let seconds = (minutes * 60).to_string();
    test("soak::soak", &[("TIDINGS_SOAK_SECONDS", &seconds)])
}

/// Runs a long test of the real binary.
fn test(name: &str, environment: &[(&str, &str)]) -> Result<()> {
    let test = ["test", "-p", "tidings", "--test", "e2e", name];
    tools::run_with(
        "cargo",
        &[&test[..], &["--", "--ignored", "--exact", "--nocapture"]].concat(),
        environment,
    )
}
