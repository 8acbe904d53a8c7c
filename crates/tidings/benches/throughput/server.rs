//! The real binary, as one process or several, on SQLite or on PostgreSQL, with what the system says about it.

use crate::{messages::BUNDLE_ID, sink::Sink};
use anyhow::{Context, Result, bail};
use engine::{System, WallSystem};
use ledger::Ledger;
use ledger_postgres::{Connections, PostgresLedger};
use ledger_sqlite::SqliteLedger;
use simulator::Authority;
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use throwaway::Cluster;

/// What the servers keep their data in, and how many share it.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) postgres: Option<Arc<Cluster>>,
    pub(crate) nodes: usize,
}

impl Backend {
    /// A database of its own for one server, and the key its nodes share.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        let Some(cluster) = &self.postgres else {
            return Ok(Vec::new());
        };
        let key = "0123456789abcdef".repeat(4);
        Ok(vec![
            ("TIDINGS_DATABASE", cluster.database()?),
            ("TIDINGS_SECRET_KEY", key),
        ])
    }

    /// What a ledger is opened with, beside the binary.
    pub(crate) async fn open(&self, server: &Server) -> Result<Arc<dyn Ledger>> {
        let url = server.environment.first().map(|(_, url)| url.clone());
        Ok(match url {
            Some(url) => {
                let connections = Connections::default();
                Arc::new(
                    PostgresLedger::open(&url, connections, WallSystem.uuid(), WallSystem.now())
                        .await?,
                )
            }
            None => Arc::new(SqliteLedger::open(server.data().join("tidings.db"))?),
        })
    }
}

pub(crate) struct Server {
    processes: Vec<Child>,
    directory: PathBuf,
    environment: Vec<(&'static str, String)>,
    backend: Backend,
    /// Where Apple's notifications go, at each node.
    pub(crate) callbacks: Vec<String>,
}

/// Starts the binary over the data in `directory`; answers where Apple's notifications go.
fn spawn(directory: &Path, environment: &[(&'static str, String)]) -> Result<(Child, String)> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("log"))?;
    let mut process = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--allow-networks",
            "integrations=127.0.0.0/8",
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
    pub(crate) async fn start(
        backend: &Backend,
        authority: &Authority,
        sinks: &[Sink],
        dead: usize,
    ) -> Result<Self> {
        Self::start_beside(backend, authority, sinks, dead, "").await
    }

    /// The same with more integrations, as the project file has them.
    pub(crate) async fn start_beside(
        backend: &Backend,
        authority: &Authority,
        sinks: &[Sink],
        dead: usize,
        more: &str,
    ) -> Result<Self> {
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
        project.push_str(more);
        std::fs::write(directory.join("project.toml"), project)?;
        let data = directory.join("data");
        let binary = env!("CARGO_BIN_EXE_tidings");
        let environment = backend.environment()?;
        let applied = Command::new(binary)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .arg("apply")
            .arg(directory.join("project.toml"))
            .arg("--data")
            .arg(&data)
            .output()?;
        if !applied.status.success() {
            bail!("apply failed: {}", String::from_utf8_lossy(&applied.stdout));
        }
        let mut server = Self {
            processes: Vec::new(),
            directory,
            environment,
            backend: backend.clone(),
            callbacks: Vec::new(),
        };
        server.resume()?;
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

    /// Name of its database, on PostgreSQL.
    pub(crate) fn database(&self) -> Option<String> {
        let (_, url) = self.environment.first()?;
        url.rsplit('/').next().map(str::to_owned)
    }

    /// Where its data lies.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Stops the processes; their data stays.
    pub(crate) fn stop(&mut self) -> Result<()> {
        for mut process in self.processes.drain(..) {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Starts them again over their data.
    pub(crate) fn resume(&mut self) -> Result<()> {
        self.callbacks.clear();
        for _ in 0..self.backend.nodes {
            let (process, callback) = spawn(&self.directory, &self.environment)?;
            self.processes.push(process);
            self.callbacks.push(callback);
        }
        Ok(())
    }

    /// Runs a command of the binary over its data.
    pub(crate) fn command(&self, words: &[&str]) -> Result<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .args(words)
            .env("TIDINGS_DATA", self.data())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            bail!("tidings {words:?}: {said}");
        }
        Ok(said)
    }

    /// A line of what the system says about the processes, all of them together.
    fn status(&self, name: &str) -> Result<f64> {
        let mut sum = 0.0;
        for process in &self.processes {
            let text = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .context("no such line")?;
            let value = line.split_whitespace().nth(1).context("no value")?;
            sum += value.parse::<f64>()? / 1024.0;
        }
        Ok(sum)
    }

    pub(crate) fn peak_mib(&self) -> Result<f64> {
        self.status("VmHWM")
    }

    pub(crate) fn resident_mib(&self) -> Result<f64> {
        self.status("VmRSS")
    }

    /// Processor time so far of the servers and of their database, in ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut ticks = 0;
        for process in &self.processes {
            ticks += stat(process.id())?.ticks;
        }
        if let Some(cluster) = &self.backend.postgres {
            ticks += database_ticks(cluster)?;
        }
        Ok(Duration::from_millis(ticks * 10))
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
    /// Of children that have ended.
    ended: u64,
}

fn stat(process: u32) -> Result<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = text
        .rsplit(") ")
        .next()
        .context("no fields")?
        .split_whitespace()
        .collect();
    let number = |index: usize| fields[index].parse::<u64>();
    Ok(Stat {
        parent: fields[1].parse()?,
        ticks: number(11)? + number(12)?,
        ended: number(13)? + number(14)?,
    })
}

fn database_ticks(cluster: &Cluster) -> Result<u64> {
    let file = std::fs::read_to_string(cluster.directory().join("data/postmaster.pid"))?;
    let postmaster: u32 = file.lines().next().context("no process id")?.parse()?;
    let own = stat(postmaster)?;
    let mut ticks = own.ticks + own.ended;
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let process = entry.file_name().to_string_lossy().parse::<u32>();
        // Processes end while they are looked at.
        if let Some(found) = process.ok().and_then(|process| stat(process).ok())
            && found.parent == postmaster
        {
            ticks += found.ticks;
        }
    }
    Ok(ticks)
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}
