//! What others published and receives webhooks, unchanged: the reference libraries of Standard Webhooks verify every request.

use crate::{
    beside::{Beside, free_port, with_packages, with_wheel},
    server::{Api, Site, live, until},
};
use serde_json::json;
use std::{path::PathBuf, process::Command};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

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
