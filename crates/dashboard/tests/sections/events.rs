//! Events: the feed, one event with everything about it, sending one again.

use crate::{lived, shown, shown_new, told};
use domain::{
    EventId, EventKind, Store,
    event::{AppRef, Request},
};
use insta::assert_snapshot;
use jiff::SignedDuration;
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState, NewEvent};
use web::test::TestServer;

/// The newest delivery to `hook` in this state.
async fn newest(server: &TestServer, state: DeliveryState) -> DeliveryRecord {
    let setup = server.app.engine.setup();
    let mut integrations = setup.integrations();
    let project = server.project("acme");
    let hook = integrations
        .find(|active| active.row.project == project && active.row.key == "hook")
        .unwrap();
    let filter = DeliveryFilter {
        project: Some(project),
        integration: Some(hook.row.id),
        state: Some(state),
    };
    let mut found = server.ledger().deliveries(&filter, None, 1).await.unwrap();
    found.remove(0)
}

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("events", shown(&server, "").await);
    assert_snapshot!("events_none", shown(&server, "?kind=trial_started").await);
    assert_snapshot!("new_events", shown_new(&server, "").await);
}

#[tokio::test]
async fn one_is_shown_from_what_the_store_said_to_every_attempt() {
    let server = lived().await;
    let event = newest(&server, DeliveryState::Failed).await.event;
    assert_snapshot!("event", shown(&server, &format!("/events/{event}")).await);
    for missing in ["evt_nothing", "evt_00000000000000000000000000"] {
        let path = format!("/projects/acme/events/{missing}");
        let answer = server.page(&path).await;
        assert_eq!(told(&answer), format!("404 there is no event {missing:?}"));
    }
}

/// An event that tells of a refund which Google reviews until then.
async fn asked_until(server: &TestServer, until: SignedDuration) -> String {
    let event = newest(server, DeliveryState::Failed).await.event;
    let project = server.project("acme");
    let row = server.ledger().event(project, event).await.unwrap();
    let mut event = row.unwrap().event;
    event.key = format!("asked:{until}");
    event.id = EventId::derived(project.uuid(), &event.key, server.now());
    event.kind = EventKind::RefundRequested;
    event.cause.inbox = None;
    let (id, key) = (server.app_id("android"), "android".to_owned());
    let store = Store::PlayStore;
    event.app = Some(AppRef {
        id,
        key,
        store,
        store_name: None,
    });
    event.request = Some(Request {
        reason: Some("ACCIDENTAL_PURCHASE".into()),
        respond_by: Some(server.now() + until),
        token: Some("pending-1".into()),
        transaction: None,
    });
    let id = event.id.to_string();
    let new = NewEvent {
        event,
        not_sent: Vec::new(),
    };
    server.ledger().commit_test(new, Vec::new()).await.unwrap();
    id
}

#[tokio::test]
async fn a_refund_that_a_store_asks_about_is_answered_from_its_event_while_it_waits() {
    let server = lived().await;
    let open = asked_until(&server, SignedDuration::from_hours(24)).await;
    let page = shown(&server, &format!("/events/{open}")).await;
    let (_, section) = page.split_once("<section id=\"asked\">").unwrap();
    let section = section.split("</section>").next().unwrap();
    for said in [
        "Google Play asks about a refund",
        "ACCIDENTAL_PURCHASE",
        "name=\"used\"",
        "value=\"decline\"",
    ] {
        assert!(section.contains(said), "{said}: {section}");
    }
    for of_apple in ["name=\"consented\"", "name=\"delivery\"", "grant_prorated"] {
        assert!(!section.contains(of_apple), "{of_apple}: {section}");
    }
    let path = format!("/projects/acme/events/{open}/consumption");
    let prorated = [("preference", "grant_prorated"), ("used", "40")];
    for (sent, refused) in [
        (
            &[("used", "half")][..],
            "422 used: is a number of percent, such as 45.2",
        ),
        (
            &[("preference", "maybe")],
            "422 preference: is none of those offered",
        ),
        // Whatever it says: nobody can be told.
        (&prorated, "503 the store refused the app's credentials"),
    ] {
        assert_eq!(told(&server.form(&path, sent).await), refused, "{sent:?}");
    }
    let over = asked_until(&server, SignedDuration::from_hours(-1)).await;
    let page = shown(&server, &format!("/events/{over}")).await;
    assert!(page.contains("The store waited for what"), "{page}");
    assert!(!page.contains("<form method=\"post\" action=\"/projects/acme/events"));
    let path = format!("/projects/acme/events/{over}/consumption");
    let late = server.form(&path, &[("preference", "decline")]).await;
    assert!(
        told(&late).starts_with("409 the store waited for an answer until"),
        "{late}"
    );
    let other = newest(&server, DeliveryState::Failed).await.event;
    let path = format!("/projects/acme/events/{other}/consumption");
    let not_asked = server.form(&path, &[("preference", "decline")]).await;
    assert!(
        told(&not_asked).starts_with("409 the event is of the kind"),
        "{not_asked}"
    );
}

/// Whoever cuts the address of an event short finds all of them, filtered as asked.
#[tokio::test]
async fn what_addresses_of_events_begin_with_leads_to_the_feed() {
    let server = lived().await;
    for (asked, feed) in [
        ("/projects/acme/events", "/projects/acme"),
        (
            "/projects/acme/events?customer=ann&state=failed",
            "/projects/acme?customer=ann&state=failed",
        ),
    ] {
        let answer = server.page(asked).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, feed)
        );
        assert_eq!(server.page(feed).await.status, 200);
    }
}

#[tokio::test]
async fn a_delivery_is_sent_again_and_leads_back_to_where_that_was_asked() {
    let server = lived().await;
    let failed = newest(&server, DeliveryState::Failed).await;
    let path = format!("/projects/acme/deliveries/{}/resend", failed.id);
    let event = format!("303 /projects/acme/events/{}?notice=resent", failed.event);
    assert_eq!(told(&server.form(&path, &[]).await), event);
    for (back, leads) in [
        ("hook", "303 /projects/acme/integrations/hook?notice=resent"),
        ("//elsewhere.example", event.as_str()),
    ] {
        let path = format!("{path}?back={back}");
        assert_eq!(told(&server.form(&path, &[]).await), leads, "{back}");
    }
}

#[tokio::test]
async fn choosing_an_integration_alone_asks_what_failed() {
    let server = lived().await;
    let chosen = shown(&server, "?integration=hook").await;
    let failed = shown(&server, "?integration=hook&state=failed").await;
    assert_eq!(chosen, failed);
}

#[tokio::test]
async fn what_is_added_to_an_address_is_passed_over_and_what_is_meant_has_to_be_readable() {
    let server = lived().await;
    let added = server
        .page("/projects/acme?utm_source=mail&integration=hook&a&b=%00")
        .await;
    assert_eq!(added.status, 200, "{added}");
    let row = "/projects/acme/events/evt_";
    let chosen = shown(&server, "?integration=hook").await;
    assert_eq!(
        added.text().matches(row).count(),
        chosen.matches(row).count(),
        "what it knows is applied"
    );
    let none = server
        .page("/projects/acme?utm_source=mail&customer=nobody")
        .await;
    assert_eq!(none.status, 200, "nobody has bought anything");
    for meant in [
        "?kind=nonsense",
        "?state=lost",
        "?hours=many",
        "?before=abc",
        "?before=18446744073709551615",
        "/audit?before=abc",
        "/audit?before=-1",
        "/audit?before=18446744073709551615",
        "/customers?before=abc",
        "/live?after=abc",
        "/live?after=18446744073709551615",
    ] {
        let refused = server.page(&format!("/projects/acme{meant}")).await;
        assert_eq!(refused.status, 400, "{meant}: {refused}");
    }
    for added in [
        "/audit?utm_source=mail",
        "/customers?utm_source=mail",
        "/overview?utm_source=mail",
    ] {
        let page = server.page(&format!("/projects/acme{added}")).await;
        assert_eq!(page.status, 200, "{added}: {page}");
    }
}
