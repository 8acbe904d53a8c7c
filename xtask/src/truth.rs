//! `cargo xtask truth`: generated lives through a whole engine, compared with what truly happened.

use crate::tools;
use anyhow::Result;

/// What takes the time: built with optimisation, beside dependencies that are built as for every test.
const BUSY: [&str; 9] = [
    "domain",
    "sources",
    "destinations",
    "ledger",
    "ledger-sqlite",
    "configuration",
    "engine",
    "simulator",
    "throwaway",
];
/// Memory that is a folder; nothing in it waits for a disk.
const MEMORY: &str = "/dev/shm";

/// Options that have cargo build it so. Nobody else's build changes.
pub(crate) fn optimised() -> Vec<String> {
    optimised_of(&BUSY)
}

/// The same of these crates alone.
pub(crate) fn optimised_of(names: &[&str]) -> Vec<String> {
    let level = |name: &&str| format!("profile.dev.package.{name}.opt-level=2");
    let options = names
        .iter()
        .map(|name| ["--config".to_owned(), level(name)]);
    options.flatten().collect()
}

/// What says where files of ledgers go.
pub(crate) fn memory() -> Option<(&'static str, &'static str)> {
    let is_there = std::path::Path::new(MEMORY).is_dir();
    is_there.then_some(("TIDINGS_TEST_FOLDER", MEMORY))
}

/// Lives so many years.
pub(crate) fn live(years: u64, seed: u64, share: u64) -> Result<()> {
    let options = optimised();
    let options = tools::strs(&options);
    let test = &["-p", "engine", "--test", "whole", "truth::years"];
    let run = &["--", "--ignored", "--nocapture"];
    let words = [&["test"], options.as_slice(), test, run].concat();
    let [years, seed, share] = [years, seed, share].map(|number| number.to_string());
    let told = [
        ("TIDINGS_TRUTH_YEARS", years.as_str()),
        ("TIDINGS_TRUTH_SEED", seed.as_str()),
        ("TIDINGS_TRUTH_SHARE", share.as_str()),
    ];
    let told: Vec<_> = told.into_iter().chain(memory()).collect();
    tools::run_with("cargo", &words, &told)
}
