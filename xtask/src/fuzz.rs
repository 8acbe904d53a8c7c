//! Runs libFuzzer over every parser of outside bytes.
//!
//! **How it works.** One program holds libFuzzer and all parsers. Cargo builds it beside everything else and calls this program in
//! place of the compiler ([`in_place_of_the_compiler`]), which counts the branches of [`WATCHED`] and of nothing else: every
//! dependency that is not among them is the one that tests have. What libFuzzer needs of the compiler are passes of LLVM that every release has.
//!
//! **What to know before changing it.** Cargo does not know of [`COVERAGE`]: after a change of it, touch what is watched.

use crate::tools;
use anyhow::{Context, Result, anyhow, bail};
use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

/// Packages whose branches are counted, and how far they are optimised: parsers as far as it pays within a minute, and the
/// handlers around bodies, which are many, not at all.
const WATCHED: [(&str, u8); 11] = [
    ("api", 0),
    ("configuration", 1),
    ("destinations", 1),
    ("domain", 1),
    ("fuzz", 1),
    ("sources", 1),
    ("asn1-rs", 2),
    ("der-parser", 2),
    ("toml", 2),
    ("toml_parser", 2),
    ("x509-parser", 2),
];
/// Counters and comparisons, as libFuzzer reads them. No sanitizer: there is no unsafe code to sanitize. Names are compared by
/// calling a function, into which libFuzzer looks, so that it learns them.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-max-loads-per-memcmp=0",
];
/// Set while Cargo calls this program in place of the compiler.
const WATCHING: &str = "TIDINGS_FUZZ_WATCHING";
const PROGRAM: &str = "target/debug/examples/fuzz";
const SEEDS: &str = "fuzz/seeds";
/// Bytes of the longest input, seconds after which one hangs, and what is put into inputs beside what was seen in them.
const BOUNDS: [&str; 3] = ["-max_len=16384", "-timeout=10", "-dict=fuzz/extremes.dict"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long each target is fuzzed.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target: a folder of `fuzz/seeds`.
    #[arg(long)]
    target: Option<String>,
    /// Add to the committed seeds what was found so far and reaches what they do not.
    #[arg(long, conflicts_with = "inputs")]
    keep: bool,
    /// Parse these files instead, once each: what harmed a target is kept under `target/fuzz/harm`.
    #[arg(requires = "target")]
    inputs: Vec<String>,
}

/// Does what is asked of every target, or of the one that is named.
pub(crate) fn run(options: &Options, own: &Path) -> Result<()> {
    let mut targets = targets()?;
    if let Some(only) = &options.target {
        if !targets.contains(only) {
            let all = targets.join(", ");
            bail!("there is no target {only:?}: they are {all}");
        }
        targets.retain(|target| target == only);
    }
    build(own)?;
    for target in &targets {
        if options.keep {
            keep(target)?;
        } else if options.inputs.is_empty() {
            fuzz(target, options.seconds, &found(target))?;
        } else {
            let named = format!("--target={target}");
            let inputs = tools::strs(&options.inputs);
            tools::run(PROGRAM, &[&[named.as_str()], &BOUNDS[..], &inputs].concat())?;
        }
    }
    Ok(())
}

/// A few seconds for each target, from the committed seeds alone.
pub(crate) fn briefly(own: &Path) -> Result<()> {
    build(own)?;
    for target in targets()? {
        let found = format!("target/fuzz/brief/{target}");
        if Path::new(&found).exists() {
            fs::remove_dir_all(&found)?;
        }
        fuzz(&target, 5, &found)?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(SEEDS).context("run this from the top of the repository")? {
        targets.extend(entry?.file_name().into_string());
    }
    targets.sort();
    Ok(targets)
}

fn found(target: &str) -> String {
    format!("target/fuzz/found/{target}")
}

fn build(own: &Path) -> Result<()> {
    tools::fuzz_tools()?;
    // One unit of code each: no other build is like it, so none takes what was made here for its own.
    let levels = WATCHED.map(|(name, level)| {
        let package = format!("profile.dev.package.{name}");
        [
            "--config".to_owned(),
            format!("{package}.opt-level={level}"),
            "--config".to_owned(),
            format!("{package}.codegen-units=1"),
        ]
    });
    let levels = levels.concat();
    let build = ["build", "--workspace", "--locked", "--example", "fuzz"];
    let features = ["--features", "fuzz/libfuzzer"];
    let words = [&build[..], &features, &tools::strs(&levels)].concat();
    let own = own.to_str().context("this program's path is no text")?;
    tools::run_with("cargo", &words, &[("RUSTC_WRAPPER", own), (WATCHING, "1")])
}

/// Becomes the compiler, if Cargo calls this program in its place; answers why that failed.
pub(crate) fn in_place_of_the_compiler() -> Option<anyhow::Error> {
    env::var_os(WATCHING)?;
    let mut words = env::args_os().skip(1);
    let mut compiler = Command::new(words.next()?);
    let words: Vec<OsString> = words.collect();
    let mut names = words.iter().skip_while(|word| *word != "--crate-name");
    let is_watched = names.nth(1).is_some_and(|name| {
        let watched = WATCHED.map(|(package, _)| package.replace('-', "_"));
        watched.iter().any(|package| **package == **name)
    });
    let coverage = is_watched.then_some(COVERAGE);
    compiler.args(words).args(coverage.into_iter().flatten());
    Some(anyhow!(compiler.exec()).context("the compiler cannot be called"))
}

/// Fuzzes one target, from its seeds and what was found before, and says what came of it. What libFuzzer tells meanwhile is in a
/// file, of which the end is shown when the target was harmed.
fn fuzz(target: &str, seconds: u64, found: &str) -> Result<()> {
    let harm = format!("target/fuzz/harm/{target}/");
    for folder in [found, &harm] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    let log = format!("target/fuzz/{target}.log");
    let file = fs::File::create(&log).with_context(|| format!("cannot write {log}"))?;
    let status = Command::new(PROGRAM)
        .arg(format!("--target={target}"))
        .args(BOUNDS)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={harm}"))
        .args(["-print_final_stats=1", found])
        .arg(format!("{SEEDS}/{target}"))
        .stdout(Stdio::null())
        .stderr(file)
        .status()
        .with_context(|| format!("cannot run {PROGRAM}"))?;
    let told = fs::read(&log)?;
    let told = String::from_utf8_lossy(&told);
    if !status.success() {
        let lines: Vec<&str> = told.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        bail!("{end}\n{target}: what harmed it is under {harm}");
    }
    tools::say(&row(target, &told).with_context(|| format!("{log} says not how it went"))?);
    Ok(())
}

/// What came of fuzzing a target, as a row of the table in docs/reliability.md.
fn row(target: &str, told: &str) -> Option<String> {
    let edges = |at: &str| {
        let line = told.lines().find(|line| line.contains(at))?;
        let mut words = line.split_whitespace();
        words.find(|word| *word == "cov:")?;
        words.next()
    };
    let (first, last) = (edges("\tINITED ")?, edges("\tDONE ")?);
    let figure = |name: &str| {
        let mut lines = told.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let inputs = figure("stat::number_of_executed_units:")?;
    let rate = figure("stat::average_exec_per_sec:")?;
    Some(format!(
        "| `{target}` | {inputs} | {rate} | {first} | {last} |"
    ))
}

/// Adds to the seeds what was found and reaches what they do not: few inputs, and short ones.
fn keep(target: &str) -> Result<()> {
    let (seeds, found) = (format!("{SEEDS}/{target}"), found(target));
    if !Path::new(&found).exists() {
        return Ok(());
    }
    let named = format!("--target={target}");
    let few = ["-set_cover_merge=1", "-use_counters=0", "-max_len=1800"];
    tools::run(
        PROGRAM,
        &[&[named.as_str()], &few[..], &[&seeds, &found]].concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn what_libfuzzer_tells_is_a_row() {
        let told = "\
INFO: Loaded 1 PC tables (301685 PCs): 301685 [0x5653e36e1df0,0x5653e3b7c540),
#5\tINITED cov: 2217 ft: 3384 corp: 4/5905b exec/s: 0 rss: 50Mb
#12\tNEW    cov: 2225 ft: 3401 corp: 5/7380b lim: 4096 exec/s: 0 rss: 50Mb L: 1475/1900 MS: 2 CopyPart-ChangeBit-
#8294\tDONE   cov: 2652 ft: 5450 corp: 198/131Kb lim: 4843 exec/s: 1184 rss: 51Mb
Done 8294 runs in 7 second(s)
stat::number_of_executed_units: 8294
stat::average_exec_per_sec:     1184
stat::new_units_added:          310
";
        let expected = "| `jws` | 8294 | 1184 | 2217 | 2652 |";
        assert_eq!(row("jws", told).as_deref(), Some(expected));
        assert_eq!(row("jws", "ERROR: no interesting inputs were found"), None);
    }
}
