//! `cargo xtask mutate`: wrong rules are put into a copy of the tree, and the oracle has to notice each.
//!
//! **How it works.** All of them are put into one copy, each behind a switch that is in the copy only: it is built once and run once for
//! each, in a folder of its own: packages of a workspace are told apart by their place in it, so in one folder with the tree's, either would be
//! taken for the other. What others wrote is built already for the tree, and taken from there. A run ends with the first difference.
//!
//! **Before changing it.** A rule that was rewritten has its row in [`rules`] rewritten with it; a test looks that every row fits.

mod rules;

use crate::truth;
use anyhow::{Context, Result, bail};
use clap::Args;
use rules::MUTANTS;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Only this one.
    #[arg(long)]
    only: Option<usize>,
    /// How many lives are lived together in a world.
    #[arg(long, default_value_t = 12)]
    lives: u64,
    /// How many years of customers have to pass without a difference before a rule is noticed by nobody.
    #[arg(long, default_value_t = 1_000)]
    years: u64,
    /// Build without optimisation: sooner built, and slower.
    #[arg(long)]
    plain: bool,
}

/// What decides; nothing else of a life takes long where it is told shortly.
const BUSY: [&str; 4] = ["domain", "sources", "engine", "simulator"];
/// Of the tests of the engine, what lives are made of.
const TESTS: &str = "crates/engine/tests/whole/main.rs";
const LIVES: [&str; 4] = ["gate", "memory", "truth", "world"];

/// What the copy has beside: which of them has its turn.
const SWITCH: &str = r#"
mod mutant {
    use std::sync::LazyLock;

    static TURN: LazyLock<usize> = LazyLock::new(|| {
        let told = std::env::var("TIDINGS_MUTANT").ok();
        told.and_then(|told| told.parse().ok()).unwrap_or(0)
    });

    pub(crate) fn is_in_place(number: usize) -> bool {
        *TURN == number
    }
}
"#;

/// The text with all wrong rules of a file in it; fails where one does not fit exactly once.
fn mutated(file: &str, mut text: String) -> Result<String> {
    for (index, mutant) in MUTANTS.iter().enumerate() {
        if mutant.file != file {
            continue;
        }
        let found = text.matches(mutant.right).count();
        if found != 1 {
            bail!(
                "{file} has {found} times {:?}: {}",
                mutant.right,
                mutant.says
            );
        }
        let turn = format!("crate::mutant::is_in_place({})", index + 1);
        text = text.replace(mutant.right, &mutant.wrong.replace("WRONG", &turn));
    }
    Ok(text)
}

/// What git knows of the tree, as it stands, in a folder of its own, with all wrong rules in it.
fn copy(tree: &Path) -> Result<()> {
    let listed = Command::new("git").args(["ls-files", "-z"]).output()?;
    let listed = String::from_utf8(listed.stdout).context("a file's name is no text")?;
    for file in listed.split_terminator('\0') {
        let mut content = fs::read(file).with_context(|| format!("{file} cannot be read"))?;
        if let Some(of_domain) = file.strip_prefix("crates/domain/src/") {
            let text = String::from_utf8(content).context("a file of rules is no text")?;
            let switch = if of_domain == "lib.rs" { SWITCH } else { "" };
            content = (mutated(of_domain, text)? + switch).into_bytes();
        } else if file == TESTS {
            let kept = LIVES.map(|name| format!("mod {name};\n"));
            content = kept.concat().into_bytes();
        }
        let to = tree.join(file);
        // What has not changed is not built again.
        if fs::read(&to).is_ok_and(|known| known == content) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, content)?;
    }
    Ok(())
}

/// What cargo keeps of a package, by its name: one folder or file, or several.
const KEPT: [&str; 3] = ["deps", ".fingerprint", "build"];

/// Takes what others wrote from where it was built for the tree; what is not there is built.
fn take_built(from: &Path, target: &Path) -> Result<()> {
    let own = own()?;
    for kept in KEPT {
        let to = target.join("debug").join(kept);
        if to.is_dir() || !from.join(kept).is_dir() {
            continue;
        }
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(from.join(kept))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !own.contains(&package_of(&name)) {
                link(&entry.path(), &to.join(&name))?;
            }
        }
    }
    Ok(())
}

/// Names of what is built of the workspace, as they stand in names of files. Its tests are not among them: nothing is built of one, and it
/// may be called as something of others is.
fn own() -> Result<BTreeSet<String>> {
    let asked = [
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ];
    let told = Command::new("cargo").args(asked).output()?;
    let told: serde_json::Value = serde_json::from_slice(&told.stdout)?;
    let packages = told["packages"]
        .as_array()
        .context("cargo lists no packages")?;
    let names = packages.iter().flat_map(|package| {
        let targets = package["targets"].as_array().into_iter().flatten();
        let targets = targets.filter(|target| target["kind"][0] != "test");
        let targets = targets.map(|target| &target["name"]);
        targets.chain([&package["name"]])
    });
    let names = names.filter_map(serde_json::Value::as_str);
    Ok(names.map(|name| name.replace('-', "_")).collect())
}

/// Of what a file or folder of cargo's is: `libserde-0123456789abcdef.rlib` is of `serde`.
fn package_of(file: &str) -> String {
    let name = file.split_once('.').filter(|(name, _)| !name.is_empty());
    let name = name.map_or(file, |(name, _)| name);
    let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
    let is_library = file.contains(".r") || file.contains(".so");
    let name = name
        .strip_prefix("lib")
        .filter(|_| is_library)
        .unwrap_or(name);
    name.replace('-', "_")
}

/// The same file in another place, or folder of files.
fn link(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::hard_link(from, to).with_context(|| format!("{} cannot be linked", from.display()))?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        link(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The test program of the copy.
fn build(tree: &Path, target: &Path, plain: bool) -> Result<PathBuf> {
    let options = if plain {
        Vec::new()
    } else {
        truth::optimised_of(&BUSY)
    };
    let built = Command::new("cargo")
        .args(["build", "-p", "engine", "--test", "whole"])
        .args(options)
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !built.status.success() {
        bail!("the copy cannot be built");
    }
    let told = String::from_utf8_lossy(&built.stdout);
    let mut programs = told
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|built| Some(PathBuf::from(built["executable"].as_str()?)));
    programs.next_back().context("cargo named no test program")
}

/// Runs each wrong rule, or one of them, and prints who noticed what.
#[expect(clippy::print_stdout, reason = "a report")]
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = std::env::current_dir()?.join("target/mutants");
    let (tree, target) = (folder.join("tree"), folder.join("built"));
    copy(&tree)?;
    take_built(Path::new("target/debug"), &target)?;
    let program = build(&tree, &target, options.plain)?;
    // None of them, first: what is noticed then is no mutant's doing.
    let known = run_with(&program, &tree, options, 0, None)?;
    let known: Vec<&str> = known.lines().filter_map(noticed).collect();
    for told in &known {
        println!("The rules as they are differ from the truth: {told}");
    }
    let kinds: Vec<&str> = known.iter().map(|told| kind(told)).collect();
    println!("| # | a wrong rule | noticed |\n|---:|---|---|");
    for (number, mutant) in (1..).zip(&MUTANTS) {
        if options.only.is_some_and(|only| only != number) {
            continue;
        }
        let said = run_with(&program, &tree, options, number, Some(kinds.join("\n")))?;
        let noticed = said.lines().find_map(noticed);
        let is_done = said.contains("test result: ok");
        let noticed = match (noticed, is_done) {
            (Some(noticed), _) => noticed,
            (None, true) => "never",
            (None, false) => "by the engine, which stopped",
        };
        println!("| {number} | {} | {noticed} |", mutant.says);
    }
    Ok(())
}

/// What was noticed, of a line that says so.
fn noticed(line: &str) -> Option<&str> {
    line.strip_prefix("noticed ")
}

/// Of what was noticed, which store and what: it begins with when, and in which way.
fn kind(noticed: &str) -> &str {
    noticed.splitn(3, ", ").last().unwrap_or(noticed)
}

/// What lives say with one wrong rule in its place. Without kinds that are known, they say all that they notice.
fn run_with(
    program: &Path,
    tree: &Path,
    options: &Options,
    number: usize,
    known: Option<String>,
) -> Result<String> {
    let known = known.map(|known| ("TIDINGS_TRUTH_KNOWN", known));
    let ran = Command::new(program)
        .args([
            "truth::long::notices",
            "--ignored",
            "--exact",
            "--nocapture",
        ])
        .env("TIDINGS_MUTANT", number.to_string())
        .env("TIDINGS_TRUTH_LIVES", options.lives.to_string())
        .env("TIDINGS_TRUTH_YEARS", options.years.to_string())
        .envs(known)
        .envs(truth::memory())
        .current_dir(tree.join("crates/engine"))
        .output()?;
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{MUTANTS, mutated, own, package_of};
    use std::{collections::BTreeSet, fs, path::Path};

    #[test]
    fn every_wrong_rule_has_its_place() {
        let domain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/domain/src");
        let files: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.file).collect();
        for file in files {
            let text = fs::read_to_string(domain.join(file)).expect("the file is there");
            mutated(file, text).expect("every row fits once");
        }
    }

    #[test]
    fn what_cargo_keeps_is_known_by_its_package() {
        let of = [
            ("libserde_core-0123456789abcdef.rlib", "serde_core"),
            ("serde-core-0123456789abcdef", "serde_core"),
            ("libserde_derive-0123456789abcdef.so", "serde_derive"),
            ("libc-0123456789abcdef.d", "libc"),
            ("liblibc-0123456789abcdef.rmeta", "libc"),
            ("libsqlite3-sys-0123456789abcdef", "libsqlite3_sys"),
        ];
        for (file, package) in of {
            assert_eq!(package_of(file), package, "{file}");
        }
        let own = own().expect("cargo answers");
        assert!(own.contains("tidings_http") && own.contains("domain"));
        assert!(!own.contains("serde") && !own.contains("http"));
    }
}
