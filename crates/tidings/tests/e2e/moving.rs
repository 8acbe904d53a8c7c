//! Moving over from another vendor: what it gives away is brought in, and what it told is compared with what we tell.

use crate::{
    server::{Api, Site, live, unless_silent, until},
    told::Told,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::{Authority, Behaviour, Stores, Subscription};

/// A site with an app of Google Play where `t1` and `t2` were bought.
async fn selling() -> Site {
    let site = Site::new(&[]);
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let url = stores.serve(Stores::anywhere(), now).await.unwrap();
    for token in ["t1", "t2"] {
        let new = Subscription {
            token: token.into(),
            product: "gold".into(),
            plan: "monthly".into(),
            price_micros: 9_990_000,
            currency: "EUR".into(),
            account: String::new(),
            is_trial: false,
            linked: None,
        };
        let ends = Timestamp::from_second(4_000_000_000).unwrap();
        stores.play.api.subscribe(&new, now, ends);
    }
    let project = format!(
        "[project]\nkey = \"acme\"\n[entitlements.premium]\n[products.gold]\nentitlements = [\"premium\"]\n[apps.android]\nstore = \"play_store\"\npackage = \"com.example\"\napi_url = \"{url}\"\nservice_account = '{}'\n",
        stores.play.api.service_account(&url)
    );
    std::fs::write(site.directory.join("project.toml"), project).unwrap();
    site.run(&["apply", "project.toml"]);
    site
}

fn import(site: &Site, whose: &str, file: &str) -> String {
    let words = [
        "import",
        whose,
        "--project",
        "acme",
        "--allow-networks",
        "stores=127.0.0.0/8",
        file,
    ];
    let output = site.command(&words).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

/// Rows of a report by line.
fn outcomes(site: &Site, report: &str) -> Vec<(u64, String, String)> {
    let text = std::fs::read_to_string(site.directory.join(report)).unwrap();
    let rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |row: &Value, member: &str| row[member].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> = rows
        .map(|row| {
            let line = row["line"].as_u64().unwrap();
            (line, text(&row, "outcome"), text(&row, "detail"))
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_give_away_is_brought_in_and_what_is_not_says_why() {
    let site = selling().await;
    let file = "rc_original_app_user_id,rc_last_seen_app_user_id_alias,store,store_transaction_id,purchase_token,custom_subscriber_attributes\n\
        $RCAnonymousID:87c6049c58069238dce29853916d624c,ann,play_store,GPA.1,t1,\"{\"\"color\"\":\"\"violet\"\",\"\"no key!\"\":\"\"x\"\"}\"\n\
        $RCAnonymousID:87c6049c58069238dce29853916d624c,ann,play_store,GPA.1..0,t1,\"{\"\"color\"\":\"\"violet\"\",\"\"no key!\"\":\"\"x\"\"}\"\n\
        bob,bob,play_store,GPA.2,,\n\
        cid,cid,app_store,100001,,\n\
        dan,dan,promotional,,,\n";
    std::fs::write(site.directory.join("theirs.csv"), file).unwrap();
    let said = import(&site, "revenuecat", "theirs.csv");
    assert!(said.contains("1 imported, 3 not"), "{said}");
    let rows = outcomes(&site, "theirs.csv.report");
    let lines: Vec<_> = rows.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [2, 4, 5, 6], "a later charge is the same purchase");
    for (row, word) in rows.iter().zip([
        "no key!",
        "purchase token",
        "no App Store Server API key",
        "grant it anew",
    ]) {
        assert!(row.2.contains(word), "{row:?}");
    }
    let profile = json!({ "data": { "customer_user_id": "eve", "custom_attributes": [{ "key": "sport", "value": "yoga" }],
        "subscriptions": [{ "store": "play_store", "purchase_token": "t2", "store_original_transaction_id": "GPA.3" }] } });
    std::fs::write(site.directory.join("profiles.json"), profile.to_string()).unwrap();
    let said = import(&site, "adapty", "profiles.json");
    assert!(said.contains("2 imported, 0 not"), "{said}");
    // Run again, nothing is left to do.
    let said = import(&site, "adapty", "profiles.json");
    assert!(said.contains("2 rows, 2 imported before"), "{said}");

    let server = site.serve();
    let api = Api::new(&site, &server, &["--project", "acme"]);
    for who in ["ann", "eve"] {
        let customer = api.get(&format!("/projects/acme/customers/{who}")).await;
        let level = &customer["access"]["sandbox"]["premium"];
        assert_eq!(level["is_active_now"], true, "{customer}");
    }
    let anonymous = "$RCAnonymousID:87c6049c58069238dce29853916d624c";
    let ann = api
        .get(&format!("/projects/acme/customers/{anonymous}"))
        .await;
    for said in ["\"ann\"", "violet"] {
        assert!(ann.to_string().contains(said), "{ann}");
    }
    assert!(api.events().await.is_empty(), "an import tells nothing");
}

/// Bodies that a receiver heard, as another vendor's webhook would have told them, with planted differences: one is missing, one has another product,
/// one was never told by us, one is told half a minute earlier.
#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_finds_exactly_the_planted_differences() {
    let told = Told::to(Behaviour::Healthy).await;
    live(&told.server.driver(40, 3), 0..6, 200, 6).await;
    let api = &told.api;
    let pending = "/projects/acme/deliveries?state=pending&limit=1";
    let is_done = async || api.get(pending).await["data"] == json!([]);
    until("everything is delivered", is_done).await;
    unless_silent(&told.receiver, || told.receiver.requests() > 0, String::new).await;
    let bodies = told.receiver.received().bodies.clone();
    let mut bodies: Vec<Value> = bodies
        .values()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    bodies.retain(|body| body["event_type"] != "access_level_updated");
    let all = bodies.len();
    assert!(all > 6, "{all} events");
    bodies.remove(0);
    bodies[0]["event_properties"]["vendor_product_id"] = "another".into();
    let mut unknown = bodies[1].clone();
    unknown["event_properties"]["transaction_id"] = "unknown".into();
    bodies.push(unknown);
    let lines: Vec<_> = bodies.iter().map(Value::to_string).collect();
    std::fs::write(told.site.directory.join("theirs.jsonl"), lines.join("\n")).unwrap();
    let words = ["compare", "--project", "acme", "adapty", "theirs.jsonl"];
    let output = told.site.command(&words).output().unwrap();
    assert!(!output.status.success(), "there are differences");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = told.site.directory.join("theirs.jsonl.compared");
    let report = std::fs::read_to_string(report).unwrap();
    let found = report
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<_> = found
        .filter(|found| found["kind"] != "access_level_updated")
        .collect();
    let count = |what: &str| found.iter().filter(|found| found["found"] == what).count();
    assert_eq!(count("only_theirs"), 1, "{said}{report}");
    assert_eq!(count("only_ours"), 1, "{said}{report}");
    assert_eq!(count("different"), 1, "{said}{report}");
    assert_eq!(count("equal"), all - 2, "{said}{report}");
    let different = found.iter().find(|found| found["found"] == "different");
    let fields = different.unwrap()["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["vendor_product_id"]);
}
