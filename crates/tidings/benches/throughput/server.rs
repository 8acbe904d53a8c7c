//! The real binary, as a process of its own, with what the system says about it.

use crate::{BUNDLE_ID, sink::Sink};
use anyhow::{Context, Result, bail};
use simulator::Authority;
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    pub(crate) callback: String,
}

/// Starts the binary over the data in `directory`; answers where Apple's notifications go.
fn spawn(directory: &Path) -> Result<(Child, String)> {
    let log = std::fs::File::create(directory.join("log"))?;
    let mut process = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--allow-networks",
            "127.0.0.0/8",
            "--data",
        ])
        .arg(directory.join("data"))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let lines = BufReader::new(process.stdout.take().context("no output")?).lines();
    let callback = lines.map_while(Result::ok).find_map(|line| {
        line.split_whitespace()
            .find(|word| word.contains("/callbacks/apple/"))
            .map(str::to_owned)
    });
    Ok((process, callback.context("the server did not start")?))
}

impl Server {
    pub(crate) async fn start(authority: &Authority, sinks: &[Sink], dead: usize) -> Result<Self> {
        let directory = std::env::temp_dir().join(format!("tidings-bench-{}", std::process::id()));
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        let mut project = format!(
            "[project]\nkey = \"bench\"\n[apps.ios]\nstore = \"app_store\"\nbundle_id = \"{BUNDLE_ID}\"\nenvironments = [\"local_testing\"]\nlocal_roots = [\"{}\"]\n",
            authority.root()
        );
        let dying = (0..dead).map(|_| Sink::start_dying(jiff::Timestamp::UNIX_EPOCH));
        let mut urls: Vec<String> = sinks.iter().map(|sink| sink.url.clone()).collect();
        for sink in dying {
            urls.push(sink.await?.url.clone());
        }
        for (number, url) in urls.iter().enumerate() {
            write!(
                project,
                "[integrations.w{number}]\ndestination = \"webhook\"\n[integrations.w{number}.settings]\nsandbox_url = \"{url}\"\n[integrations.w{number}.settings.events]\naccess_level_updated = false\n"
            )?;
        }
        std::fs::write(directory.join("project.toml"), project)?;
        let data = directory.join("data");
        let binary = env!("CARGO_BIN_EXE_tidings");
        let applied = Command::new(binary)
            .arg("apply")
            .arg(directory.join("project.toml"))
            .arg("--data")
            .arg(&data)
            .output()?;
        if !applied.status.success() {
            bail!("apply failed: {}", String::from_utf8_lossy(&applied.stdout));
        }
        let (process, callback) = spawn(&directory)?;
        let server = Self {
            process,
            directory,
            callback,
        };
        // Endpoints are verified within the first ticks.
        let until = Instant::now() + Duration::from_secs(20);
        while sinks.iter().any(|sink| sink.handshakes() == 0) {
            if Instant::now() > until {
                bail!("the endpoints were not verified");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        Ok(server)
    }

    /// Where its data lies.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Stops the process; its data stays.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Starts it again over its data.
    pub(crate) fn resume(&mut self) -> Result<()> {
        (self.process, self.callback) = spawn(&self.directory)?;
        Ok(())
    }

    /// Runs a command of the binary over its data.
    pub(crate) fn command(&self, words: &[&str]) -> Result<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .args(words)
            .env("TIDINGS_DATA", self.data())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            bail!("tidings {words:?}: {said}");
        }
        Ok(said)
    }

    fn status(&self, name: &str) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .context("no such line")?;
        Ok(line
            .split_whitespace()
            .nth(1)
            .context("no value")?
            .parse::<f64>()?
            / 1024.0)
    }

    pub(crate) fn peak_mib(&self) -> Result<f64> {
        self.status("VmHWM")
    }

    pub(crate) fn resident_mib(&self) -> Result<f64> {
        self.status("VmRSS")
    }

    /// Processor time of the server so far, in ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields: Vec<&str> = text
            .rsplit(") ")
            .next()
            .context("no fields")?
            .split_whitespace()
            .collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}
