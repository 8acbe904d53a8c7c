//! Harm done to three nodes and their database.

use crate::server::{BINARY, Server, Site};
use guarded::Guarded;
use simulator::Random;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use throwaway::Pair;

const NODES: usize = 3;
/// How far a clock is moved at most, in seconds.
const JUMP: u64 = 20;

/// How often each harm was done.
#[derive(Debug, Default)]
pub(crate) struct Harm {
    killed: u64,
    frozen: u64,
    cut_off: u64,
    failed_over: u64,
    jumped: u64,
    full: u64,
}

impl Harm {
    /// Killed, frozen, cut off, failed over, clock moved, disk full.
    pub(crate) const fn each(&self) -> [u64; 6] {
        [
            self.killed,
            self.frozen,
            self.cut_off,
            self.failed_over,
            self.jumped,
            self.full,
        ]
    }

    /// Harms after which what was under way may be sent again. A clock that was moved repeats nothing, nor does a disk that is full: its
    /// node was killed before.
    pub(crate) const fn count(&self) -> u64 {
        self.killed + self.frozen + self.cut_off + self.failed_over
    }
}

/// Nodes of one installation, each with a clock of its own.
pub(crate) struct Nodes<'a> {
    site: &'a Site,
    pub(crate) addresses: Vec<String>,
    running: Guarded<Vec<Server>>,
}

/// Intercepts the clock of a program.
fn clockwork() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib")
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let mut found = found.filter(|path| path.exists());
    found
        .next()
        .expect("this test needs libfaketime: apt-get install libfaketime")
}

/// How far the clock is ahead that a file stands for, in seconds.
pub(crate) fn set_clock(clock: &Path, ahead: i64) {
    // In one step: a node that reads half a line has no time.
    let new = clock.with_extension("new");
    std::fs::write(&new, format!("{ahead:+}\n")).unwrap();
    std::fs::rename(new, clock).unwrap();
}

/// A server whose clock is told by a file. With a full disk, no file grows and no log line can be written; that a file cannot grow is an
/// error to it, never its end.
pub(crate) fn serve_with_clock(site: &Site, address: &str, clock: &Path, is_full: bool) -> Server {
    let full = if is_full {
        "ulimit -f 0; exec 2>/dev/full; "
    } else {
        ""
    };
    let script = format!(
        "trap '' XFSZ; {full}exec env LD_PRELOAD={} {BINARY} serve --listen {address} --operations-listen 127.0.0.1:0 --allow-networks integrations=127.0.0.0/8",
        clockwork().display(),
    );
    let mut command = site.shell(&script);
    command
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_CACHE_DURATION", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DONT_RESET", "1");
    Server::start(command, Path::new(&site.directory))
}

impl<'a> Nodes<'a> {
    pub(crate) fn start(site: &'a Site) -> Self {
        let mut nodes = Self {
            site,
            addresses: vec!["127.0.0.1:0".into(); NODES],
            running: Guarded::default(),
        };
        for which in 0..NODES {
            nodes.set_clock(which, 0);
            let node = nodes.serve(which, false);
            let address = node.url.trim_start_matches("http://");
            address.clone_into(&mut nodes.addresses[which]);
            nodes.running.lock().push(node);
        }
        nodes
    }

    pub(crate) fn with<T>(&self, which: usize, what: impl FnOnce(&mut Server) -> T) -> T {
        let mut running = self.running.lock();
        what(&mut running[which])
    }

    fn clock(&self, which: usize) -> PathBuf {
        self.site.directory.join(format!("clock-{which}"))
    }

    fn set_clock(&self, which: usize, ahead: i64) {
        set_clock(&self.clock(which), ahead);
    }

    fn serve(&self, which: usize, is_full: bool) -> Server {
        serve_with_clock(
            self.site,
            &self.addresses[which],
            &self.clock(which),
            is_full,
        )
    }

    /// Kills it and starts it again after a while.
    async fn restart(&self, which: usize, down: Duration, is_full: bool) {
        self.with(which, Server::kill);
        tokio::time::sleep(down).await;
        let fresh = tokio::task::block_in_place(|| self.serve(which, is_full));
        self.with(which, |node| *node = fresh);
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(sent.unwrap().success(), "kill -{name} {process}");
}

#[derive(Clone, Copy)]
enum Kind {
    Kill,
    KillAndFill,
    Freeze,
    CutOff,
    MoveClock,
}

/// What is dealt, over and over, in an order that chance decides.
const DECK: [Kind; 8] = [
    Kind::Kill,
    Kind::Kill,
    Kind::KillAndFill,
    Kind::Freeze,
    Kind::Freeze,
    Kind::CutOff,
    Kind::CutOff,
    Kind::MoveClock,
];

fn shuffled(random: &mut Random) -> Vec<Kind> {
    let mut rest = DECK.to_vec();
    let mut deck = Vec::new();
    while !rest.is_empty() {
        let which = random.below(rest.len() as u64);
        deck.push(rest.remove(usize::try_from(which).unwrap()));
    }
    deck
}

/// Does harm with a short pause between, for so long and until each was done; the primary of the database dies once in `fails_over`. At the
/// end everybody is well.
pub(crate) async fn hurt(
    nodes: &Nodes<'_>,
    pair: &Pair,
    lasts: Duration,
    fails_over: Duration,
    seed: u64,
) -> Harm {
    let mut random = Random::new(seed);
    let (mut harm, mut deck) = (Harm::default(), Vec::new());
    let until = Instant::now() + lasts;
    let mut fails_next = Instant::now() + fails_over;
    while Instant::now() < until || harm.each().contains(&0) {
        tokio::time::sleep(Duration::from_millis(200 + random.below(600))).await;
        if Instant::now() > fails_next {
            tokio::task::block_in_place(|| pair.fail_over()).unwrap();
            harm.failed_over += 1;
            fails_next = Instant::now() + fails_over;
            continue;
        }
        if deck.is_empty() {
            deck = shuffled(&mut random);
        }
        let which = usize::try_from(random.below(NODES as u64)).unwrap();
        match deck.pop() {
            Some(kind @ (Kind::Kill | Kind::KillAndFill)) => {
                let down = Duration::from_millis(random.below(800));
                let is_full = matches!(kind, Kind::KillAndFill);
                nodes.restart(which, down, is_full).await;
                harm.killed += 1;
                harm.full += u64::from(is_full);
            }
            Some(Kind::Freeze) => {
                let process = nodes.with(which, |node| node.process.id());
                signal("STOP", process);
                harm.frozen += 1;
                tokio::time::sleep(Duration::from_millis(300 + random.below(2_000))).await;
                signal("CONT", process);
            }
            Some(Kind::CutOff) => {
                let sql = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tidings'";
                tokio::task::block_in_place(|| pair.run_sql(sql)).unwrap();
                harm.cut_off += 1;
            }
            Some(Kind::MoveClock) => {
                let ahead = i64::try_from(random.below(2 * JUMP + 1)).unwrap()
                    - i64::try_from(JUMP).unwrap();
                nodes.set_clock(which, ahead);
                harm.jumped += 1;
            }
            None => {}
        }
    }
    for which in 0..NODES {
        nodes.set_clock(which, 0);
    }
    harm
}

/// Adds a line to a table of docs/reliability.md, above those of earlier runs.
pub(crate) fn report(table: &'static str, line: &str) {
    Row::of(table).write(line);
}

/// A line of such a table that a long run writes again and again: what it is stopped after is known.
pub(crate) struct Row {
    table: &'static str,
    written: String,
}

impl Row {
    pub(crate) const fn of(table: &'static str) -> Self {
        let written = String::new();
        Self { table, written }
    }

    pub(crate) fn write(&mut self, line: &str) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reliability.md");
        let document = std::fs::read_to_string(path).unwrap();
        let mark = format!("<!-- {} -->\n", self.table);
        let (head, rows) = document.split_once(&mark).unwrap();
        let others = rows.replacen(&self.written, "", 1);
        std::fs::write(path, format!("{head}{mark}{line}{others}")).unwrap();
        line.clone_into(&mut self.written);
    }
}

/// Which build of the server is run.
pub(crate) fn build() -> String {
    #[expect(clippy::disallowed_methods, reason = "set by `cargo xtask chaos`")]
    std::env::var("TIDINGS_CHAOS_BUILD").unwrap()
}

/// Progress of a long run.
#[expect(clippy::print_stderr, reason = "progress of a developer's command")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
