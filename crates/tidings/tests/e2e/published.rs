//! What others published and receives webhooks, unchanged: the reference libraries of Standard Webhooks verify every request, and a component for Convex
//! that keeps state ends in that of the server.

use crate::{
    beside::{Beside, free_port, with_packages, with_wheel},
    server::{Api, Server, Site, live, now, until},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Its receiver takes none that is shorter.
const AUTHORIZATION: &str = "0123456789abcdef0123456789abcdef";

/// When purchases began that are stated.
static BEGAN: LazyLock<Timestamp> = LazyLock::new(now);

/// Every format, and every edition of its handshake, at a path of its own.
const SHAPES: [(&str, &str, bool); 5] = [
    ("adapty", "format = \"adapty\"", true),
    (
        "earlier",
        "format = \"adapty\"\nhandshake = \"earlier\"",
        true,
    ),
    ("revenuecat", "format = \"revenuecat\"", false),
    ("standard", "format = \"standard\"", false),
    ("state", "format = \"standard\"\nsend_state = true", false),
];

fn integration(key: &str, url: &str, settings: &str) -> String {
    format!(
        "[integrations.{key}]\ndestination = \"webhook\"\n[integrations.{key}.settings]\n{settings}\nsandbox_url = \"{url}\"\nretry = {{ policy = \"custom\", delays = [1, 1, 2, 2, 5, 5, 10] }}\n"
    )
}

async fn settled(api: &Api) {
    let path = "/projects/acme/deliveries?state=pending&limit=1";
    let is_done = async || api.get(path).await["data"] == json!([]);
    until("everything is delivered", is_done).await;
}

async fn libraries() -> Vec<(&'static str, Beside)> {
    let node = with_packages("signatures", &["standardwebhooks@1"], &["verifies.mjs"]);
    let mut by_node = Command::new("node");
    by_node.arg(node.join("verifies.mjs"));
    let wheel = with_wheel("signatures-py", "standardwebhooks==1.*");
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/published");
    let mut by_python = Command::new("python3");
    by_python
        .arg(ours.join("verifies.py"))
        .env("PYTHONPATH", wheel);
    let mut running = Vec::new();
    for (name, mut command) in [("node", by_node), ("python", by_python)] {
        command.env("SECRET", SECRET);
        let started = Beside::start(command, free_port()).await;
        running.push((name, started.unwrap()));
    }
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_libraries_verify_every_request_handshakes_included() {
    let libraries = libraries().await;
    let integrations = libraries.iter().flat_map(|(name, library)| {
        SHAPES.iter().map(move |(shape, settings, _)| {
            let settings = format!("{settings}\nsigning_secrets = [\"{SECRET}\"]");
            let url = format!("{}/{shape}", library.url);
            integration(&format!("{name}_{shape}"), &url, &settings)
        })
    });
    let site = Site::new(&integrations.collect::<Vec<_>>());
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    live(&server.driver(40, 5), 0..8, 200, 6).await;
    settled(&api).await;
    for (name, library) in &libraries {
        let seen = library.ask("").await.unwrap();
        for (shape, _, asks) in SHAPES {
            let of = &seen[format!("/{shape}")];
            assert_eq!(of["refused"], json!([]), "{name} {shape}");
            let verified = of["verified"].as_u64().unwrap();
            assert!(verified > 8, "{name} {shape}: {of}");
            let asked = of["asked"].as_u64().unwrap();
            assert_eq!(asked > 0, asks, "{name} {shape}: {of}");
        }
    }
}

/// A purchase in a store of one's own, as it stands: what it is called and what became of it.
fn stated(who: &str, product: &str, transaction: &str, more: &Value) -> Value {
    let mut all = json!({
        "app_user_id": who, "kind": "subscription", "product_id": product, "transaction_id": transaction,
        "original_transaction_id": format!("1-{who}"), "updated_at": now(), "purchased_at": *BEGAN,
        "expires_at": "2099-01-01T00:00:00Z", "price": { "amount": "9.99", "currency": "USD" },
        "environment": "sandbox",
    });
    let more = more.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(more);
    all
}

/// Customers whose lives end in every way that lasts: running, cancelled, refunded, renewed, over, changed, bought once, given.
async fn lives_that_last(api: &Api) {
    let state = async |body: Value| {
        let (status, answer) = api
            .send("POST", "/projects/acme/purchases", Some(body))
            .await;
        assert_eq!(status, 200, "{answer}");
    };
    for who in [
        "runs", "cancels", "refunded", "renews", "changes", "trial", "returns",
    ] {
        state(stated(who, "gold", &format!("1-{who}"), &json!({}))).await;
    }
    let again = |who: &str, more: Value| {
        let mut more = more;
        more["updated_at"] = json!(now());
        stated(who, "gold", &format!("1-{who}"), &more)
    };
    state(again("cancels", json!({ "will_renew": false }))).await;
    state(again("returns", json!({ "will_renew": false }))).await;
    state(again("returns", json!({ "will_renew": true }))).await;
    state(again("refunded", json!({ "refunded_at": now() }))).await;
    state(stated(
        "renews",
        "gold",
        "2-renews",
        &json!({ "expires_at": "2099-02-01T00:00:00Z" }),
    ))
    .await;
    state(stated("changes", "silver", "2-changes", &json!({}))).await;
    let once = json!({ "kind": "one_time_purchase", "expires_at": null, "original_transaction_id": "once" });
    state(stated("once", "forever", "once", &once)).await;
    for who in ["given", "taken"] {
        let path = format!("/projects/acme/customers/{who}/grants");
        let body = json!({ "entitlement": "premium" });
        let (status, answer) = api.send("POST", &path, Some(body)).await;
        assert!(status < 300, "{answer}");
    }
    let path = "/projects/acme/customers/taken/grants/premium";
    let (status, answer) = api.send("DELETE", path, None).await;
    assert!(status < 300, "{answer}");
}

fn shop(receiver: &str) -> Site {
    let settings = format!(
        "format = \"revenuecat\"\nsandbox_authorization = \"{AUTHORIZATION}\"\nproduction_url = \"{receiver}\"\nproduction_authorization = \"{AUTHORIZATION}\""
    );
    let site = Site::new(&[integration("convex", receiver, &settings)]);
    let file = site.directory.join("project.toml");
    let mut project = std::fs::read_to_string(&file).unwrap();
    write!(
        project,
        "[apps.shop]\nstore = \"external\"\nstore_name = \"my_shop\"\n"
    )
    .unwrap();
    for product in ["gold", "silver", "forever"] {
        write!(
            project,
            "[products.{product}]\nentitlements = [\"premium\"]\n"
        )
        .unwrap();
    }
    std::fs::write(file, project).unwrap();
    site.run(&["apply", "project.toml"]);
    site
}

/// What every customer may use now, as the server says.
async fn truth(api: &Api) -> BTreeMap<String, Vec<String>> {
    let mut known = BTreeMap::new();
    let keep = |event: Value| {
        let name = event["customer"]["app_user_id"].as_str().unwrap();
        let levels = event["access"].as_object().unwrap();
        let active = levels.iter().filter(|(_, level)| {
            let ends = level["expires_at"].as_str();
            let ends = ends.map(|at| at.parse::<Timestamp>().unwrap());
            level["is_active"] == true && ends.is_none_or(|at| at > now())
        });
        let active = active.map(|(id, _)| id.clone()).collect();
        known.insert(name.to_owned(), active);
    };
    api.each_event(keep).await;
    known
}

async fn convex() -> Beside {
    let packages = ["convex@1", "convex-test@0", "convex-revenuecat@0.3"];
    let file = "convex_revenuecat.mjs";
    let folder = with_packages("convex", &packages, &[file]);
    let mut command = Command::new("node");
    command
        .arg(folder.join(file))
        .env("AUTH", AUTHORIZATION)
        .stderr(Stdio::null());
    Beside::start(command, free_port()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_for_convex_ends_in_the_state_that_the_server_has() {
    let receiver = convex().await;
    let site = shop(&receiver.url);
    let server: Server = site.serve();
    let api = Api::new(&site, &server, &[]);
    lives_that_last(&api).await;
    live(&server.driver(40, 7), 0..8, 200, 6).await;
    settled(&api).await;
    let truth = truth(&api).await;
    let users: Vec<_> = truth.keys().map(String::as_str).collect();
    let path = format!("?users={}", users.join(","));
    let told = receiver.ask(&path).await.unwrap();
    assert_eq!(told["refused"], json!([]));
    let known: BTreeMap<String, Vec<String>> =
        serde_json::from_value(told["state"].clone()).unwrap();
    assert_eq!(known, truth);
    let active = truth.values().filter(|active| !active.is_empty()).count();
    assert!((6..truth.len()).contains(&active), "{truth:?}");
}
