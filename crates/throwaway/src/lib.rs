//! Servers of one's own for tests and benchmarks, gone when the process is, however that ends: a PostgreSQL in a directory of its own, on a free port, never
//! a developer's data, and any other program as a [`Companion`].
#![warn(missing_docs)]

mod companion;

pub use companion::Companion;

use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

static NUMBER: AtomicU32 = AtomicU32::new(0);

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

/// Ends the cluster and removes its directory when standard input closes, also when a signal ended everybody else.
const WATCH: &str =
    r#"trap '' TERM INT HUP; read -r _; "$@" stop -m immediate -s >/dev/null 2>&1; rm -rf "$0""#;

/// A directory that is gone with this value, and the server in it.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    port: u16,
    bin: PathBuf,
    as_root: bool,
    /// While it is open the server lives: whoever watches the other end cleans up when it closes.
    _alive: ChildStdin,
}

impl Place {
    fn make() -> Result<Self> {
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
            .arg(directory.join("data"))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Self {
            port: TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
            _alive: watch.spawn()?.stdin.context("a pipe")?,
            directory,
            bin,
            as_root,
        })
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// One of PostgreSQL's own programs.
    fn program(&self, name: &str) -> Command {
        let mut command = command(&self.bin.join(name), self.as_root);
        command.current_dir("/");
        command
    }

    fn initialize(&self) -> Result<()> {
        let words = [
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
            "-D",
        ];
        run(self.program("initdb").args(words).arg(self.data()))?;
        self.set(&[
            format!("port = {}", self.port),
            "listen_addresses = '127.0.0.1'".into(),
            format!("unix_socket_directories = '{}'", self.directory.display()),
            "max_connections = 300".into(),
            "shared_buffers = 256MB".into(),
        ])
    }

    /// Adds lines to the configuration; the last of the same name counts.
    fn set(&self, lines: &[String]) -> Result<()> {
        let file = self.data().join("postgresql.auto.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()))
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    fn start(&self) -> Result<()> {
        let log = self.directory.join("log");
        let started = run(self
            .program("pg_ctl")
            .args(["start", "-w", "-s", "-t", "60", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(&log));
        started.map(drop).map_err(|error| {
            let said = fs::read_to_string(&log);
            error.context(said.unwrap_or_else(|error| error.to_string()))
        })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn run_sql(&self, database: &str, sql: &str) -> Result<String> {
        run(Command::new(self.bin.join("psql"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url(database))
            .arg("-c")
            .arg(sql))
    }
}

/// Again, when somebody else has taken the port that was free.
fn with_a_free_port<T>(start: impl Fn() -> Result<T>) -> Result<T> {
    let mut tries = 0;
    loop {
        tries += 1;
        match start() {
            Err(error) if tries < 3 && format!("{error:#}").contains("in use") => {}
            done => return done,
        }
    }
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Its port on 127.0.0.1.
    pub port: u16,
    place: Place,
    databases: AtomicU32,
}

impl Cluster {
    /// Starts one. `settings` are lines of its configuration; without any it is made for tests, which may lose data: nothing is
    /// forced to disk.
    ///
    /// # Errors
    ///
    /// When no server is installed, or it does not start: its log is part of the error.
    pub fn start(settings: &[&str]) -> Result<Self> {
        with_a_free_port(|| {
            let place = Place::make()?;
            place.initialize()?;
            if settings.is_empty() {
                place.set(&["fsync = off".into(), "full_page_writes = off".into()])?;
            }
            let lines: Vec<String> = settings.iter().map(|line| (*line).to_owned()).collect();
            place.set(&lines)?;
            place.start()?;
            Ok(Self {
                port: place.port,
                place,
                databases: AtomicU32::new(0),
            })
        })
    }

    /// Where its data lies.
    pub fn directory(&self) -> &Path {
        &self.place.directory
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.place.url(database)
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
        self.place.run_sql(database, sql)
    }

    /// Stops the server, which cuts off whoever uses it, and starts it again.
    ///
    /// # Errors
    ///
    /// When it does not start: its log is part of the error.
    pub fn restart(&self) -> Result<()> {
        run(self
            .place
            .program("pg_ctl")
            .args(["stop", "-w", "-s", "-m", "fast", "-D"])
            .arg(self.place.data()))?;
        self.place.start()
    }

    /// One of PostgreSQL's own programs, such as `pg_dump`, as the user the server runs as.
    pub fn program(&self, name: &str) -> Command {
        self.place.program(name)
    }
}

/// A primary and its standby: what the primary says is committed is on both.
#[derive(Debug)]
pub struct Pair {
    places: [Place; 2],
    primary: AtomicUsize,
}

/// How long a standby may take to catch up.
const CATCHES_UP: Duration = Duration::from_secs(60);

impl Pair {
    /// Starts both, with an empty database `tidings`.
    ///
    /// # Errors
    ///
    /// As [`Cluster::start`].
    pub fn start() -> Result<Self> {
        with_a_free_port(|| {
            let places = [Place::make()?, Place::make()?];
            places[0].initialize()?;
            places[0].start()?;
            places[0].run_sql("postgres", "create database tidings")?;
            let pair = Self {
                places,
                primary: AtomicUsize::new(0),
            };
            pair.add_standby()?;
            Ok(pair)
        })
    }

    fn primary(&self) -> &Place {
        &self.places[self.primary.load(Ordering::Acquire)]
    }

    fn standby(&self) -> &Place {
        &self.places[1 - self.primary.load(Ordering::Acquire)]
    }

    /// The URL of the database, naming both servers.
    pub fn url(&self) -> String {
        let [one, two] = &self.places;
        format!(
            "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/tidings",
            one.port, two.port
        )
    }

    /// Runs statements on the primary.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub fn run_sql(&self, sql: &str) -> Result<String> {
        self.primary().run_sql("tidings", sql)
    }

    /// The primary dies without a word, and its standby takes over. Then the other becomes the standby of the new primary.
    ///
    /// # Errors
    ///
    /// When the standby does not take over, or no new one can be made.
    pub fn fail_over(&self) -> Result<()> {
        let (old, new) = (self.primary(), self.standby());
        let file = fs::read_to_string(old.data().join("postmaster.pid"))?;
        let process = file.lines().next().context("a process id")?;
        run(Command::new("kill").args(["-KILL", process]))?;
        run(new
            .program("pg_ctl")
            .args(["promote", "-w", "-s", "-D"])
            .arg(new.data()))?;
        self.primary.fetch_xor(1, Ordering::AcqRel);
        // What it left running ends when it notices that its parent is gone.
        let held = |place: &Place| TcpListener::bind(("127.0.0.1", place.port)).is_err();
        wait("the old primary to be gone", || Ok(!held(old)))?;
        fs::remove_dir_all(old.data())?;
        for left in ["", ".lock"] {
            let socket = format!(".s.PGSQL.{}{left}", old.port);
            fs::remove_file(old.directory.join(socket))?;
        }
        self.add_standby()
    }

    fn add_standby(&self) -> Result<()> {
        let (primary, standby) = (self.primary(), self.standby());
        let copy = ["-R", "-X", "stream", "-c", "fast", "-D"];
        run(standby
            .program("pg_basebackup")
            .args(copy)
            .arg(standby.data())
            .arg("-d")
            .arg(primary.url("postgres")))?;
        standby.set(&[
            format!("port = {}", standby.port),
            format!(
                "unix_socket_directories = '{}'",
                standby.directory.display()
            ),
            // Should it take over, it is alone at first.
            "synchronous_standby_names = ''".into(),
        ])?;
        standby.start()?;
        let streams = "select count(*) from pg_stat_replication where state = 'streaming'";
        wait("the standby to follow", || {
            Ok(primary.run_sql("postgres", streams)?.trim() == "1")
        })?;
        let waits = "alter system set synchronous_standby_names = '*'";
        primary.run_sql("postgres", waits)?;
        primary.run_sql("postgres", "select pg_reload_conf()")?;
        Ok(())
    }
}

fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + CATCHES_UP;
    while !is_so()? {
        if Instant::now() > until {
            bail!("waited in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
