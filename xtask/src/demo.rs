//! `cargo xtask demo`: builds the server as the tests have it, and runs its demo.

use crate::tools;
use anyhow::{Context, Result};

/// What is built, so that `cargo xtask test` finds all of it built, and this what that has built. Which features of a crate are on depends
/// on what is asked for in one go: of the server alone, tokio, sqlx and every crate of ours would be others than those of the tests. So the
/// whole workspace is named, and a test with it, the smallest, since nothing else turns on what tests want.
const BUILD: [&str; 7] = [
    "build",
    "--workspace",
    "--bin",
    "tidings",
    "--test",
    "sole",
    "--locked",
];

pub(crate) fn run(options: &[String]) -> Result<()> {
    tools::say(
        "The demo is built first. On a new checkout that takes some minutes; `cargo xtask test` needs the same, and builds none of it again.",
    );
    tools::run("cargo", &BUILD)?;
    // Cargo puts it beside this program.
    let here = std::env::current_exe().context("cannot tell where this program is")?;
    let server = here.with_file_name("tidings");
    let server = server.to_str().context("the path of the build is odd")?;
    tools::run(server, &[&["demo"], &*tools::strs(options)].concat())
}
