//! A PostgreSQL of one's own for tests and benchmarks: a new cluster in a directory of its own, on a free port, never a
//! developer's data. It is gone when the process is, however that ends.
#![warn(missing_docs)]

use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Where its data lies.
    pub directory: PathBuf,
    /// Its port on 127.0.0.1.
    pub port: u16,
    databases: AtomicU32,
    /// While it is open the cluster lives: whoever watches the other end cleans up when it closes.
    _alive: ChildStdin,
}

/// The directory of the newest server that is installed.
///
/// # Errors
///
/// When there is none: it says what to install.
pub fn programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, bin)| bin);
    newest.context("there is no PostgreSQL server here: install Debian's package `postgresql`")
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn command(program: &Path, as_root: bool) -> Command {
    if !as_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_root() -> Result<bool> {
    Ok(run(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Ends the cluster and removes its directory when standard input closes, also when a signal ended all of its group but this.
const WATCH: &str =
    r#"trap '' TERM INT HUP; read -r _; "$@" stop -m immediate -s >/dev/null 2>&1; rm -rf "$0""#;

impl Cluster {
    /// Starts one. `settings` are lines of its configuration; without any it is made for tests, which may lose data: nothing is
    /// forced to disk.
    ///
    /// # Errors
    ///
    /// When no server is installed, or it does not start: its log is part of the error.
    pub fn start(settings: &[&str]) -> Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_start(settings) {
                // Somebody else may have taken the port that was free.
                Err(error) if tries < 3 && format!("{error:#}").contains("in use") => {}
                done => return done,
            }
        }
    }

    fn try_start(settings: &[&str]) -> Result<Self> {
        let bin = programs()?;
        let as_root = is_root()?;
        let unique = NUMBER.fetch_add(1, Ordering::Relaxed);
        // The server runs as another user then, who may not reach our own directory for such things.
        let parent = if as_root {
            PathBuf::from("/tmp")
        } else {
            std::env::temp_dir()
        };
        let directory = parent.join(format!("tidings-pg-{}-{unique}", std::process::id()));
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        if as_root {
            run(Command::new("chown").arg("postgres:").arg(&directory))?;
        }
        let data = directory.join("data");
        run(command(&bin.join("initdb"), as_root)
            .current_dir("/")
            .args([
                "-U",
                "postgres",
                "--auth=trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
                "-D",
            ])
            .arg(&data))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut lines = vec![
            format!("port = {port}"),
            "listen_addresses = '127.0.0.1'".into(),
            format!("unix_socket_directories = '{}'", directory.display()),
            "max_connections = 300".into(),
            "shared_buffers = 256MB".into(),
        ];
        if settings.is_empty() {
            lines.extend(["fsync = off".into(), "full_page_writes = off".into()]);
        }
        lines.extend(settings.iter().map(|line| (*line).to_owned()));
        let file = data.join("postgresql.auto.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()))
            .with_context(|| format!("{} cannot be written", file.display()))?;
        let control = command(&bin.join("pg_ctl"), as_root);
        let mut watch = Command::new("sh");
        watch
            .current_dir("/")
            .arg("-c")
            .arg(WATCH)
            .arg(&directory)
            .arg(control.get_program())
            .args(control.get_args())
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let alive = watch.spawn()?.stdin.context("a pipe")?;
        let log = directory.join("log");
        let started = run(command(&bin.join("pg_ctl"), as_root)
            .current_dir("/")
            .args(["start", "-w", "-s", "-t", "60", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(&log));
        if let Err(error) = started {
            let mut said = String::new();
            if let Ok(mut file) = fs::File::open(&log) {
                file.read_to_string(&mut said)?;
            }
            return Err(error.context(said));
        }
        Ok(Self {
            directory,
            port,
            databases: AtomicU32::new(0),
            _alive: alive,
        })
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and answers its URL.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn database(&self) -> Result<String> {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run_sql("postgres", &format!("create database {name}"))?;
        Ok(self.url(&name))
    }

    /// Runs statements and answers what they print, unaligned.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub fn run_sql(&self, database: &str, sql: &str) -> Result<String> {
        run(Command::new(programs()?.join("psql"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url(database))
            .arg("-c")
            .arg(sql))
    }
}
