//! Runs libFuzzer over every parser of outside bytes.
//!
//! The pinned toolchain is enough: what libFuzzer needs of the compiler are passes of LLVM that every release has. Only what is
//! fuzzed is instrumented, never build scripts, which is why the target is named. What libFuzzer finds is kept under
//! `target/fuzz`, outside the seeds.

use crate::tools;
use anyhow::{Context, Result, bail};
use std::{fs, process::Command};

/// Coverage as `cargo fuzz` has it, without a sanitizer: there is no unsafe code to sanitize.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Longest input, in bytes.
const LONGEST: &str = "-max_len=16384";

/// Fuzzes each target, or the one that is named, for so many seconds.
pub(crate) fn run(seconds: u64, only: Option<&str>) -> Result<()> {
    let host = host()?;
    tools_for_libfuzzer()?;
    let manifest = "fuzz/Cargo.toml";
    // What is fuzzed is what is built otherwise: dependencies of the same versions.
    fs::copy("Cargo.lock", "fuzz/Cargo.lock").context("run this from the top of the repository")?;
    let build = ["build", "--release", "--manifest-path", manifest];
    let mut build = [&build[..], &["--target", &host]].concat();
    let targets = targets()?;
    if let Some(only) = only {
        if !targets.iter().any(|target| target == only) {
            bail!(
                "there is no target {only:?}: they are {}",
                targets.join(", ")
            );
        }
        build.extend(["--bin", only]);
    }
    tools::run_with("cargo", &build, &[("RUSTFLAGS", COVERAGE)])?;
    for target in targets
        .iter()
        .filter(|target| only.is_none_or(|only| only == **target))
    {
        let found = format!("target/fuzz/corpus/{target}");
        let harm = format!("target/fuzz/harm/{target}/");
        for folder in [&found, &harm] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
        }
        let program = format!("fuzz/target/{host}/release/{target}");
        let seeds = format!("fuzz/seeds/{target}");
        let time = format!("-max_total_time={seconds}");
        let harm = format!("-artifact_prefix={harm}");
        let options = [
            &found,
            &seeds,
            &time,
            &harm,
            LONGEST,
            "-timeout=10",
            "-print_final_stats=1",
        ];
        tools::run(&program, &options.map(AsRef::as_ref))
            .with_context(|| format!("{target}: what harmed it is under {harm}"))?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir("fuzz/src/bin").context("run this from the top of the repository")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        targets.extend(name.map(str::to_owned));
    }
    targets.sort();
    Ok(targets)
}

/// The platform this runs on, as the compiler calls it.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let said = String::from_utf8(output.context("rustc is missing")?.stdout)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

/// libFuzzer is written in C++ and is built from source.
fn tools_for_libfuzzer() -> Result<()> {
    let compilers = ["c++", "g++", "clang++"];
    if !compilers.iter().any(|compiler| tools::exists(compiler)) {
        bail!("missing: a C++ compiler (c++, g++ or clang++), to build libFuzzer with");
    }
    Ok(())
}
