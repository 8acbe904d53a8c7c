//! A program that a test has beside it, and does not leave behind.

use std::{
    io,
    ops::{Deref, DerefMut},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Ends a group of processes when standard input closes. It closes with the process that holds the other end, however that ends: one that is killed has nobody
/// else to clean up after it. What a terminal or a runner tells everybody, this does not hear.
const WATCH: &str =
    r#"trap '' TERM INT HUP; read -r _; kill -s KILL -- "-$0" >/dev/null 2>&1; "$@""#;

/// A running program. It is gone with this value, and so is whatever it started that did not leave its group; and with this process, however that ends.
#[derive(Debug)]
pub struct Companion {
    child: Child,
    watcher: Child,
    /// While it is open the program lives.
    alive: Option<ChildStdin>,
}

impl Companion {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// When it does not start, or nobody can watch over it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_and(command, &[])
    }

    /// The same of one that leaves something behind; `afterwards` is run when it has ended.
    ///
    /// # Errors
    ///
    /// When it does not start, or nobody can watch over it.
    pub fn start_and(command: &mut Command, afterwards: &[&str]) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let watch = Command::new("sh")
            .args(["-c", WATCH, &child.id().to_string()])
            .args(afterwards)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watch {
            Ok(mut watcher) => Ok(Self {
                alive: watcher.stdin.take(),
                child,
                watcher,
            }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }
}

impl Deref for Companion {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Companion {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(self.alive.take());
        drop(self.watcher.wait());
    }
}
