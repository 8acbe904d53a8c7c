//! Tests that run beside each other, each shown in one piece when it is over.

use anyhow::{Context, Result, bail};
use std::{
    io::{self, Read, Write},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// A part of the tests.
pub(crate) struct Part {
    /// What it is about, for people.
    title: &'static str,
    command: Command,
}

/// What became of a part.
struct Over {
    title: &'static str,
    /// All that it said.
    said: Vec<u8>,
    went_well: bool,
    took: Duration,
}

impl Part {
    /// `cargo test` of the whole workspace with `words`, in so many threads. All of its tests run, whichever fail.
    pub(crate) fn new(
        title: &'static str,
        words: &[&str],
        environment: &[(&str, &str)],
        threads: usize,
    ) -> Self {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--workspace", "--no-fail-fast", "--locked"])
            .args(words)
            .env("RUST_TEST_THREADS", threads.to_string())
            .envs(environment.iter().copied());
        Self { title, command }
    }

    fn run(mut self) -> Result<Over> {
        let begun = Instant::now();
        let (mut reader, writer) = io::pipe()?;
        self.command.stdout(writer.try_clone()?).stderr(writer);
        let mut child = self.command.spawn().context("cannot run cargo test")?;
        // It holds this side of the pipe, which would never end.
        drop(self.command);
        let mut said = Vec::new();
        reader.read_to_end(&mut said)?;
        Ok(Over {
            title: self.title,
            said,
            went_well: child.wait()?.success(),
            took: begun.elapsed(),
        })
    }
}

impl Over {
    fn show(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "\n=== {}, {} s", self.title, self.took.as_secs())?;
        out.write_all(&self.said)?;
        out.flush()
    }
}

/// Runs all parts at once, and fails when one of them does.
pub(crate) fn at_once(parts: Vec<Part>) -> Result<()> {
    let titles: Vec<_> = parts.iter().map(|part| part.title).collect();
    let titles = titles.join("; ");
    writeln!(
        io::stdout(),
        "Tests run beside each other, and each is shown when it is over: {titles}."
    )?;
    let over: Vec<Result<Over>> = thread::scope(|scope| {
        let running: Vec<_> = parts
            .into_iter()
            .map(|part| {
                scope.spawn(|| {
                    let over = part.run()?;
                    over.show()?;
                    Ok(over)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|part| part.join().expect("a part does not panic"))
            .collect()
    });
    let over: Vec<Over> = over.into_iter().collect::<Result<_>>()?;
    let failed: Vec<_> = over.iter().filter(|part| !part.went_well).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let failed: Vec<_> = failed.iter().map(|part| part.title).collect();
    bail!("of the tests these failed: {}", failed.join("; "))
}
