//! Every resource of the API, in process: one file each. Calls and answers are snapshots; read their diff as carefully as code.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod apps;
mod bodies;
mod callbacks;
mod consumption;
mod customer;
mod customers;
mod deliveries;
mod destinations;
mod entitlements;
mod events;
mod grants;
mod health;
mod inbox;
mod integrations;
mod lists;
mod nobody;
mod offerings;
mod openapi;
mod parked;
mod products;
mod projects;
mod purchases;
mod replays;
mod signs;
mod strangers;
mod streams;
mod v1;
mod v2;

use axum::middleware::from_fn;
use serde_json::Value;
use std::sync::LazyLock;
use web::test::{Contract, TestServer};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::of(serde_json::to_value(api::document()).unwrap()));

/// The API alone. Every call is held to the document.
async fn server() -> TestServer {
    let server = TestServer::start(|app| api::router(&app).layer(from_fn(api::for_clients))).await;
    server.seen_by(|seen| CONTRACT.hold(seen))
}

/// The API of a project that has lived for a day: events, deliveries in every state, messages that wait.
async fn lived() -> TestServer {
    let server = server().await;
    server.live().await;
    server
}

/// Ids of what a list answers, in its order.
async fn ids(server: &TestServer, path: &str) -> Vec<String> {
    let list = server.get(path).await.json();
    let rows = list["data"].as_array().unwrap();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    rows.iter().map(id).collect()
}
