//! The full check: what continuous integration runs, step by step.

use crate::tools::{
    browser_tools, clock_tools, cloud_tools, database_tools, exists, fuzz_tools, mail_tools,
    queue_tools, receiver_tools, run, run_with, stream_tools, table_tools,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet, num::NonZero, path::Path, process::Command,
    thread::available_parallelism,
};

/// Licences a dependency may be used under; an expression passes when one of its alternatives does. As in deny.toml.
const LICENCES: [&str; 12] = [
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

/// What a whole check builds, in GiB, with room for what tests write.
const ROOM: u64 = 14;

pub(crate) fn all(long: bool, own: &Path) -> Result<()> {
    crate::tools::room(ROOM)?;
    browser_tools()?;
    database_tools()?;
    stream_tools()?;
    cloud_tools()?;
    mail_tools()?;
    receiver_tools()?;
    queue_tools()?;
    table_tools()?;
    clock_tools()?;
    fuzz_tools()?;
    without_running()?;
    tests(long)?;
    crate::fuzz::briefly(own)
}

/// What is found without running anything: formatting, lints, documentation, licences, statements.
fn without_running() -> Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    crate::circles::none()?;
    run_with(
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "fuzz/libfuzzer",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    )?;
    run_with(
        "cargo",
        &["doc", "--workspace", "--no-deps", "--locked"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    licences()?;
    crate::sql::check()?;
    if exists("cargo-deny") {
        run(
            "cargo",
            &["deny", "--offline", "check", "bans", "licenses", "sources"],
        )?;
    }
    // As people build it: what tests ask of the crates that are shared with it is not there.
    run("cargo", &["check", "-p", "tidings", "--locked"])
}

/// Every test, on SQLite and on PostgreSQL.
fn tests(long: bool) -> Result<()> {
    // Most tests wait for a server, a database or a browser rather than for a processor.
    let threads = available_parallelism().map_or(2, NonZero::get) * 2;
    let threads = threads.to_string();
    // Each step names the whole workspace, whose crates are then built once, with one choice of features.
    // The domain's histories are cheap to generate, so there are always many.
    let (histories, cases) = if long {
        ("200000", "10000")
    } else {
        ("10000", "256")
    };
    run_with(
        "cargo",
        &["test", "--workspace", "--test", "properties", "--locked"],
        &[("PROPTEST_CASES", histories)],
    )?;
    run_with(
        "cargo",
        &["test", "--workspace", "--no-fail-fast", "--locked"],
        &[
            ("PROPTEST_CASES", cases),
            ("INSTA_CI", "1"),
            ("RUST_TEST_THREADS", &threads),
        ],
    )?;
    // What holds on SQLite holds on PostgreSQL.
    // A thousand lives twice over take long there, and `chaos` lives them among several nodes.
    // So do generated lives, of which a few are lived there all the same (`truth::brief`); `cargo xtask truth` takes a ledger from the
    // environment.
    let long_ones = [
        "--",
        "--skip",
        "an_outage_of_ten_minutes",
        "--skip",
        "truth::of_",
        "--skip",
        "truth::found::",
        "--skip",
        "truth::chosen::",
    ];
    let tests = ["--test", "whole", "--locked"];
    run_with(
        "cargo",
        &[&["test", "--workspace"], &tests[..], &long_ones[..]].concat(),
        &[
            ("TIDINGS_TEST_LEDGER", "postgres"),
            ("RUST_TEST_THREADS", &threads),
        ],
    )
}

/// Every dependency is licensed compatibly, checked without any tool that might be missing.
fn licences() -> Result<()> {
    let tree = Command::new("cargo")
        .args([
            "tree",
            "--workspace",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}\t{l}",
            "--locked",
        ])
        .output()
        .context("cannot run cargo tree")?;
    let text = String::from_utf8(tree.stdout)?;
    let dependencies = text.lines().filter(|line| !line.trim().is_empty());
    let refused: BTreeSet<&str> = dependencies
        .filter(|line| {
            !is_allowed(
                line.split('\t')
                    .nth(1)
                    .unwrap_or_default()
                    .trim_end_matches(" (*)"),
            )
        })
        .collect();
    if !refused.is_empty() {
        bail!(
            "these dependencies have licences that are not allowed:\n{}",
            refused.into_iter().collect::<Vec<_>>().join("\n")
        );
    }
    Ok(())
}

/// `A OR B` passes with either, `A AND B` with both; exceptions (`WITH`) only widen a licence.
fn is_allowed(expression: &str) -> bool {
    let normal = expression.replace('/', " OR ");
    let one = |name: &str| {
        LICENCES.contains(
            &name
                .trim()
                .trim_matches(['(', ')'])
                .split(" WITH ")
                .next()
                .unwrap_or_default(),
        )
    };
    let all = |part: &str| {
        part.split(" AND ")
            .all(|part| part.trim().trim_matches(['(', ')']).split(" OR ").any(one))
    };
    normal
        .split(" AND ")
        .all(|part| part.split(" OR ").any(one))
        || normal.split(" OR ").any(all)
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn licence_expressions_are_understood() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("MIT AND GPL-3.0", false),
            ("ISC AND (Apache-2.0 OR ISC)", true),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression), allowed, "{expression}");
        }
    }
}
