//! Programs that listen beside a server, killed at the end.

use crate::server::{client, until};
use serde_json::Value;
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// One that listens at `url`.
pub(crate) struct Beside {
    process: Child,
    pub(crate) url: String,
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Beside {
    /// Starts one that listens on this port once it is ready; the error says that it cannot be started.
    pub(crate) async fn start(mut command: Command, port: u16) -> std::io::Result<Self> {
        let quiet = command.env("PORT", port.to_string()).stdout(Stdio::null());
        let running = Self {
            process: quiet.spawn()?,
            url: format!("http://127.0.0.1:{port}"),
        };
        until("a program answers", async || {
            running.ask("").await.is_some()
        })
        .await;
        Ok(running)
    }

    /// What it answers to a question.
    pub(crate) async fn ask(&self, path: &str) -> Option<Value> {
        let answer = client().get(format!("{}/{path}", self.url)).send();
        let text = answer.await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// A folder with published npm packages, which are fetched into the target directory once, and these files of ours beside them.
pub(crate) fn with_packages(name: &str, packages: &[&str], files: &[&str]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    if !folder.join("node_modules/.package-lock.json").exists() {
        let options = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
        let installed = Command::new("npm")
            .arg("install")
            .args(options)
            .args(packages)
            .current_dir(&folder)
            .output()
            .expect("this test needs npm: apt-get install npm");
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "npm install: {said}");
    }
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/published");
    for file in files {
        std::fs::copy(ours.join(file), folder.join(file)).unwrap();
    }
    folder
}

/// A folder with a published package of PyPI, likewise.
pub(crate) fn with_wheel(name: &str, package: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !folder.join("complete").exists() {
        let target = folder.display().to_string();
        let words = [
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            &target,
            "--upgrade",
            package,
        ];
        let installed = Command::new("python3")
            .args(words)
            .output()
            .expect("this test needs Python with pip: apt-get install python3-pip");
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "pip install: {said}");
        std::fs::write(folder.join("complete"), "").unwrap();
    }
    folder
}
