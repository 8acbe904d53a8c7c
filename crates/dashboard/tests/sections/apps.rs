//! Apps and stores: the list, each app, adding one, its settings, its connection, what waits for it.

use crate::{edited, fresh, lived, sent, shown, told};
use configuration::Stored;
use insta::assert_snapshot;
use serde_json::{Map, Value, json};
use web::test::TestServer;

/// What an app is set up with, secrets included.
fn stored(server: &TestServer, key: &str) -> Map<String, Value> {
    let setup = server.app.engine.setup();
    let row = &setup.app(server.app_id(key)).unwrap().row;
    Stored::of_app(server.app.engine.vault(), row).settings
}

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("apps", shown(&server, "/apps").await);
    assert_snapshot!("app", shown(&server, "/apps/web").await);
    assert_snapshot!("app_with_waiting", shown(&server, "/apps/android").await);
    assert_snapshot!("app_new", shown(&server, "/apps/new/app_store").await);
}

#[tokio::test]
async fn one_is_added_by_form() {
    let server = fresh().await;
    let path = "/apps/new/external";
    let fields = [
        ("app.key", "kiosk"),
        ("app.name", " Kiosk "),
        ("store_name", "kiosk"),
    ];
    assert_eq!(
        sent(&server, path, &fields).await,
        "303 /projects/acme/apps/kiosk?notice=added"
    );
    assert!(shown(&server, "/apps/kiosk").await.contains("<h1>Kiosk "));
    assert_eq!(
        sent(&server, path, &fields).await,
        "422 there is an app \"kiosk\" already"
    );
    let nowhere = sent(&server, "/apps/new/market", &fields).await;
    assert_eq!(nowhere, "404 there is no store \"market\"");
}

#[tokio::test]
async fn one_that_was_refused_is_shown_as_it_was_typed() {
    let server = fresh().await;
    let fields = [
        ("app.key", "No!"),
        ("app.name", "Kiosk"),
        ("store_name", "k"),
    ];
    let answer = server
        .form("/projects/acme/apps/new/external", &fields)
        .await;
    let page = answer.text();
    assert_eq!(answer.status, 422);
    assert!(page.contains("value=\"No!\"") && page.contains("value=\"Kiosk\""));
}

#[tokio::test]
async fn lines_of_a_list_of_secrets_are_taken_away_added_and_moved() {
    for (lines, wanted) in [
        ("***2", json!(["whsec_2"])),
        (
            "whsec_new\r\n***1\r\n***2",
            json!(["whsec_new", "whsec_1", "whsec_2"]),
        ),
        ("***2\r\n***1", json!(["whsec_2", "whsec_1"])),
        ("", json!(["whsec_1", "whsec_2"])),
    ] {
        let server = fresh().await;
        let answer = edited(&server, "/apps/web", &[("signing_secrets", lines)]).await;
        assert_eq!(answer.status, 303, "{lines:?}: {answer}");
        assert_eq!(
            stored(&server, "web")["signing_secrets"],
            wanted,
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_beside_its_field() {
    let server = fresh().await;
    let revision = server.app.engine.setup().revision();
    for (path, field, value) in [
        ("/apps/web", "signing_secrets", "***1\r\n***2\r\n***3"),
        ("/apps/web", "tolerance_seconds", "long"),
        ("/apps/web", "commission", "big"),
        ("/apps/ios", "environments", "mars"),
    ] {
        let answer = edited(&server, path, &[(field, value)]).await;
        assert_eq!(answer.status, 422, "{path} {field}: {answer}");
        let beside = format!("id=\"problem-{field}\"");
        assert!(answer.text().contains(&beside), "{path} {field}: {answer}");
    }
    assert_eq!(server.app.engine.setup().revision(), revision);
}

#[tokio::test]
async fn a_store_is_asked_whether_the_settings_work() {
    let server = lived().await;
    let path = "/projects/acme/apps/shop/check";
    let answer = server.form(path, &[]).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.text().contains("There is no store to ask."));
    let missing = server.form("/projects/acme/apps/none/check", &[]).await;
    assert_eq!(told(&missing), "404 there is no app \"none\"");
}

#[tokio::test]
async fn what_waits_is_taken_again() {
    let server = lived().await;
    let all = sent(&server, "/apps/android/parked/all", &[]).await;
    assert_eq!(all, "303 /projects/acme/apps/android?notice=retried");
}

#[tokio::test]
async fn a_message_that_does_not_wait_is_not_said_to_be_taken_again() {
    let server = lived().await;
    let app = "/projects/acme/apps/android/parked/";
    let page = server.page("/projects/acme/apps/android").await.text();
    let (_, waiting) = page.split_once(&format!("{app}inb_")).unwrap();
    let (waiting, _) = waiting.split_once('"').unwrap();
    let waits = server.form(&format!("{app}inb_{waiting}"), &[]).await;
    assert_eq!(waits.status, 303, "{waits}");
    let path = format!("{app}inb_00000000000000000000000000");
    let never_was = server.form(&path, &[]).await;
    assert_eq!(never_was.status, 404, "{never_was}");
    let elsewhere = format!("/projects/acme/apps/ios/parked/inb_{waiting}");
    let of_another = server.form(&elsewhere, &[]).await;
    assert_eq!(of_another.status, 404, "{of_another}");
}
