//! A program that is started beside a process is gone with it, also when that is killed and can clean up nothing: with what the program itself started, and
//! with what has to be run then.
//!
//! The process that is killed is this program as well, called with a word.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use throwaway::Companion;

/// A program and one of its own, both asleep for longer than any test takes.
const ASLEEP: &str = "sleep 1000 & echo $$ $!; wait";
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let mut words = std::env::args().skip(1);
    if let (Some("hold"), Some(mark)) = (words.next().as_deref(), words.next()) {
        hold(&mark);
    } else {
        it_is_gone_with_its_value();
        it_is_gone_with_a_process_that_is_killed();
    }
}

fn asleep() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", ASLEEP]).stdout(Stdio::piped());
    command
}

fn line(output: Option<ChildStdout>) -> String {
    let mut line = String::new();
    let mut output = BufReader::new(output.unwrap());
    output.read_line(&mut line).unwrap();
    line
}

/// Holds a program until it is killed itself, and says which.
fn hold(mark: &str) {
    let mut companion = Companion::start_and(&mut asleep(), &["touch", mark]).unwrap();
    let line = line(companion.stdout.take());
    let mut said = std::io::stdout();
    said.write_all(line.as_bytes()).unwrap();
    said.flush().unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// What is known of the programs that run, as the first says.
fn named(line: &str) -> Vec<PathBuf> {
    let processes = line.split_whitespace();
    let found: Vec<_> = processes
        .map(|process| Path::new("/proc").join(process).join("status"))
        .collect();
    assert_eq!(found.len(), 2, "{line}");
    assert!(!found.iter().any(is_gone), "{line}");
    found
}

/// Whether it runs no more; nobody may have asked yet how it ended.
fn is_gone(process: &PathBuf) -> bool {
    fs::read_to_string(process).map_or(true, |status| status.contains("State:\tZ"))
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn it_is_gone_with_its_value() {
    let mut companion = Companion::start(&mut asleep()).unwrap();
    let programs = named(&line(companion.stdout.take()));
    drop(companion);
    until("both are gone", || programs.iter().all(is_gone));
}

fn it_is_gone_with_a_process_that_is_killed() {
    let mark = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gone-{}", std::process::id()));
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .arg("hold")
        .arg(&mark)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let programs = named(&line(holder.stdout.take()));
    assert!(!mark.exists());
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("both are gone", || programs.iter().all(is_gone));
    until("what is to be run then was", || mark.exists());
    fs::remove_file(mark).unwrap();
}
