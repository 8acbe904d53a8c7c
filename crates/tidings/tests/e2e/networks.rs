//! What is inside is open for what it was opened for, and whoever is kept out reads which option would let it in.

use crate::{
    server::{Api, Site, now, slack, until},
    told::a_receiver,
};
use serde_json::{Value, json};
use simulator::{Authority, Behaviour, Stores};

/// What an app's connection check finds.
async fn findings(api: &Api) -> Vec<Value> {
    let (status, body) = api
        .send("POST", "/projects/acme/apps/android/check", None)
        .await;
    assert_eq!(status, 200, "{body}");
    body["findings"].as_array().unwrap().clone()
}

/// What becomes of a test event.
async fn tested(api: &Api) -> Value {
    let before = api.events().await.len();
    let path = "/projects/acme/integrations/channel/test";
    assert_eq!(api.send("POST", path, None).await.0, 202);
    let newest = || async {
        let events = api.events().await;
        let newest = events.get(before)?;
        let state = newest["integrations"][0].clone();
        (state["state"] != "pending").then_some(state)
    };
    until("the test event is settled", || async {
        newest().await.is_some()
    })
    .await;
    newest().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_reaches_nothing_that_is_open_to_integrations_only_and_the_other_way_round() {
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let url = stores.serve(Stores::anywhere(), now()).await.unwrap();
    let receiver = a_receiver(Behaviour::Healthy).await;
    let site = Site::new(&[slack("channel", &receiver.url)]);
    let site = site.reaching("integrations=127.0.0.1/32");
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let app = json!({
        "store": "play_store", "package": "com.example",
        "service_account": stores.play.api.service_account(&url), "api_url": url,
    });
    let (status, body) = api
        .send("PUT", "/projects/acme/apps/android", Some(app))
        .await;
    assert!(status < 300, "{body}");
    let found = Value::from(findings(&api).await).to_string();
    assert!(
        found.contains("`--allow-networks stores=127.0.0.1/32`"),
        "{found}"
    );
    assert_eq!(tested(&api).await["state"], "delivered");
    server.stop();
    assert!(site.log().contains("--allow-networks stores=127.0.0.1/32"));

    let site = site.reaching("stores=127.0.0.1/32");
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    for finding in findings(&api).await {
        let detail = finding["detail"].as_str().unwrap_or_default();
        assert!(!detail.contains("internal"), "{finding}");
    }
    let refused = tested(&api).await;
    assert_eq!(refused["reason"], "blocked_address", "{refused}");
    let says = refused["text"].as_str().unwrap();
    assert!(
        says.contains("`--allow-networks integrations=127.0.0.1/32`"),
        "{says}"
    );
    assert_eq!(receiver.requests(), 1, "only the first went out");
}

#[test]
fn doctor_says_what_is_open_and_for_what() {
    let site = Site::new(&[]);
    let closed = site.run(&["doctor"]);
    for errand in ["integrations", "stores", "keys", "rates"] {
        let line = format!("ok   {errand} reach public addresses only");
        assert!(closed.lines().any(|found| found == line), "{closed}");
    }
    let open = site.run(&["doctor", "--allow-networks", "stores=10.0.0.0/8,keys=::1"]);
    for line in [
        "ok   integrations reach public addresses only",
        "ok   stores reach public addresses, and 10.0.0.0/8",
        "ok   keys reach public addresses, and ::1/128",
    ] {
        assert!(open.lines().any(|found| found == line), "{open}");
    }
    let refused = site
        .command(&[
            "doctor",
            "--allow-networks",
            "stores=10.0.0.0/8,192.168.0.0/16",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("such as stores=192.168.0.0/16"), "{said}");
}
