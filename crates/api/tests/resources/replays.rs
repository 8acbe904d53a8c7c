//! Replays: past events sent to an integration again, first as a forecast.

use crate::{lived, server};
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};
use web::test::Who;

const REPLAYS: &str = "/api/v1/projects/acme/replays";

#[tokio::test]
async fn are_foreseen_begun_and_done() {
    let server = lived().await;
    let mut told = server.transcript();
    let failed = json!({ "integration": "hook", "since": "2026-01-01T00:00:00Z" });
    let mut dry = failed.clone();
    dry["dry_run"] = json!(true);
    told.get(REPLAYS).await;
    told.post(REPLAYS, dry).await;
    server.endpoints.answer("https://hook.example", 200);
    let begun = told.post(REPLAYS, failed).await.json();
    server.catch_up().await;
    told.get(REPLAYS).await;
    told.post(
        &format!("{REPLAYS}/{}/cancel", begun["id"].as_str().unwrap()),
        None,
    )
    .await;
    assert_snapshot!(told);
    let failed = server
        .get("/api/v1/projects/acme/deliveries?integration=hook&state=failed")
        .await;
    assert_eq!(failed.json()["data"], json!([]), "{failed}");
}

#[tokio::test]
async fn are_stopped() {
    let server = lived().await;
    let mut told = server.transcript();
    let begun = told.post(REPLAYS, json!({ "integration": "idle", "since": "2026-01-01", "standings": ["failed", "never_sent"], "per_second": 1 })).await.json();
    let id = begun["id"].as_str().unwrap();
    told.post(&format!("{REPLAYS}/{id}/cancel"), None).await;
    told.get(REPLAYS).await;
    told.post(
        &format!("{REPLAYS}/rpl_00000000000000000000000000/cancel"),
        None,
    )
    .await;
    told.post(&format!("{REPLAYS}/none/cancel"), None).await;
    told.post(&format!("/api/v1/projects/other/replays/{id}/cancel"), None)
        .await;
    assert_snapshot!(told);
}

/// Whoever was cut off before the answer came makes the same request again.
#[tokio::test]
async fn that_are_asked_for_again_are_begun_once() {
    let server = lived().await;
    let client = server.by(Who::BoundWriteKey);
    let client = client.with("idempotency-key", "7f0c");
    let asked = json!({ "integration": "idle", "since": "2026-01-01", "standings": ["delivered"] });
    let ask = async |asked: &Value| client.send("POST", REPLAYS, Some(asked.clone())).await;
    let begun = ask(&asked).await;
    assert_eq!(begun.status, 201, "{begun}");
    server.pass(SignedDuration::from_hours(30)).await;
    let again = ask(&asked).await;
    assert_eq!(again.status, 201, "{again}");
    assert_eq!(again.json()["id"], begun.json()["id"]);
    let mut another = asked.clone();
    another["integration"] = json!("hook");
    let refused = ask(&another).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_eq!(refused.json()["errors"][0]["field"], "Idempotency-Key");
    let all = server.get(REPLAYS).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let too_long = server.by(Who::BoundWriteKey);
    let too_long = too_long.with("idempotency-key", "a".repeat(256));
    let refused = too_long.send("POST", REPLAYS, Some(asked)).await;
    assert_eq!(refused.status, 422, "{refused}");
}

/// Each page leads to the next, and one that is over is still known when many came after it.
#[tokio::test]
async fn are_listed_by_page() {
    let server = lived().await;
    let asked = json!({ "integration": "idle", "since": "2026-01-01", "standings": ["delivered"] });
    let mut begun = Vec::new();
    for _ in 0..53 {
        server.pass(SignedDuration::from_secs(1)).await;
        let replay = server.post(REPLAYS, asked.clone()).await.json();
        begun.push(replay["id"].as_str().unwrap().to_owned());
    }
    let stop = format!("{REPLAYS}/{}/cancel", begun[0]);
    for _ in 0..2 {
        assert_eq!(server.post(&stop, json!(null)).await.status, 204);
    }
    let (mut listed, mut path) = (Vec::new(), format!("{REPLAYS}?limit=25"));
    for length in [25, 25, 3] {
        let page = server.get(&path).await.json();
        let ids = page["data"].as_array().unwrap();
        assert_eq!(ids.len(), length);
        listed.extend(ids.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{REPLAYS}?limit=25&before={next}");
    }
    listed.reverse();
    assert_eq!(listed, begun);
    let answer = server.get(&format!("{REPLAYS}?before=first")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (400, "malformed_query".into())
    );
}

#[tokio::test]
async fn are_refused_with_every_thing_that_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    told.post(REPLAYS, json!({})).await;
    told.post(REPLAYS, json!({
        "integration": "nothing", "since": "then", "until": "now", "kinds": ["birthday"], "standings": ["lost"],
        "environment": "moon", "customer": "nobody", "per_second": 0,
    })).await;
    told.post(
        REPLAYS,
        json!({ "integration": "hook", "since": "2026-01-02", "until": "2026-01-01" }),
    )
    .await;
    told.post(REPLAYS, json!({ "colour": "red" })).await;
    assert_snapshot!(told);
}
