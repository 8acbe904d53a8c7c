//! The full check: what continuous integration runs, step by step.

use crate::{
    beside::{Part, at_once},
    tools::{browser_tools, clock_tools, database_tools, exists, run, run_with, stream_tools},
};
use anyhow::{Context, Result, bail};
use std::{collections::BTreeSet, num::NonZero, process::Command, thread::available_parallelism};

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

pub(crate) fn all(long: bool) -> Result<()> {
    browser_tools()?;
    database_tools()?;
    stream_tools()?;
    clock_tools()?;
    without_running()?;
    // Each command names the whole workspace, whose crates are then built once, with one choice of features.
    run("cargo", &["test", "--workspace", "--no-run", "--locked"])?;
    at_once(tests(long)?)
}

/// What is found without running anything: formatting, lints, documentation, licences, statements.
fn without_running() -> Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    run_with(
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
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

/// Tests that have a part of their own.
const APART: [&str; 2] = ["e2e", "properties"];

/// Every test, in parts that run beside each other: most wait for a server, a database or a browser rather than for a processor.
fn tests(long: bool) -> Result<Vec<Part>> {
    let threads = available_parallelism().map_or(2, NonZero::get) * 2;
    // The domain's histories are cheap to generate, so there are always many.
    let (histories, cases) = if long {
        ("200000", "10000")
    } else {
        ("10000", "256")
    };
    let others = test_targets()?;
    let others = others.iter().map(String::as_str);
    let others = others.filter(|name| !APART.contains(name));
    let others = others.flat_map(|name| ["--test", name]);
    let others: Vec<&str> = ["--lib", "--bins"].into_iter().chain(others).collect();
    // What holds on SQLite holds on PostgreSQL.
    // A thousand lives twice over take long there, and `chaos` lives them among several nodes.
    // So do generated lives: `cargo xtask truth` takes a ledger from the environment.
    let long_ones = ["--skip", "an_outage_of_ten_minutes", "--skip", "truth::"];
    let on_postgres = [&["--test", "whole", "--"][..], &long_ones].concat();
    let part = |title, words: &[&str], environment: &[(&'static str, &'static str)]| {
        Part::new(title, words, environment, threads)
    };
    let cases = [("PROPTEST_CASES", cases), ("INSTA_CI", "1")];
    Ok(vec![
        part("the binary", &["--test", "e2e"], &cases),
        part("everything else", &others, &cases),
        part(
            "the engine on PostgreSQL",
            &on_postgres,
            &[("TIDINGS_TEST_LEDGER", "postgres")],
        ),
        part(
            "generated histories",
            &["--test", "properties"],
            &[("PROPTEST_CASES", histories)],
        ),
        part("examples in documentation", &["--doc"], &[]),
    ])
}

/// Names of the tests of the workspace that are programs of their own.
fn test_targets() -> Result<BTreeSet<String>> {
    let words = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
    let output = Command::new("cargo")
        .args(words)
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.filter_map(|package| package["targets"].as_array());
    let tests = targets.flatten().filter(|target| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
    });
    let names = tests.filter_map(|target| target["name"].as_str());
    Ok(names.map(str::to_owned).collect())
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
