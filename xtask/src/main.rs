//! The project's own commands: `cargo xtask demo | test | truth | mutate | bench | chaos | soak | fuzz | circles | sql | levels | screenshots`.

mod chaos;
mod check;
mod circles;
mod demo;
mod fuzz;
mod mutate;
mod sql;
mod tools;
mod truth;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::env;

/// The project's own commands.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build and run the demo; options go to `tidings demo`.
    Demo {
        /// For `tidings demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Formatting, lints, documentation, licences, and every test.
    Test {
        /// 200,000 generated histories per property, and 10,000 cases of everything else.
        #[arg(long)]
        long: bool,
    },
    /// Let generated customers live in all stores, and compare what is told of them with what truly happened.
    Truth {
        /// How many years of customers' lives.
        #[arg(long, default_value_t = 1_000)]
        years: u64,
        /// The same seed lives the same lives.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Of how many worlds one is told to all of Tidings, with a ledger on disk and deliveries.
        #[arg(long, default_value_t = 50)]
        share: u64,
    },
    /// Put wrong rules into a copy of the tree, and see that the truth of generated lives notices each.
    Mutate(mutate::Options),
    /// Measure throughput, latency, CPU and memory of the release build.
    Bench {
        /// For the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Hurt three nodes and their database while customers live, or kill one server over and over; the outcome is added to
    /// docs/reliability.md.
    Chaos(chaos::Options),
    /// Keep a server at half of what it can take, with readers of its streams that do not read; the outcome is added to
    /// docs/reliability.md.
    Soak(chaos::Soak),
    /// Fuzz whatever parses outside bytes, with libFuzzer, which sees what is reached; or parse again what harmed a target.
    Fuzz(fuzz::Options),
    /// See that no two files use each other; a part of `test`.
    Circles,
    /// Ask a new PostgreSQL about every statement, for the compiler; after a statement or the schema changed.
    Sql,
    /// Write down what this release writes to its databases, for the tests of those that come; after a migration was added.
    Levels,
    /// Make the screenshots of the documentation.
    Screenshots,
}

fn main() -> Result<()> {
    if let Some(error) = fuzz::in_place_of_the_compiler() {
        return Err(error);
    }
    // Tests build this program again, and then nothing is left of the file that runs.
    let own = env::current_exe().context("this program does not know where it is")?;
    match Cli::parse().command {
        Command::Demo { rest } => demo::run(&rest),
        Command::Test { long } => check::all(long, &own),
        Command::Truth { years, seed, share } => truth::live(years, seed, share),
        Command::Mutate(options) => mutate::run(&options),
        Command::Bench { rest } => tools::run(
            "cargo",
            &[
                &["bench", "-p", "tidings", "--bench", "throughput", "--"],
                tools::strs(&rest).as_slice(),
            ]
            .concat(),
        ),
        Command::Chaos(options) => chaos::run(&options),
        Command::Soak(options) => chaos::soak(&options),
        Command::Fuzz(options) => fuzz::run(&options, &own),
        Command::Circles => circles::none(),
        Command::Sql => {
            tools::database_tools()?;
            sql::prepare()
        }
        Command::Levels => {
            tools::database_tools()?;
            for ledger in ["ledger-sqlite", "ledger-postgres"] {
                let test = ["test", "-p", ledger, "--test", "levels", "is_kept"];
                tools::run("cargo", &[&test[..], &["--", "--ignored"]].concat())?;
            }
            Ok(())
        }
        Command::Screenshots => {
            tools::browser_tools()?;
            let test = ["test", "-p", "tidings", "--test", "e2e", "pictures"];
            tools::run("cargo", &[&test[..], &["--", "--ignored"]].concat())
        }
    }
}
