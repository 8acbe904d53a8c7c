//! The feed of events.

use crate::{ids, lived, server};
use insta::assert_snapshot;
use jiff::SignedDuration;
use ledger::{ConfigurationChange as Change, Scope};
use web::access::new_api_key;

const EVENTS: &str = "/api/v1/projects/acme/events";

#[tokio::test]
async fn are_listed_newest_first_page_by_page() {
    let server = lived().await;
    let mut told = server.transcript();
    let next = told.get(&format!("{EVENTS}?limit=2")).await.json()["next"].clone();
    told.get(&format!(
        "{EVENTS}?limit=1&before={}",
        next.as_str().unwrap()
    ))
    .await;
    assert_snapshot!(told);
    let all = ids(&server, EVENTS).await;
    let (mut paged, mut path) = (Vec::new(), format!("{EVENTS}?limit=3"));
    loop {
        let page = server.get(&path).await.json();
        paged.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{EVENTS}?limit=3&before={next}");
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn are_followed_oldest_first_without_a_gap() {
    let server = lived().await;
    let mut newest_first = ids(&server, EVENTS).await;
    newest_first.reverse();
    let (mut followed, mut after) = (Vec::new(), "0".to_owned());
    for _ in 0..10 {
        let path = format!("{EVENTS}?after={after}&limit=2");
        followed.extend(ids(&server, &path).await);
        after = server.get(&path).await.json()["next"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    assert_eq!(followed, newest_first);
    let end = server
        .get(&format!("{EVENTS}?after={after}&wait=0"))
        .await
        .json();
    assert_eq!(
        end["next"], after,
        "whoever follows goes on from where he is"
    );
    server.buys("eve").await;
    assert_eq!(
        ids(&server, &format!("{EVENTS}?after={after}&wait=30"))
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn are_filtered() {
    let server = lived().await;
    let count = async |query: &str| ids(&server, &format!("{EVENTS}?{query}")).await.len();
    // Three who subscribe, each with access; one purchase and its refund, which unlock nothing.
    for (query, expected) in [
        ("", 8),
        ("kind=subscription_started", 3),
        ("kind=subscription_started,access_level_updated", 6),
        ("kind=-access_level_updated", 5),
        ("kind=-access_level_updated,-subscription_started", 2),
        ("customer=bob", 2),
        ("environment=sandbox", 2),
        ("environment=production", 6),
        ("store=external", 8),
        ("store=stripe", 0),
        ("state=failed", 2),
        ("state=failed&integration=hook", 2),
        ("state=failed&integration=slack", 0),
        ("since=2026-01-01T12:30:00Z", 3),
        ("until=2026-01-01T12:10:00Z", 2),
        ("hours=1", 8),
        (
            "kind=&customer=&app=&store=&environment=&integration=&state=&hours=",
            8,
        ),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let shop = server.app_id("shop");
    assert_eq!(count(&format!("app={shop}")).await, 8);
    server.pass(SignedDuration::from_hours(24 * 15)).await;
    assert_eq!(count("").await, 0, "the last 14 days");
    assert_eq!(count("since=2026-01-01T00:00:00Z").await, 8);
    assert_eq!(
        count("after=0").await,
        8,
        "whoever follows begins where he likes"
    );
}

#[tokio::test]
async fn queries_are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    for query in [
        "kind=birthday",
        "kind=-birthday",
        "kind=subscription_started,-access_level_updated",
        "customer=nobody",
        "app=shop",
        "store=corner_shop",
        "environment=moon",
        "integration=hook",
        "state=sent",
        "since=yesterday",
        "hours=few",
        "before=1&after=1",
        "before=now",
        "wait=10",
        "after=0&wait=61",
        "colour=red",
    ] {
        told.get(&format!("{EVENTS}?{query}")).await;
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn one_is_shown_as_in_the_list() {
    let server = lived().await;
    let listed = server.get(EVENTS).await.json()["data"][0].clone();
    let id = listed["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("{EVENTS}/{id}")).await.json(), listed);
    let mut told = server.transcript();
    told.get(&format!("{EVENTS}/evt_00000000000000000000000000"))
        .await;
    told.get(&format!("{EVENTS}/none")).await;
    told.get(&format!("/api/v1/projects/other/events/{id}"))
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn whoever_waits_for_one_waits_no_longer_than_the_right_to_it() {
    let server = server().await;
    let (engine, acme) = (&server.app.engine, server.project("acme"));
    let (text, key) = new_api_key(engine.system(), Some(acme), "ci", Scope::Read).unwrap();
    let configure = async |change| {
        let done = engine
            .configure(&engine.setup(), vec![change], "test")
            .await;
        assert!(done.unwrap());
    };
    configure(Change::PutApiKey(key.clone())).await;
    let client = server.with_key(&text);
    let path = format!("{EVENTS}?after=0&wait=60");
    let revoked = async {
        // It waits by then, or is refused at the door: the answer is another one.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        configure(Change::RemoveApiKey(key.id)).await;
    };
    let (answer, ()) = tokio::join!(client.get(&path), revoked);
    assert_eq!(answer.status, 409, "{answer}");
}
