//! Integrations: the list, each one, adding one, its settings, a preview, and what is done to it.

use crate::{browser::untouched, edited, fresh, lived, sent, shown, told};
use configuration::Stored;
use insta::assert_snapshot;
use ledger::{EventFilter, Page};
use serde_json::Map;
use web::test::TestServer;

async fn newest_event(server: &TestServer) -> String {
    let filter = EventFilter {
        project: Some(server.project("acme")),
        ..EventFilter::default()
    };
    let newest = server.ledger().events(&filter, Page::Before(None, 1)).await;
    newest.unwrap()[0].event.id.to_string()
}

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("integrations", shown(&server, "/integrations").await);
    assert_snapshot!("integration", shown(&server, "/integrations/hook").await);
    assert_snapshot!(
        "integration_new",
        shown(&server, "/integrations/new/slack").await
    );
}

#[tokio::test]
async fn the_catalogue_is_searched() {
    let server = fresh().await;
    let found = shown(&server, "/integrations?find=+sla+").await;
    assert!(found.contains("new/slack") && !found.contains("new/nats"));
}

#[tokio::test]
async fn one_is_added_by_form() {
    let server = fresh().await;
    let path = "/integrations/new/slack";
    let hook = "https://hooks.slack.com/services/T/B/new";
    let fields = [
        ("integration.key", "alerts"),
        ("integration.name", ""),
        ("webhook_url", hook),
    ];
    assert_eq!(
        sent(&server, path, &fields).await,
        "303 /projects/acme/integrations/alerts?notice=added"
    );
    let refused = server.form(&format!("/projects/acme{path}"), &fields).await;
    assert_eq!(
        told(&refused),
        "422 key: there is an integration \"alerts\" already"
    );
    assert!(refused.text().contains("<h1>alerts "), "called by its key");
    let nowhere = sent(&server, "/integrations/new/pigeon", &fields).await;
    assert_eq!(nowhere, "404 there is no destination \"pigeon\"");
}

#[tokio::test]
async fn what_cannot_be_is_refused_beside_its_field() {
    let server = fresh().await;
    let revision = server.app.engine.setup().revision();
    for (field, value) in [
        ("format", "morse"),
        ("retry", "never"),
        ("production_url", "ftp://a.example"),
    ] {
        let answer = edited(&server, "/integrations/hook", &[(field, value)]).await;
        assert_eq!(answer.status, 422, "{field}: {answer}");
        let beside = format!("id=\"problem-{field}\"");
        assert!(answer.text().contains(&beside), "{field}: {answer}");
    }
    assert_eq!(server.app.engine.setup().revision(), revision);
}

#[tokio::test]
async fn a_secret_that_was_refused_is_not_taken_for_stored() {
    let server = fresh().await;
    let path = "/integrations/new/slack";
    let typed = "https://hooks.slack.com/services/T/B/typed";
    let changed = [("webhook_url", typed), ("max_per_second", "many")];
    let answer = edited(&server, path, &changed).await;
    assert_eq!(answer.status, 422);
    let page = answer.text();
    assert!(
        !page.contains("typed") && !page.contains("Leave empty to keep"),
        "{page}"
    );
    // Sent again without it, there is none: three stars are not it.
    let action = format!("/projects/acme{path}");
    let mut fields = untouched(&page, &action);
    fields.retain(|(name, _)| name != "max_per_second");
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let answer = server.form(&action, &fields).await;
    assert_eq!(answer.status, 303, "{answer}");
    let setup = server.app.engine.setup();
    let mut added = setup
        .integrations()
        .filter(|active| active.row.key == "slack-2");
    let settings = Stored::of_integration(server.app.engine.vault(), &added.next().unwrap().row);
    assert_eq!(settings.settings, Map::new());
}

#[tokio::test]
async fn settings_that_are_not_saved_are_previewed() {
    let server = lived().await;
    let revision = server.app.engine.setup().revision();
    let event = newest_event(&server).await;
    for page in ["/integrations/hook", "/integrations/new/webhook"] {
        let action = format!("/projects/acme{page}");
        let form = untouched(&server.page(&action).await.text(), &action);
        let preview = async |url: &str| {
            let typed = |(name, value)| match name {
                "production_url" | "sandbox_url" => (name, url),
                "preview.event" => (name, event.as_str()),
                _ => (name, value),
            };
            let fields = form
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let fields: Vec<_> = fields.map(typed).collect();
            server.form(&format!("{action}/preview"), &fields).await
        };
        let shown = preview("https://elsewhere.example/in").await;
        assert_eq!(shown.status, 200, "{page}: {shown}");
        let text = shown.text();
        let (_, requests) = text.split_once("<section id=\"preview\">").unwrap();
        assert!(
            requests.contains("POST https://elsewhere.example/in\n"),
            "{requests}"
        );
        assert!(!requests.contains("hush"), "secrets are masked: {requests}");
        let refused = preview("no").await;
        assert_eq!(refused.status, 422, "{page}: {refused}");
        assert!(refused.text().contains("id=\"problem-production_url\""));
    }
    assert_eq!(server.app.engine.setup().revision(), revision);
}

#[tokio::test]
async fn are_tested_paused_retried_and_removed() {
    let server = lived().await;
    let page = "/projects/acme/integrations/hook";
    for (act, notice) in [
        ("test", "tested"),
        ("retry", "retried"),
        ("pause", "paused"),
        ("resume", "resumed"),
    ] {
        let done = sent(&server, &format!("/integrations/hook/{act}"), &[]).await;
        assert_eq!(done, format!("303 {page}?notice={notice}"));
    }
    let path = "/integrations/hook/remove";
    assert_eq!(
        sent(&server, path, &[]).await,
        "422 sure: tick the box to remove the integration"
    );
    assert_eq!(
        sent(&server, path, &[("sure", "on")]).await,
        "303 /projects/acme/integrations?notice=removed"
    );
    assert_eq!(server.page(page).await.status, 404);
}

#[tokio::test]
async fn an_endpoint_is_asked_again_whose_it_is() {
    let server = lived().await;
    assert_eq!(
        sent(&server, "/integrations/hook/verify", &[]).await,
        "303 /projects/acme/integrations/hook?notice=verifying"
    );
}
