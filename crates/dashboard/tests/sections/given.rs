//! What forms mean: what is sent as it was shown changes nothing, and a word that is not offered is refused at its field.

use crate::{browser::untouched, fresh};
use configuration::{Desired, Stored};
use ledger::TransferBehaviour;
use serde_json::{Map, Value, json};
use web::test::{Answer, TestServer};

const WEB: &str = "/projects/acme/apps/web";
const HOOK: &str = "/projects/acme/integrations/hook";
const SETTINGS: &str = "/projects/acme/settings";

/// What an app is set up with, secrets included.
fn app(server: &TestServer, key: &str) -> Map<String, Value> {
    let setup = server.app.engine.setup();
    let row = &setup.app(server.app_id(key)).unwrap().row;
    Stored::of_app(server.app.engine.vault(), row).settings
}

fn part(mut document: Value) -> Desired {
    document["project"] = json!({ "key": "acme" });
    serde_json::from_value(document).unwrap()
}

async fn sent(server: &TestServer, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    server.form(path, &fields).await
}

/// The fields of a form, one of them with another value.
fn with(mut fields: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    let field = fields.iter_mut().find(|(known, _)| known == name).unwrap();
    value.clone_into(&mut field.1);
    fields
}

#[tokio::test]
async fn a_form_that_is_sent_as_it_was_shown_changes_nothing() {
    let server = fresh().await;
    // Fields that no box and no select can show as they are.
    let web = json!({ "owner_sources": ["customer_id", "session_metadata"], "commission": "12.5", "past_due_access": true });
    let hook = json!({ "settings": {
        "events": { "trial_started": "begun", "trial_expired": false }, "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "retry": { "policy": "custom", "delays": [1, 20] }, "send_attribution": true, "send_trial_price": false,
    } });
    server
        .apply(part(
            json!({ "apps": { "web": web }, "integrations": { "hook": hook } }),
        ))
        .await;
    let (revision, before) = (server.app.engine.setup().revision(), app(&server, "web"));
    assert_eq!(before["signing_secrets"], json!(["whsec_1", "whsec_2"]));
    for path in [
        WEB,
        "/projects/acme/apps/shop",
        "/projects/acme/apps/ios",
        "/projects/acme/apps/android",
        HOOK,
        "/projects/acme/integrations/idle",
        "/projects/acme/integrations/slack",
        SETTINGS,
    ] {
        let page = server.page(path).await.text();
        let answer = sent(&server, path, &untouched(&page, path)).await;
        assert_eq!(answer.status, 303, "{path}: {answer}");
        assert_eq!(server.app.engine.setup().revision(), revision, "{path}");
    }
    assert_eq!(app(&server, "web"), before);
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
        let fields = untouched(&server.page(WEB).await.text(), WEB);
        let answer = sent(&server, WEB, &with(fields, "signing_secrets", lines)).await;
        assert_eq!(answer.status, 303, "{lines:?}: {answer}");
        assert_eq!(app(&server, "web")["signing_secrets"], wanted, "{lines:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_beside_its_field() {
    let server = fresh().await;
    let revision = server.app.engine.setup().revision();
    for (path, field, value) in [
        (WEB, "signing_secrets", "***1\r\n***2\r\n***3"),
        (WEB, "tolerance_seconds", "long"),
        (WEB, "commission", "big"),
        ("/projects/acme/apps/ios", "environments", "mars"),
        (HOOK, "format", "morse"),
        (HOOK, "retry", "never"),
        (HOOK, "production_url", "ftp://a.example"),
        (SETTINGS, "transfer", "give"),
        (SETTINGS, "sandbox_transfer", "as_in_production"),
        (SETTINGS, "window", "soon"),
    ] {
        let fields = untouched(&server.page(path).await.text(), path);
        let answer = sent(&server, path, &with(fields, field, value)).await;
        assert_eq!(answer.status, 422, "{path} {field}: {answer}");
        let beside = format!("id=\"problem-{field}\"");
        assert!(answer.text().contains(&beside), "{path} {field}: {answer}");
        assert_eq!(
            server.app.engine.setup().revision(),
            revision,
            "{path} {field}"
        );
    }
}

#[tokio::test]
async fn the_sandbox_can_be_as_production_again() {
    let server = fresh().await;
    let chosen = async |word: &str| {
        let fields = untouched(&server.page(SETTINGS).await.text(), SETTINGS);
        let answer = sent(&server, SETTINGS, &with(fields, "sandbox_transfer", word)).await;
        assert_eq!(answer.status, 303, "{answer}");
        let setup = server.app.engine.setup();
        let row = &setup.find_project("acme").unwrap().row;
        row.sandbox_transfer_behaviour
    };
    assert_eq!(chosen("share").await, Some(TransferBehaviour::Share));
    assert_eq!(chosen("").await, None);
}

#[tokio::test]
async fn a_secret_that_was_refused_is_not_taken_for_stored() {
    let server = fresh().await;
    let path = "/projects/acme/integrations/new/slack";
    let fields = untouched(&server.page(path).await.text(), path);
    let fields = with(
        fields,
        "webhook_url",
        "https://hooks.slack.com/services/T/B/typed",
    );
    let answer = sent(&server, path, &with(fields, "max_per_second", "many")).await;
    assert_eq!(answer.status, 422);
    let page = answer.text();
    assert!(
        !page.contains("typed") && !page.contains("Leave empty to keep"),
        "{page}"
    );
    // Sent again without it, there is none: three stars are not it.
    let answer = sent(
        &server,
        path,
        &with(untouched(&page, path), "max_per_second", ""),
    )
    .await;
    assert_eq!(answer.status, 303, "{answer}");
    let setup = server.app.engine.setup();
    let mut added = setup
        .integrations()
        .filter(|active| active.row.key == "slack-2");
    let settings = Stored::of_integration(server.app.engine.vault(), &added.next().unwrap().row);
    assert_eq!(settings.settings, Map::new());
}
