//! Integrations: the list, each one, adding one, its settings, a preview, and what is done to it.

use crate::{
    browser::{main_of, untouched},
    edited, fresh, lived, sent, shown, told,
};
use configuration::Stored;
use domain::Environment;
use insta::assert_snapshot;
use ledger::{ConfigurationChange, EventFilter, Integration, Page, Verification};
use serde_json::Map;
use serde_json::json;
use web::test::{Answer, TestServer};

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

/// What was mended on the side of the endpoint is not seen here.
#[tokio::test]
async fn one_that_was_refused_is_asked_again_by_its_button_or_by_saving_what_there_is() {
    let server = lived().await;
    let engine = &server.app.engine;
    let row = || {
        let setup = engine.setup();
        let mut all = setup.integrations();
        (*all.find(|active| active.row.key == "hook").unwrap().row).clone()
    };
    let button = "<button>Ask it again</button>";
    assert!(!shown(&server, "/integrations/hook").await.contains(button));
    let refused = Verification::Refused {
        problem: "answered 401".into(),
        at: server.now(),
        is_gone: false,
    };
    let held = Integration {
        verification: refused.into(),
        ..row()
    };
    let change = vec![ConfigurationChange::PutIntegration(held)];
    let done = engine.configure(&engine.setup(), change, "test").await;
    assert!(done.unwrap());
    assert!(shown(&server, "/integrations/hook").await.contains(button));
    let saved = edited(&server, "/integrations/hook", &[]).await;
    assert_eq!(saved.status, 303, "{saved}");
    for endpoint in Environment::ALL {
        let verdict = row().verification.of(endpoint).clone();
        assert!(
            !matches!(verdict, Verification::Refused { .. }),
            "{verdict:?}"
        );
    }
    assert!(!shown(&server, "/integrations/hook").await.contains(button));
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
        "422 there is an integration \"alerts\" already"
    );
    assert!(refused.text().contains("<h1>alerts "), "called by its key");
    let nowhere = sent(&server, "/integrations/new/pigeon", &fields).await;
    assert_eq!(nowhere, "404 there is no destination \"pigeon\"");
}

/// What stands at the top of a page whose form was refused, where focus goes, and what follows it.
fn summary(answer: &Answer) -> (String, String) {
    let main = main_of(&answer.text());
    let (heading, rest) = main
        .split_once("<section class=\"notice red refused\"")
        .unwrap();
    assert!(!heading.contains("<section"), "nothing comes before it");
    let (top, page) = rest.split_once("</section>").unwrap();
    let (tag, _) = top.split_once('>').unwrap();
    assert!(tag.contains("tabindex=\"-1\" autofocus"), "{tag}");
    (top.to_owned(), page.to_owned())
}

/// A form of settings is longer than a screen: its page begins with everything that is wrong with it, and leads there.
#[tokio::test]
async fn what_was_refused_is_told_at_the_top_and_leads_to_its_field() {
    let server = fresh().await;
    let page = "/projects/acme/integrations/new/webhook";
    let fields = [("integration.key", "No Key"), ("production_url", "no")];
    let answer = server.form(page, &fields).await;
    let (top, page) = summary(&answer);
    assert_eq!(answer.status, 422);
    let mut lines = top.split("<li>").skip(1);
    for (field, title) in [("key", "Key"), ("production_url", "Production URL")] {
        let line = lines.next().unwrap();
        let link = format!("<a href=\"#field-{field}\">{title}</a>: ");
        assert!(line.starts_with(&link), "{line}");
        for id in ["field", "problem"] {
            assert!(page.contains(&format!("id=\"{id}-{field}\"")), "{page}");
        }
    }
    assert_eq!(lines.next(), None);
    // An app is set up by the same kind of form.
    let fields = [("app.key", "ios2"), ("bundle_id", "no id"), ("roots", "x")];
    let answer = server
        .form("/projects/acme/apps/new/app_store", &fields)
        .await;
    let (top, _) = summary(&answer);
    assert!(top.contains("roots: is no field of this form"), "{top}");
    // What is right has nothing to tell.
    assert!(
        !shown(&server, "/integrations/hook")
            .await
            .contains("refused")
    );
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
        let (top, page) = summary(&answer);
        let link = format!("<a href=\"#field-{field}\">");
        let beside = page.matches("id=\"problem-").count();
        assert_eq!(top.matches("<li>").count(), beside, "{top}");
        assert!(top.contains(&link) && page.contains(&format!("id=\"field-{field}\"")));
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
async fn are_paused_retried_and_removed() {
    let server = lived().await;
    let page = "/projects/acme/integrations/hook";
    for (act, notice) in [
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

/// Whoever sends a test event is told on the next page what came of it.
#[tokio::test]
async fn a_test_event_says_what_came_of_it() {
    let server = fresh().await;
    let tested = async |key: &str| {
        let page = format!("/projects/acme/integrations/{key}");
        let answer = server.form(&format!("{page}/test"), &[]).await;
        let (status, to) = (answer.status, answer.header("location").to_owned());
        assert!(status == 303 && to.starts_with(&format!("{page}?test=evt_")));
        to
    };
    let told = async |page: &str| {
        let text = server.page(page).await.text();
        let (_, block) = text.split_once("<div id=\"tested\"").unwrap();
        block.split("<a ").next().unwrap().to_owned()
    };
    let page = tested("hook").await;
    assert!(told(&page).await.contains("is on its way"));
    server.catch_up().await;
    let accepted = told(&page).await;
    assert!(accepted.contains("notice green") && accepted.contains("was accepted with 200"));
    server.endpoints.answer("https://hook.example", 404);
    let page = tested("hook").await;
    server.catch_up().await;
    let refused = told(&page).await;
    assert!(refused.contains("notice red"), "{refused}");
    assert!(refused.contains("was not accepted. The destination answered with an error"));
    assert!(refused.contains("404"), "{refused}");
    let held = told(&tested("idle").await).await;
    assert!(held.contains("The test event waits. The integration is paused"));
    // The address of another event, or of another integration's, says nothing.
    let page = page.replace("/hook?", "/slack?");
    assert!(!server.page(&page).await.text().contains("id=\"tested\""));
}

/// What a format calls success is delivered by its definition. Whoever redirects, or breaks off in the middle, has hardly processed it: no page shows it in green.
#[tokio::test]
async fn what_was_hardly_processed_is_shown_with_its_doubt_wherever_it_stands() {
    let hook = "https://hook.example";
    let server = fresh().await;
    for (answered, said, is_redirect) in [
        (
            "answered 308",
            "redirected to https://www.hook.example/: accepted by the rule of its format, probably not processed",
            true,
        ),
        ("answered 200", "its body broke off: unexpected end", false),
    ] {
        if is_redirect {
            let to = "https://www.hook.example/";
            server.endpoints.redirect(hook, 308, to);
        } else {
            server
                .endpoints
                .break_off(hook, "its body broke off: unexpected end");
        }
        let test = server
            .form("/projects/acme/integrations/hook/test", &[])
            .await;
        server.catch_up().await;
        let event = newest_event(&server).await;
        let feed = server.page("/projects/acme").await.text();
        let page = server.page(&format!("/projects/acme/events/{event}")).await;
        let of = server.page(test.header("location")).await.text();
        let (_, tested) = of.split_once("<div id=\"tested\"").unwrap();
        let (tested, rest) = tested.split_once("</div>").unwrap();
        let (_, sent) = rest.split_once("id=\"sent\"").unwrap();
        let (_, sent) = sent.split_once("<tbody>").unwrap();
        let (sent, _) = sent.split_once("</tr>").unwrap();
        let feed_row = feed.split("<tr").find(|row| row.contains(&event)).unwrap();
        let story = page.text();
        let (_, story) = story.split_once("Where it went").unwrap();
        for (place, text) in [
            ("the feed", feed_row),
            ("the event", story),
            ("its page", sent),
            ("the test", tested),
        ] {
            assert!(!text.contains("green"), "{answered}, {place}: {text}");
            assert!(text.contains("yellow"), "{answered}, {place}: {text}");
            let told = text.contains(answered) && text.contains(said);
            assert!(told, "{answered}, {place}: {text}");
        }
    }
    let start = server.page("/projects/acme/start").await.text();
    assert!(start.contains("It goes the way of every event"), "{start}");
}

/// Nothing leaves an integration that is paused: what waits there is no more pending than its test is.
#[tokio::test]
async fn what_is_held_says_so() {
    let server = fresh().await;
    server
        .form("/projects/acme/integrations/idle/test", &[])
        .await;
    let page = shown(&server, "/integrations/idle").await;
    let (_, sent) = page.split_once("id=\"sent\"").unwrap();
    let (row, _) = sent.split_once("</tr>\n</tbody>").unwrap_or((sent, ""));
    let state =
        "<span class=\"chip blue\"><span class=\"mark\" aria-hidden=\"true\"></span>held</span>";
    assert!(row.contains(state), "{row}");
    assert!(row.contains("The integration is paused"), "{row}");
    assert!(!row.contains("Next attempt"), "nobody knows when: {row}");
}

/// Whoever is set up for the sandbox alone is tested there.
#[tokio::test]
async fn a_test_goes_where_there_is_somebody_to_take_it() {
    let server = fresh().await;
    let to = |field: &str, url: &str| json!({ field: url });
    let webhook = |settings| json!({ "destination": "webhook", "settings": settings });
    let slack = |settings| json!({ "destination": "slack", "settings": settings });
    let part = json!({ "project": { "key": "acme" }, "integrations": {
        "trial": webhook(to("sandbox_url", "https://hook.example/sandbox")),
        "trials": slack(to("sandbox_webhook_url", "https://hooks.slack.com/services/T0/B0/sandbox")),
        "nowhere": slack(json!({})),
    } });
    server.apply(serde_json::from_value(part).unwrap()).await;
    for (key, environment, said) in [
        ("trial", "sandbox", "was accepted"),
        ("trials", "sandbox", "was accepted"),
        ("hook", "production", "was accepted"),
        ("nowhere", "production", "webhook_url is not set"),
    ] {
        let action = format!("/projects/acme/integrations/{key}/test");
        let answer = server.form(&action, &[]).await;
        let page = answer.header("location").to_owned();
        server.catch_up().await;
        let text = server.page(&page).await.text();
        assert!(text.contains(said), "{key}: {text}");
        let event = newest_event(&server).await;
        let (project, id) = (server.project("acme"), event.parse().unwrap());
        let row = server.ledger().event(project, id).await.unwrap().unwrap();
        assert_eq!(row.event.environment.id(), environment, "{key}");
    }
}

/// What fails is tried again for hours before it is given up: the row says meanwhile what is wrong.
#[tokio::test]
async fn one_that_is_failing_says_when_and_why() {
    let server = fresh().await;
    server.endpoints.shut("https://hook.example");
    server.buys("ann").await;
    server.catch_up().await;
    let list = shown(&server, "/integrations").await;
    let mut rows = list.split("<tr>");
    let row = rows.find(|row| row.contains("/integrations/hook")).unwrap();
    assert!(row.contains("failing"), "{row}");
    assert!(
        row.contains("network error") && !row.contains(">none<"),
        "{row}"
    );
    assert!(
        row.contains("state=pending"),
        "it leads to what is tried again: {row}"
    );
    let overview = shown(&server, "/overview").await;
    let (head, rows) = overview.split_once("<dl class=\"figures\">").unwrap();
    assert!(
        head.contains("does not deliver") && head.contains("/integrations/hook"),
        "{head}"
    );
    let mut rows = rows.split("<tr>");
    let row = rows.find(|row| row.contains("/integrations/hook")).unwrap();
    assert!(row.contains("failing") && row.contains("0 % of"), "{row}");
    // The number beside the section counts it.
    let page = server.page("/projects/acme/integrations").await.text();
    assert!(page.contains("needs attention"), "one of them");
}

/// One that bears its destination's name is not called by it twice; what is left alone is called by what it is then.
#[tokio::test]
async fn nothing_is_said_twice_or_left_unnamed() {
    let server = fresh().await;
    let new = shown(&server, "/integrations/new/webhook").await;
    assert!(new.contains("<h1>Webhook</h1>"), "{new}");
    assert!(new.contains("<option value=\"\">default: adapty</option>"));
    assert!(new.contains("<code>standard</code> tells every kind of event"));
    assert!(!new.contains('`'), "{new}");
}
