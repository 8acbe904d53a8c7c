//! The commands, as a newcomer uses them.

use crate::server::{BINARY, Site};
use std::process::Command;

#[test]
fn apply_shows_a_plan_changes_nothing_on_a_dry_run_and_nothing_twice() {
    let site = Site::new(&[]);
    site.write_project("second", &[]);
    assert!(
        site.run(&["apply", "project.toml", "--dry-run"])
            .contains("+ create project second")
    );
    assert!(
        site.run(&["apply", "project.toml", "--dry-run"])
            .contains("+ create project second"),
        "nothing was changed"
    );
    assert!(
        site.run(&["apply", "project.toml"])
            .contains("App Store notification URL of ios")
    );
    let again = site.run(&["apply", "project.toml"]);
    assert!(
        again.contains("= keep   project second")
            && !again.contains("+ create")
            && !again.contains("~ update"),
        "{again}"
    );
}

#[test]
fn a_bad_file_is_refused_with_its_line() {
    let site = Site::new(&[]);
    std::fs::write(site.directory.join("bad.toml"), "[project]\nkey = \"acme\"\n[integrations.x]\ndestination = \"webhook\"\n[integrations.x.settings]\nproduction_url = \"here\"\n").unwrap();
    let output = site.command(&["apply", "bad.toml"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        text.contains(
            "bad.toml:6: integrations.x.settings.production_url: must begin with https://"
        ),
        "{text}"
    );
}

#[test]
fn keys_are_shown_once_listed_and_revoked() {
    let site = Site::new(&[]);
    let key = site.run(&["keys", "create", "--name", "ci"]);
    assert!(key.starts_with("tid_sk_"));
    let listed = site.run(&["keys", "list"]);
    assert!(listed.contains("ci") && !listed.contains(&key));
    let id = listed.split_whitespace().next().unwrap();
    site.run(&["keys", "revoke", id]);
    assert_eq!(site.run(&["keys", "list"]), "");
}

#[test]
fn doctor_finds_what_is_wrong() {
    let site = Site::new(&[]);
    assert!(site.run(&["doctor"]).contains("is intact"));
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(site.directory.join("data/secret.key"), open).unwrap();
    let output = site.command(&["doctor"]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stdout).contains("FAIL"));
    let empty = Command::new(BINARY)
        .args(["doctor", "--data", "/nonexistent/tidings"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&empty.stdout).contains("holds no database"));
}

#[test]
fn the_demo_shows_events_within_seconds() {
    let output = Command::new(BINARY)
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--seconds",
            "9",
            "--day-ms",
            "30",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("Open      http://127.0.0.1:"), "{text}");
    let events: u64 = text
        .lines()
        .rev()
        .find_map(|line| line.split_once(" events, latest")?.0.trim().parse().ok())
        .unwrap();
    assert!(events > 20, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulate_drives_a_running_server() {
    let site = Site::new(&[]);
    let root = site.run(&["simulate", "--bundle-id", "com.example.simulated"]);
    let app = root.lines().skip(1).collect::<Vec<_>>().join("\n");
    std::fs::write(
        site.directory.join("simulated.toml"),
        format!("[project]\nkey = \"acme\"\n{app}\n"),
    )
    .unwrap();
    let applied = site.run(&["apply", "simulated.toml"]);
    let server = site.serve();
    let path = applied
        .lines()
        .find(|line| line.contains("of simulated"))
        .unwrap()
        .rsplit("/callbacks")
        .next()
        .unwrap()
        .to_owned();
    let url = format!("{}/callbacks{path}", server.url);
    let said = site.run(&[
        "simulate",
        "--bundle-id",
        "com.example.simulated",
        "--url",
        &url,
        "--customers",
        "5",
        "--notifications",
        "4",
        "--day-ms",
        "5",
        "--twice",
        "20",
    ]);
    assert!(said.contains(" 0 refused"), "{said}");
}
