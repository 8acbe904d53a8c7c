//! `cargo xtask mutate`: wrong rules are put into a copy of the tree, and the oracle has to notice each.
//!
//! **How it works.** All of them are put into one copy, each behind a switch that is in the copy only: it is built once and run once for
//! each, in a folder of its own: packages of a workspace are told apart by their place in it, so in one folder with the tree's, either would be
//! taken for the other. What others wrote is built already for the tree, and taken from there. A run ends with the first difference.
//!
//! **Before changing it.** A rule that was rewritten has its row here rewritten with it; a test looks that every row fits.

use crate::truth;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Only this one; 0 is none of them.
    #[arg(long)]
    only: Option<usize>,
    /// How many lives of each store are told in each way.
    #[arg(long, default_value_t = 12)]
    lives: u64,
    /// Build without optimisation: sooner built, and slower.
    #[arg(long)]
    plain: bool,
}

/// A wrong rule.
struct Mutant {
    /// What it claims.
    says: &'static str,
    file: &'static str,
    right: &'static str,
    /// What stands there instead; `WRONG` is whether it is this one's turn.
    wrong: &'static str,
}

const MUTANTS: [Mutant; 24] = [
    Mutant {
        says: "a refund that is a thing of its own takes no access",
        file: "snapshot/derive.rs",
        right: ".filter(|refund| refund.revokes && !refund.is_undone)",
        wrong: ".filter(|refund| refund.revokes && !refund.is_undone && !WRONG)",
    },
    Mutant {
        says: "a refund that failed is not told",
        file: "change/refunds.rs",
        right: "if refund.is_undone && !known.is_some_and(|known| known.is_undone) {",
        wrong: "if !WRONG && refund.is_undone && !known.is_some_and(|known| known.is_undone) {",
    },
    Mutant {
        says: "a period that another product took over from just ends",
        file: "change/charges.rs",
        right: "_ if !old.is_paid() => return None,",
        wrong: "_ if WRONG || !old.is_paid() => return None,",
    },
    Mutant {
        says: "another product in the middle of a period is bought after a lapse",
        file: "charge.rs",
        right: "Some(end) if new.purchased_at < end => Switch::Immediate,",
        wrong: "Some(end) if !WRONG && new.purchased_at < end => Switch::Immediate,",
    },
    Mutant {
        says: "a change of product at the renewal is one at once",
        file: "charge.rs",
        right: "_ if new.reason == Some(TransactionReason::Renewal) => Switch::AtRenewal,",
        wrong: "_ if !WRONG && new.reason == Some(TransactionReason::Renewal) => Switch::AtRenewal,",
    },
    Mutant {
        says: "the first charge after a trial is a renewal",
        file: "charge.rs",
        right: "(false, Some(false)) => (EventKind::TrialConverted",
        wrong: "(false, Some(false)) if !WRONG => (EventKind::TrialConverted",
    },
    Mutant {
        says: "a period that nobody paid for is a charge",
        file: "charge.rs",
        right: "if fact.is_owed {\n            return None;",
        wrong: "if fact.is_owed && !WRONG {\n            return None;",
    },
    Mutant {
        says: "what has ended is cancelled as well",
        file: "change/renewal.rs",
        right: "if snapshot.has_ended() && !(is_cancelled && stated.is_some() && step.is_same_period()) {",
        wrong: "if !WRONG && snapshot.has_ended() && !(is_cancelled && stated.is_some() && step.is_same_period()) {",
    },
    Mutant {
        says: "a new period switches renewal on again",
        file: "change/renewal.rs",
        right: "let goes_on = step.is_same_period() || took_over_before_the_end(step);",
        wrong: "let goes_on = WRONG || step.is_same_period() || took_over_before_the_end(step);",
    },
    Mutant {
        says: "a product chosen for the next period is not told",
        file: "change/renewal.rs",
        right: "(known, Some(next)) if known != Some(next) => Some(Change {",
        wrong: "(known, Some(next)) if !WRONG && known != Some(next) => Some(Change {",
    },
    Mutant {
        says: "a purchase that a refund ended expires as well",
        file: "change/standing.rs",
        right: ".is_some_and(Snapshot::has_ended)\n    {",
        wrong: ".is_some_and(|before| !WRONG && Snapshot::has_ended(before))\n    {",
    },
    Mutant {
        says: "grace is not told",
        file: "change/standing.rs",
        right: "let begins = in_grace(snapshot) && ",
        wrong: "let begins = !WRONG && in_grace(snapshot) && ",
    },
    Mutant {
        says: "every statement of a failed charge is told",
        file: "change/standing.rs",
        right: "let begins = snapshot.has_billing_issue() && !before",
        wrong: "let before = before.filter(|_| !WRONG); let begins = snapshot.has_billing_issue() && !before",
    },
    Mutant {
        says: "the clock ends what no store has ended",
        file: "snapshot/standing.rs",
        right: "(None, None) if now < after(end, LAPSE_LIMIT) => Self::Lapsed,",
        wrong: "(None, None) if !WRONG && now < after(end, LAPSE_LIMIT) => Self::Lapsed,",
    },
    Mutant {
        says: "grace gives no access",
        file: "snapshot/standing.rs",
        right: "Some(Status::Grace) => in_grace.unwrap_or(Self::Retry { since }),",
        wrong: "Some(Status::Grace) => in_grace.filter(|_| !WRONG).unwrap_or(Self::Retry { since }),",
    },
    Mutant {
        says: "what is paid for ends there, whatever its store says",
        file: "snapshot/derive.rs",
        right: "Some(named.map_or(paid, |named| named.max(paid)))",
        wrong: "Some(named.filter(|_| !WRONG).map_or(paid, |named| named.max(paid)))",
    },
    Mutant {
        says: "what is heard last is true",
        file: "fact/known.rs",
        right: "Some(known) if (known.version, &*known) >= (renewal.version, renewal) => {}",
        wrong: "Some(known) if !WRONG && (known.version, &*known) >= (renewal.version, renewal) => {}",
    },
    Mutant {
        says: "the whole past of an old purchase is news",
        file: "change/first_seen.rs",
        right: "(begins || all.len() == 1)\n",
        wrong: "WRONG || (begins || all.len() == 1)\n",
    },
    Mutant {
        says: "access ends with the period, in grace too",
        file: "snapshot/mod.rs",
        right: "Standing::Grace { until, .. } => Some(until),\n            Standing::Revoked",
        wrong: "Standing::Grace { until, .. } if !WRONG => Some(until),\n            Standing::Revoked",
    },
    Mutant {
        says: "who is let in by the family has bought it",
        file: "change/mod.rs",
        right: ".filter(|line| line.ownership != Ownership::FamilyShared)",
        wrong: ".filter(|line| WRONG || line.ownership != Ownership::FamilyShared)",
    },
    Mutant {
        says: "a period that ends later is not told",
        file: "change/terms.rs",
        right: ".filter(|(old, new)| old < new)?;",
        wrong: ".filter(|(old, new)| !WRONG && old < new)?;",
    },
    Mutant {
        says: "a product that is taken off goes on",
        file: "snapshot/derive.rs",
        right: "let since = facts.left_at(fact)?;",
        wrong: "let since = facts.left_at(fact).filter(|_| !WRONG)?;",
    },
    Mutant {
        says: "who cancels a term renews as long as it is charged",
        file: "snapshot/derive.rs",
        right: "|| is_off(renewal.term_renews))",
        wrong: "|| (!WRONG && is_off(renewal.term_renews)))",
    },
    Mutant {
        says: "a refund of a part gives back all",
        file: "refund.rs",
        right: "self.parts.push((part, amount));",
        wrong: "self.parts.push((part, amount.filter(|_| !WRONG)));",
    },
];

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
        truth::optimised()
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
    println!("| # | a wrong rule | noticed by |\n|---:|---|---|");
    // None of them, first: what is noticed then is no mutant's doing.
    let rules = MUTANTS.iter().map(|mutant| mutant.says);
    let rules = ["none: the rules as they are"].into_iter().chain(rules);
    for (number, says) in rules.enumerate() {
        if options.only.is_some_and(|only| only != number) {
            continue;
        }
        let ran = Command::new(&program)
            .args(["truth::notices", "--ignored", "--exact", "--nocapture"])
            .env("TIDINGS_MUTANT", number.to_string())
            .env("TIDINGS_TRUTH_LIVES", options.lives.to_string())
            .envs(truth::memory())
            .current_dir(tree.join("crates/engine"))
            .output()?;
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let noticed = said.lines().find_map(|line| line.strip_prefix("noticed: "));
        let noticed = match (noticed, ran.status.success()) {
            (Some(noticed), _) => noticed,
            (None, true) => "nobody",
            (None, false) => "the engine, which stopped",
        };
        println!("| {number} | {says} | {noticed} |");
    }
    Ok(())
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
