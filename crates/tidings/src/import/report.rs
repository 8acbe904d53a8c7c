//! What became of every line, written as it happens, and how far it has come.

use crate::say;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// What became of a line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) line: usize,
    pub(super) app_user_id: String,
    pub(super) outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
}

/// What is said of a line that need not be repeated.
pub(super) const IMPORTED: &str = "imported";

/// Lines that an earlier run brought in.
pub(super) fn imported_before(report: &Path) -> Result<BTreeSet<usize>> {
    let Ok(file) = File::open(report) else {
        return Ok(BTreeSet::new());
    };
    let mut lines = BTreeSet::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(|| format!("cannot read {}", report.display()))?;
        // The last line may be cut off by whatever stopped the run before.
        if let Ok(outcome) = serde_json::from_str::<Outcome>(&line)
            && outcome.outcome == IMPORTED
        {
            lines.insert(outcome.line);
        }
    }
    Ok(lines)
}

/// What became of every line, written as it happens.
pub(super) struct Report {
    path: PathBuf,
    file: File,
    imported: usize,
    failed: usize,
}

impl Report {
    pub(super) fn append(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path,
            file,
            imported: 0,
            failed: 0,
        })
    }

    pub(super) fn put(&mut self, outcome: &Outcome) -> Result<()> {
        if outcome.outcome == IMPORTED {
            self.imported += 1;
        } else {
            self.failed += 1;
        }
        let text = serde_json::to_string(outcome)?;
        writeln!(self.file, "{text}")
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    pub(super) fn close(self) -> Result<ExitCode> {
        self.file.sync_all()?;
        say::line(format!(
            "{} imported, {} not; every row is in {}",
            self.imported,
            self.failed,
            self.path.display()
        ));
        Ok(if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// How far it came, for whoever watches a terminal.
pub(super) struct Bar {
    count: usize,
    /// Of these, those that an earlier run had brought in.
    before: usize,
    total: usize,
    is_seen: bool,
}

impl Bar {
    pub(super) fn of(total: usize, before: usize) -> Self {
        let before = before.min(total);
        Self {
            count: before,
            before,
            total,
            is_seen: std::io::stderr().is_terminal(),
        }
    }

    /// One more is done, so long after the beginning.
    pub(super) fn step(&mut self, since: Duration) {
        self.count += 1;
        if self.is_seen {
            drop(write!(std::io::stderr(), "\r{}", self.shown(since)));
        }
    }

    fn shown(&self, since: Duration) -> String {
        let filled = self.count * 30 / self.total.max(1);
        let done = self.count - self.before;
        let millis = since.as_millis().max(1);
        let per_second = done as u128 * 1_000 / millis;
        let left = (self.total - self.count) as u128 * millis / 1_000 / (done.max(1) as u128);
        let left = if left < 120 {
            format!("{left} s")
        } else {
            format!("{} min", left / 60)
        };
        format!(
            "[{}{}] {}/{} {per_second}/s, {left} left   ",
            "#".repeat(filled),
            " ".repeat(30 - filled),
            self.count,
            self.total
        )
    }

    pub(super) fn end(self) {
        if self.is_seen {
            drop(writeln!(std::io::stderr()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_what_this_run_did_and_the_rest_follows_from_it() {
        let mut bar = Bar::of(1_000, 400);
        bar.is_seen = false;
        for _ in 0..100 {
            bar.step(Duration::from_secs(10));
        }
        let shown = bar.shown(Duration::from_secs(10));
        assert!(shown.contains("500/1000 10/s, 50 s left"), "{shown}");
        let slow = bar.shown(Duration::from_secs(1_000));
        assert!(slow.contains("0/s, 83 min left"), "{slow}");
        let empty = Bar::of(0, 0).shown(Duration::ZERO);
        assert!(empty.contains("0/0"), "{empty}");
    }
}
