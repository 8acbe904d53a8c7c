//! What the guide says of backups, done: a copy of a running installation, restored elsewhere, goes on where the copy was made.

use crate::{
    lanes::wanted,
    server::{Api, Site, live, post, until, webhook},
    told::{Told, a_receiver, cluster},
};
use serde_json::{Value, json};
use simulator::{Behaviour, Receiver};
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt};

fn ids(events: &[Value]) -> Vec<String> {
    let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

fn pending(events: &[Value]) -> usize {
    let of = |event: &Value| event["integrations"].as_array().unwrap().clone();
    let states = events.iter().flat_map(of);
    states.filter(|state| state["state"] == "pending").count()
}

/// What is restored has what was recorded when the copy was made, in the same places, and delivers what it had not yet.
async fn check(site: &Site, before: &[Value], after: &[Value], receiver: &Receiver) {
    assert!(site.run(&["doctor"]).contains("is intact"));
    let server = site.serve();
    let api = Api::new(site, &server, &[]);
    let restored = api.events().await;
    let (known, last) = (ids(&restored), ids(after));
    // What the copy did not know yet, it tells when it learns it.
    let same = known
        .iter()
        .zip(&last)
        .take_while(|(one, other)| one == other);
    let same = same.count();
    assert!(
        same >= before.len(),
        "{same} of {} that were told before the copy are where they were",
        before.len()
    );
    until("what was pending in the copy is delivered", || async {
        pending(&api.events().await) == 0
    })
    .await;
    let arrived = |id: &&str| receiver.received().events.contains_key(*id);
    assert!(wanted(&restored, "backend").iter().all(arrived));
    // And it goes on: its stores tell it what is new.
    live(&server.driver(5, 9), 900..903, 100, 3).await;
    assert!(api.events().await.len() > known.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_running_server_is_restored() {
    let Told {
        receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Failing(20)).await;
    let driver = server.driver(5, 8);
    live(&driver, 0..30, 300, 4).await;
    let before = api.events().await;
    // While it writes.
    let more = tokio::spawn(async move { live(&driver, 100..160, 1_500, 3).await });
    until("it writes", || async {
        api.events().await.len() > before.len()
    })
    .await;
    let said = tokio::task::block_in_place(|| site.run(&["backup", "--to", "copy.db"]));
    assert!(said.contains("copy.db"), "{said}");
    let again = site
        .command(&["backup", "--to", "copy.db"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(complaint.contains("exists already"), "{complaint}");
    more.await.unwrap();
    let after = api.events().await;
    drop(server);

    let elsewhere = Site::bare();
    let data = elsewhere.directory.join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    std::fs::rename(site.directory.join("copy.db"), data.join("tidings.db")).unwrap();
    std::fs::copy(
        site.directory.join("data/secret.key"),
        data.join("secret.key"),
    )
    .unwrap();
    check(&elsewhere, &before, &after, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_database_is_restored() {
    let cluster = cluster().await;
    let receiver = a_receiver(Behaviour::Failing(20)).await;
    let (url, other) =
        tokio::task::block_in_place(|| (cluster.database().unwrap(), cluster.database().unwrap()));
    let site = Site::on_postgres(url.clone(), &[webhook("backend", &receiver.url)]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(5, 8);
    live(&driver, 0..30, 300, 4).await;
    let before = api.events().await;
    let dump = cluster.directory().join("copy.dump");
    let run = |program: &str, words: &[&str]| {
        let mut command = cluster.program(program);
        let output = command.args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program}: {said}");
    };
    let file = dump.to_str().unwrap();
    let more = tokio::spawn(async move { live(&driver, 100..130, 1_000, 3).await });
    until("it writes", || async {
        api.events().await.len() > before.len()
    })
    .await;
    tokio::task::block_in_place(|| {
        run("pg_dump", &["--format=custom", "--file", file, &url]);
    });
    more.await.unwrap();
    let after = api.events().await;
    drop(server);

    run("pg_restore", &["--dbname", &other, file]);
    let elsewhere = Site::over_postgres(other);
    check(&elsewhere, &before, &after, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_without_its_key_is_not_served_and_no_other_key_is_made() {
    let site = Site::new(&[webhook("backend", "https://hook.example/")]);
    site.run(&["backup", "--to", "copy.db"]);
    let elsewhere = Site::bare();
    let data = elsewhere.directory.join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    std::fs::copy(site.directory.join("copy.db"), data.join("tidings.db")).unwrap();
    let key = data.join("secret.key");
    let refused = |words: &[&str]| {
        let output = elsewhere.command(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{words:?}: {said}");
        said
    };
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    elsewhere.write_project("second", &[webhook("other", "https://other.example/")]);
    for words in [&serve[..], &["apply", "project.toml"]] {
        let said = refused(words);
        let sealed = "holds sealed secrets, but there is no data/secret.key";
        assert!(said.contains(sealed), "{said}");
        assert!(!key.exists(), "no second key");
    }
    let report = elsewhere.command(&["doctor"]).output().unwrap();
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(
        report.contains("FAIL secrets of integration backend open with"),
        "{report}"
    );
    // That of another installation.
    let other = Site::new(&[]);
    std::fs::copy(other.directory.join("data/secret.key"), &key).unwrap();
    let said = refused(&serve);
    assert!(said.contains("nothing of it opens with"), "{said}");
    // Who says that it is lost may go on, and sees what has to be given again.
    std::fs::remove_file(&key).unwrap();
    let lost = ["--key-is-lost"];
    let server = elsewhere.serve_with("127.0.0.1:0", &lost);
    Api::new(&elsewhere, &server, &[]).events().await;
    server.stop();
    assert!(elsewhere.log().contains("they have to be given again"));
    // It was said once: before anything is saved, every command goes on with the key that took its place, and with no other.
    let (replaced, third) = (std::fs::read(&key).unwrap(), "ab".repeat(32));
    std::fs::write(&key, third).unwrap();
    let said = refused(&serve);
    assert!(said.contains("nothing of it opens with"), "{said}");
    std::fs::write(&key, replaced).unwrap();
    let made = elsewhere.run(&["keys", "create", "--name", "other"]);
    assert!(!made.is_empty());
    let server = elsewhere.serve();
    let api = Api::new(&elsewhere, &server, &[]);
    let backend = api.get("/projects/acme/integrations/backend").await;
    assert_eq!(backend["settings"], Value::Null, "{backend}");
    assert_eq!(backend["held"]["reason"], "missing_credentials");
    let settings = json!({ "production_url": "https://hook.example/" });
    let again = json!({ "destination": "webhook", "settings": settings });
    let path = "/projects/acme/integrations/backend";
    let (status, answer) = api.send("PUT", path, Some(again)).await;
    assert_eq!(status, 200, "{answer}");
    server.stop();
    // A key that is not lost is not replaced.
    let server = elsewhere.serve_with("127.0.0.1:0", &lost);
    assert!(elsewhere.log().contains("it is not lost"));
    drop(server);
    elsewhere.serve();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_or_empty_is_no_new_one() {
    let site = Site::new(&[]);
    let database = site.directory.join("data/tidings.db");
    site.serve().stop();
    let kept = std::fs::read(&database).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let refused = |words: &[&str]| {
        let output = site.command(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{words:?}: {said}");
        assert!(
            said.contains("is gone or empty, but a server ran here before"),
            "{said}"
        );
    };
    std::fs::write(&database, []).unwrap();
    refused(&serve);
    refused(&["apply", "project.toml"]);
    std::fs::remove_file(&database).unwrap();
    refused(&serve);
    assert!(!database.exists(), "no second truth begins");
    std::fs::write(&database, kept).unwrap();
    site.serve().stop();
    // Whoever says so begins anew.
    std::fs::remove_file(&database).unwrap();
    std::fs::remove_file(site.directory.join("data/public-url")).unwrap();
    site.serve().stop();
}

/// A store whose app's secrets do not open is answered 503, so that it sends again: nothing is lost until they are given again.
#[tokio::test(flavor = "multi_thread")]
async fn stores_are_asked_to_send_again_until_secrets_of_a_lost_key_are_given_again() {
    const EVENT: &str = r#"{ "id": "evt_1", "object": "event" }"#;
    let site = Site::new(&[]);
    let file = site.directory.join("project.toml");
    let project = std::fs::read_to_string(&file).unwrap();
    let web = "[apps.web]\nstore = \"stripe\"\napi_key = \"rk_test_1\"\nsigning_secrets = [\"whsec_one\"]\n";
    std::fs::write(file, project + web).unwrap();
    site.run(&["apply", "project.toml"]);
    site.run(&["backup", "--to", "copy.db"]);
    let elsewhere = Site::bare();
    let data = elsewhere.directory.join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    std::fs::copy(site.directory.join("copy.db"), data.join("tidings.db")).unwrap();
    elsewhere.write_project("second", &[]);
    let server = elsewhere.serve_with("127.0.0.1:0", &["--key-is-lost"]);
    let api = Api::new(&elsewhere, &server, &[]);
    let apps = api.get("/projects/acme/apps").await;
    let mut apps = apps["data"].as_array().unwrap().iter();
    let app = apps.find(|app| app["key"] == "web").unwrap();
    let callback = app["callback_url"].as_str().unwrap();
    let (_, path) = callback.split_once("/callbacks/").unwrap();
    let url = format!("{}/callbacks/{path}", server.url);
    let (status, said) = post(&url, EVENT).await;
    assert_eq!(
        (status, &said["code"]),
        (503, &json!("app_unusable")),
        "{said}"
    );
    let again =
        json!({ "store": "stripe", "api_key": "rk_test_1", "signing_secrets": ["whsec_one"] });
    let (status, answer) = api
        .send("PUT", "/projects/acme/apps/web", Some(again))
        .await;
    assert_eq!(status, 200, "{answer}");
    // Now it is read, and what nobody signed is told so.
    let (status, said) = post(&url, EVENT).await;
    assert_eq!(
        (status, &said["code"]),
        (401, &json!("signature_missing")),
        "{said}"
    );
    server.stop();
}
