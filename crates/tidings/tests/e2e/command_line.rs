//! The commands, as a newcomer uses them.

use crate::server::{Api, BINARY, Site};
use std::process::{Command, Stdio};

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
fn projects_that_are_applied_at_once_are_all_applied() {
    let site = Site::new(&[]);
    let keys: Vec<_> = (0..8).map(|number| format!("p{number}")).collect();
    let applying: Vec<_> = keys
        .iter()
        .map(|key| {
            site.write_project(key, &[]);
            let file = format!("{key}.toml");
            let from = site.directory.join("project.toml");
            std::fs::rename(from, site.directory.join(&file)).unwrap();
            let mut command = site.command(&["apply", &file]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for applying in applying {
        let output = applying.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    for key in &keys {
        site.write_project(key, &[]);
        let again = site.run(&["apply", "project.toml"]);
        assert!(
            again.contains(&format!("= keep   project {key}")),
            "{again}"
        );
    }
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
    // So are the vendors told.
    let told: u64 = text
        .lines()
        .rev()
        .find_map(|line| {
            let (_, rest) = line.split_once(" vendors ")?;
            rest.split_whitespace().next()?.parse().ok()
        })
        .unwrap();
    assert!(told > 20, "{text}");
}

/// The first month of its customers is over within seconds: what is seen later is of those who come one by one.
#[test]
fn customers_keep_coming_to_the_demo() {
    let output = Command::new(BINARY)
        .args(["demo", "--listen", "127.0.0.1:0", "--customers", "0"])
        .args(["--seconds", "16", "--day-ms", "5"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let counts: Vec<u64> = text
        .lines()
        .filter_map(|line| line.split_once(" events, latest")?.0.trim().parse().ok())
        .collect();
    let (first, last) = (counts.first().unwrap(), counts.last().unwrap());
    assert!(*last > *first && counts.len() > 2, "{text}");
    // Where it keeps its data, and that it keeps nothing.
    let directory = text.lines().find_map(|line| {
        let (_, rest) = line.split_once("sign-in-link --data ")?;
        Some(rest.to_owned())
    });
    assert!(!std::path::Path::new(&directory.unwrap()).exists());
    assert!(text.contains("every demo begins anew"), "{text}");
}

/// Whoever runs beside a server knows where it is reached; where it cannot be known, that is said.
#[tokio::test(flavor = "multi_thread")]
async fn commands_know_where_their_server_is_reached() {
    let site = Site::new(&[]);
    let guessed = site.run(&["sign-in-link"]);
    assert!(
        guessed.starts_with("http://127.0.0.1:8080/signin/"),
        "{guessed}"
    );
    assert!(
        guessed.contains("is a guess: give its --public-url"),
        "{guessed}"
    );
    let public = ["--public-url", "https://tidings.example.com"];
    let server = site.serve_with("127.0.0.1:0", &public);
    assert!(
        server.url.starts_with("http://127.0.0.1:"),
        "where it listens"
    );
    assert!(
        server
            .sign_in
            .starts_with("https://tidings.example.com/signin/")
    );
    assert!(
        server
            .callback
            .starts_with("https://tidings.example.com/callbacks/")
    );
    let known = site.run(&["sign-in-link"]);
    assert!(
        known.starts_with("https://tidings.example.com/signin/"),
        "{known}"
    );
    assert!(!known.contains("guess"), "{known}");
    let applied = site.run(&["apply", "project.toml"]);
    assert!(applied.contains(": https://tidings.example.com/callbacks/apple/"));
    let told = site.run(&["sign-in-link", "--public-url", "https://other.example"]);
    assert!(told.starts_with("https://other.example/signin/"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_goes_on_where_it_stopped_tells_nothing_and_rederives() {
    use simulator::{Authority, Stores, Subscription};
    let site = Site::new(&[]);
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let url = stores.serve(Stores::anywhere(), now).await.unwrap();
    let play = &stores.play;
    let sell = |token: &str| {
        let new = Subscription {
            token: token.into(),
            product: "gold".into(),
            plan: "monthly".into(),
            price_micros: 9_990_000,
            currency: "EUR".into(),
            account: String::new(),
            is_trial: false,
            linked: None,
        };
        let ends = jiff::Timestamp::from_second(4_000_000_000).unwrap();
        play.api.subscribe(&new, now, ends);
    };
    sell("t1");
    let project = format!(
        "[project]\nkey = \"acme\"\n[entitlements.premium]\n[products.gold]\nentitlements = [\"premium\"]\n[apps.android]\nstore = \"play_store\"\npackage = \"com.example\"\napi_url = \"{url}\"\nservice_account = '{}'\n",
        play.api.service_account(&url)
    );
    std::fs::write(site.directory.join("project.toml"), project).unwrap();
    site.run(&["apply", "project.toml"]);
    std::fs::write(
        site.directory.join("customers.csv"),
        "app,app_user_id,token\nandroid,ann,t1\nandroid,bob,t2\nios2,cat,t3\n",
    )
    .unwrap();
    let import = || {
        site.command(&[
            "import",
            "--project",
            "acme",
            "--allow-networks",
            "stores=127.0.0.0/8",
            "customers.csv",
        ])
        .output()
        .unwrap()
    };
    let first = import();
    assert!(!first.status.success(), "two rows cannot be imported");
    let said = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(said.contains("1 imported, 2 not"), "{said}");
    let report = std::fs::read_to_string(site.directory.join("customers.csv.report")).unwrap();
    assert!(
        report.contains("no app \\\"ios2\\\"") && report.contains("404"),
        "{report}"
    );
    sell("t2");
    let second = import();
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(
        said.contains("3 rows, 1 imported before") && said.contains("1 imported, 1 not"),
        "{said}"
    );
    std::fs::write(
        site.directory.join("rates.csv"),
        "Date,USD,JPY\n2026-09-21,1.25,160\n",
    )
    .unwrap();
    assert!(
        site.run(&["rates", "import", "rates.csv"])
            .starts_with("2 rates added")
    );
    assert!(site.run(&["rates", "list"]).contains("2026-09-21"));
    let server = site.serve();
    let api = Api::new(&site, &server, &["--project", "acme"]);
    for who in ["ann", "bob"] {
        let customer = api.get(&format!("/projects/acme/customers/{who}")).await;
        assert_eq!(
            customer["access"]["sandbox"]["premium"]["is_active_now"], true,
            "{customer}"
        );
    }
    assert!(api.events().await.is_empty(), "an import tells nothing");
    drop(server);
    assert!(
        site.run(&["rederive", "--dry-run"])
            .contains("0 differences")
    );
    assert!(
        !site
            .command(&["rederive"])
            .output()
            .unwrap()
            .status
            .success()
    );
}

/// What a command says that is refused.
fn refused(site: &Site, words: &[&str]) -> String {
    let output = site.command(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{words:?}: {said}");
    said
}

#[test]
fn a_server_that_cannot_be_is_refused_with_a_clear_word() {
    let site = Site::new(&[]);
    let running = site.serve();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let with = |more: [&'static str; 2]| refused(&site, &[&serve[..], &more].concat());
    let said = refused(&site, &serve);
    assert!(said.contains("another server runs on"), "{said}");
    let said = with(["--public-url", "https://tools.example.com/tidings"]);
    assert!(said.contains("has a path"), "{said}");
    drop(running);
    std::fs::write(site.directory.join("ca.pem"), "none").unwrap();
    let said = with(["--ca-file", "ca.pem"]);
    assert!(
        said.contains("--ca-file ca.pem") && said.contains("no certificates in PEM"),
        "{said}"
    );
    // Whoever reads the data beside a server stands in nobody's way.
    let server = site.serve();
    assert!(site.run(&["doctor"]).contains("is intact"));
    drop(server);
}

fn mode(path: &std::path::Path) -> u32 {
    let about = std::fs::metadata(path).unwrap();
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o777
}

#[test]
fn what_is_created_is_its_user_s_alone_however_generous_the_shell_is() {
    let site = Site::bare();
    site.write_project("acme", &[]);
    let script = format!("umask 000; {BINARY} apply project.toml && {BINARY} backup --to copy.db");
    let done = site.shell(&script).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let data = site.directory.join("data");
    assert_eq!(mode(&data), 0o700);
    let mut files = vec![site.directory.join("copy.db")];
    files.extend(
        std::fs::read_dir(&data)
            .unwrap()
            .map(|file| file.unwrap().path()),
    );
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn doctor_names_what_others_may_read() {
    let site = Site::new(&[]);
    let open = |name: &str, mode: u32| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(site.directory.join(name), mode).unwrap();
    };
    for (name, was, now) in [
        ("data", 0o700, 0o750),
        ("data/tidings.db", 0o600, 0o644),
        ("data/secret.key", 0o600, 0o640),
    ] {
        open(name, now);
        let output = site.command(&["doctor"]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let line = format!("FAIL {name} is open to others (mode {now:o}): chmod go= {name}");
        assert!(!output.status.success() && told.contains(&line), "{told}");
        open(name, was);
    }
    assert!(!site.run(&["doctor"]).contains("FAIL"));
}

#[test]
fn the_key_that_secrets_are_sealed_with_may_come_from_a_file() {
    let site = Site::bare();
    site.write_project("acme", &[]);
    let file = site.directory.join("key");
    std::fs::write(&file, format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
    site.run(&["apply", "project.toml", "--secret-key-file", "key"]);
    assert!(!site.directory.join("data/secret.key").exists());
    let told = site.run(&["doctor", "--secret-key-file", "key"]);
    assert!(!told.contains("FAIL"), "{told}");
    for (words, says) in [
        (["--secret-key-file", "nowhere"], "No such file"),
        (["--secret-key-file", "/dev/null"], "the file is empty"),
    ] {
        let output = site
            .command(&[&["doctor"][..], &words].concat())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(says), "{told}");
    }
    let both = ["doctor", "--secret-key-file", "key", "--secret-key", "ab"];
    assert!(!site.command(&both).output().unwrap().status.success());
}
