//! What is shown to be sold, and what clients ask for that this server has none of.

use super::{
    client,
    decoders::{
        android,
        ios::{self, decoded},
    },
};
use crate::server;
use insta::assert_snapshot;
use serde_json::{Value, json};
use web::test::{TestServer, Who};

const EVE: &str = "/v1/subscribers/eve/offerings";

#[tokio::test]
async fn are_told_as_the_project_is_configured() {
    let server = server().await;
    let mut told = client(&server);
    told.get(EVE).await;
    for what in ["virtual_currencies", "workflows"] {
        told.get(&format!("/v1/subscribers/eve/{what}")).await;
    }
    told.note("with a secret key")
        .go_on_as(server.by(Who::BoundWriteKey));
    told.get(EVE).await;
    assert_snapshot!(told);
}

/// What somebody with the public key of `android` is told who says this of itself.
async fn asked(server: &TestServer, headers: &[(&'static str, &str)]) -> Value {
    let client = headers
        .iter()
        .fold(server.by(Who::PublicKey), |client, (name, value)| {
            client.with(name, *value)
        });
    let answer = client.get(EVE).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

#[tokio::test]
async fn are_decoded_by_both_native_sdks() {
    let server = server().await;
    let body = asked(&server, &[("x-platform", "android")]).await;
    let on_ios: ios::Offerings = decoded(&body);
    assert_eq!(on_ios.current_offering_id.as_deref(), Some("default"));
    assert_eq!(on_ios.offerings[0].packages.len(), 1);
    let sold = ["gold:p1m", "gold:p1y"];
    let on_android = android::offerings(&body, &sold);
    let package = |text: &str| vec![text.to_owned()];
    let expected = [
        ("default".to_owned(), package("$rc_monthly gold:p1m")),
        ("summer".to_owned(), package("$rc_annual gold:p1y")),
    ];
    assert_eq!(on_android.all, expected.into());
    assert_eq!(on_android.current.as_deref(), Some("default"));
    // A project without any is decoded too.
    let secret = server.by(Who::OtherKey);
    let none = secret.get("/v1/subscribers/eve/offerings").await;
    assert_eq!(none.status, 403, "a secret key belongs into no client");
}

#[tokio::test]
async fn are_shown_to_whom_they_are_meant_for() {
    let server = server().await;
    for (country, platform, version, current) in [
        ("DE", "android", "2.0.1", "summer"),
        ("DEU", "iOS", "2.10", "summer"),
        ("DE", "android", "1.9", "default"),
        ("AT", "android", "2.0.1", "default"),
        ("DE", "amazon", "2.0.1", "default"),
    ] {
        let headers = [
            ("x-storefront", country),
            ("x-platform", platform),
            ("x-client-version", version),
        ];
        let body = asked(&server, &headers).await;
        assert_eq!(body["current_offering_id"], current, "{headers:?}");
        let targeting = android::offerings(&body, &["gold:p1m", "gold:p1y"]).targeting;
        let expected = (current == "summer").then(|| (1, "summer".to_owned()));
        assert_eq!(targeting, expected, "{headers:?}");
    }
}

/// One customer's own comes before whatever others are shown, for all of its names, until it is taken back or gone.
#[tokio::test]
async fn of_a_customers_own_come_first() {
    let server = server().await;
    let customer = "/api/v1/projects/acme/customers/eve";
    let patch = async |offering: Value| {
        let body = json!({ "offering": offering });
        let writer = server.by(Who::WriteKey);
        writer.send("PATCH", customer, Some(body)).await
    };
    let unknown = patch(json!("winter")).await;
    assert_eq!(unknown.status, 404, "{unknown}");
    let changed = patch(json!("summer")).await;
    assert_eq!(changed.json()["offering"], "summer", "{changed}");
    let current = async || asked(&server, &[]).await["current_offering_id"].clone();
    assert_eq!(current().await, "summer");
    // What is said of something else leaves it.
    let writer = server.by(Who::WriteKey);
    let body = json!({ "attributes": { "plan": "year" } });
    writer.send("PATCH", customer, Some(body)).await;
    assert_eq!(current().await, "summer");
    let gone = server.by(Who::WriteKey);
    let path = "/api/v1/projects/acme/offerings/summer";
    let gone = gone.send("DELETE", path, None).await;
    assert_eq!(gone.status, 204, "{gone}");
    assert_eq!(current().await, "default");
    patch(Value::Null).await;
    assert_eq!(current().await, "default");
}
