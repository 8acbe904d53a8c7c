//! A program that a destination is told at: started for one test, on a port of its own, and ended with it.

use crate::server::client;
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use throwaway::Companion;

/// How often it is asked whether it is there, at most, and how long apart.
const PASSES: usize = 200;
const PASS: Duration = Duration::from_millis(150);

/// A running program.
pub(super) struct Counterpart {
    process: Companion,
    pub(super) url: String,
}

impl Counterpart {
    /// Starts what `command` makes for a port, and waits until it answers anything.
    pub(super) async fn start(command: impl FnOnce(u16) -> Command, needs: &str) -> Self {
        let port = free_port();
        let mut command = command(port);
        let process = Companion::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let process = process.unwrap_or_else(|error| panic!("{needs}: {error}"));
        let mut started = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..PASSES {
            let asked = client().get(&started.url).timeout(10 * PASS).send();
            if asked.await.is_ok() {
                return started;
            }
            let ended = started.process.try_wait().unwrap();
            assert!(ended.is_none(), "{needs}: it ended with {ended:?}");
            tokio::time::sleep(PASS).await;
        }
        panic!("{needs}: it does not answer")
    }
}

/// One that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A Python that has a module: that of the project's tools, or the system's.
pub(super) fn python(module: &str, needs: &str) -> PathBuf {
    let tools = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/python/bin/python"
    );
    let all = [tools, "python3"].map(PathBuf::from);
    let has = |python: &PathBuf| {
        let tried = Command::new(python)
            .args(["-c", &format!("import {module}")])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    all.into_iter().find(has).expect(needs)
}
