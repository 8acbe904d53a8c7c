//! `cargo xtask chaos` and `soak`: harm done to the real binary while customers live, and what came of it, in docs/reliability.md.

use crate::tools;
use anyhow::Result;
use clap::{Args, ValueEnum};

/// Which build is run: seconds, rates and memory mean something only of one that is optimised.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Build {
    /// As tests are.
    Debug,
    /// As tests are, with our own crates optimised: what they depend on is not built again.
    Optimised,
    /// As it is installed.
    Release,
}

impl Build {
    const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Optimised => "optimised",
            Self::Release => "release",
        }
    }
}

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
    /// Of those things, only the ones whose description contains this.
    #[arg(long, requires = "scenarios", default_value = "")]
    only: String,
    /// How many first purchases a second that load has.
    #[arg(long, default_value_t = 20)]
    rate: u64,
    /// What that server keeps its data in.
    #[arg(long, value_enum, default_value_t = Ledger::Sqlite)]
    ledger: Ledger,
    /// Which build is run.
    #[arg(long, value_enum, default_value_t = Build::Debug)]
    build: Build,
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
            options.build,
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
            options.build,
            "scenarios::scenarios",
            &[
                ("TIDINGS_CHAOS_LEDGER", options.ledger.name()),
                ("TIDINGS_CHAOS_ONLY", &options.only),
                ("TIDINGS_CHAOS_RATE", &options.rate.to_string()),
            ],
        );
    }
    test(
        options.build,
        "nodes::chaos",
        &[
            ("TIDINGS_CHAOS_SECONDS", &options.seconds.to_string()),
            ("TIDINGS_CHAOS_CUSTOMERS", &options.customers.to_string()),
            ("TIDINGS_CHAOS_SEED", &seed),
        ],
    )
}

#[derive(Args)]
pub(crate) struct Soak {
    /// For how long.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How many first purchases a second; half of what it can take unless told.
    #[arg(long)]
    rate: Option<u64>,
    /// Which build is run.
    #[arg(long, value_enum, default_value_t = Build::Debug)]
    build: Build,
}

/// A server under a steady load, for so many minutes.
pub(crate) fn soak(options: &Soak) -> Result<()> {
    tools::clock_tools()?;
    let seconds = (options.minutes * 60).to_string();
    let rate = options.rate.map(|rate| rate.to_string());
    let mut environment = vec![("TIDINGS_SOAK_SECONDS", &*seconds)];
    environment.extend(rate.as_deref().map(|rate| ("TIDINGS_SOAK_RATE", rate)));
    test(options.build, "soak::soak", &environment)
}

/// Runs a long test of the real binary.
fn test(build: Build, name: &str, environment: &[(&str, &str)]) -> Result<()> {
    let mut words = vec!["test", "-p", "tidings", "--test", "e2e"];
    let mut environment = environment.to_vec();
    environment.push(("TIDINGS_CHAOS_BUILD", build.name()));
    match build {
        Build::Debug => {}
        Build::Optimised => environment.push(("CARGO_PROFILE_DEV_OPT_LEVEL", "2")),
        Build::Release => words.push("--release"),
    }
    words.extend([name, "--", "--ignored", "--exact", "--nocapture"]);
    tools::run_with("cargo", &words, &environment)
}
