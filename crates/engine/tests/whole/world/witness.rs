//! What a failure has to say to be lived again: of which seed the world is, and of which commit.

use std::{fmt, process::Command, sync::OnceLock};

/// Says it of a world in which something failed, whatever it was.
#[derive(Default)]
pub(super) struct Witness {
    seed: OnceLock<u64>,
}

impl Witness {
    /// What is drawn in this world is drawn from this seed.
    pub(super) fn is_of(&self, seed: u64) {
        self.seed.set(seed).expect("a world has one seed");
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed.get() {
            Some(seed) => write!(f, "seed {seed}, ")?,
            None => f.write_str("nothing drawn, ")?,
        }
        f.write_str(&commit())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("a world has failed: {self}");
        }
    }
}

/// What was compiled.
fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "HEAD"]).output();
    asked.map_or_else(
        |error| format!("no commit ({error})"),
        |answer| format!("commit {}", String::from_utf8_lossy(&answer.stdout).trim()),
    )
}

#[test]
fn a_failure_says_seed_and_commit() {
    let witness = Witness::default();
    assert!(witness.to_string().starts_with("nothing drawn, commit "));
    witness.is_of(7);
    assert!(witness.to_string().starts_with("seed 7, commit "));
}
