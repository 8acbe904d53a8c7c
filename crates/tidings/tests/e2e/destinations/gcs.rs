//! Google Cloud Storage as an emulator has it, with tokens that the vendor bench gives.

use super::{
    Shop,
    counterpart::{Counterpart, python},
    settings,
};
use crate::server::client;
use serde_json::{Value, json};
use std::process::Command;

const NEEDS: &str = "this test needs an emulator of Google's storage: `cargo xtask test` installs it, or `pip install gcp-storage-emulator`";

#[tokio::test(flavor = "multi_thread")]
async fn files_of_google_are_there_whole() {
    let python = python("gcp_storage_emulator", NEEDS);
    let command = |port: u16| {
        let mut command = Command::new(python);
        command.args(["-m", "gcp_storage_emulator", "start", "--in-memory"]);
        command.args(["--host", "127.0.0.1", "--default-bucket", "coach", "--port"]);
        command.arg(port.to_string());
        command
    };
    let storage = Counterpart::start(command, NEEDS).await;
    let shop = Shop::telling(&[]).await;
    let mut own = settings::of("gcs", &shop.vendors).unwrap();
    own["endpoint"] = storage.url.clone().into();
    own["bucket"] = "coach".into();
    shop.put("gcs", own).await;
    shop.buy("order-1").await;
    shop.until("order-1", &["gcs"], "delivered").await;
    let objects = format!("{}/storage/v1/b/coach/o", storage.url);
    let listed = client().get(&objects).send().await.unwrap();
    let listed: Value = serde_json::from_str(&listed.text().await.unwrap()).unwrap();
    let names = listed["items"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|item| item["name"].as_str().unwrap()).collect();
    let mut lines = String::new();
    for name in &names {
        let url = format!("{objects}/{}?alt=media", name.replace('/', "%2F"));
        let file = client().get(url).send().await.unwrap();
        lines += &file.text().await.unwrap();
    }
    assert!(lines.contains("order-1"), "{names:?}: {lines}");
    // The token was asked for once, of whoever the account names.
    assert_eq!(shop.vendors.requests("google"), 1, "{}", json!(names));
}
