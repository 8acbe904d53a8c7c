//! S3, SQS, SNS and EventBridge as moto's server has them: what arrives there is what was told.

use super::{
    Shop,
    counterpart::{Counterpart, python},
};
use crate::server::client;
use serde_json::{Value, json};
use std::process::Command;

const NEEDS: &str = "this test needs moto's server: `cargo xtask test` installs it, or `pip install 'moto[server]'`";
const REGION: &str = "eu-central-1";
/// The account of whoever asks moto.
const ACCOUNT: &str = "123456789012";

async fn moto() -> Counterpart {
    let python = python("moto.server", NEEDS);
    let command = |port: u16| {
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]);
        command.arg(port.to_string());
        command
    };
    Counterpart::start(command, NEEDS).await
}

/// By the scope of a signature moto knows which service is asked; the signature itself it does not look at.
fn signed(service: &str) -> String {
    let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

/// Asks a service of moto by its query interface, as its owner would.
async fn asked(moto: &Counterpart, service: &str, query: &str) -> String {
    let answer = client()
        .post(&moto.url)
        .header("authorization", signed(service))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(query.to_owned())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{service} {query}: {text}");
    text
}

/// The same of those that speak JSON.
async fn told(moto: &Counterpart, service: &str, target: &str, body: Value) -> Value {
    let answer = client()
        .post(&moto.url)
        .header("authorization", signed(service))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{target}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A queue, by its URL and its name for others.
async fn queue(moto: &Counterpart, name: &str, more: &str) -> (String, String) {
    asked(
        moto,
        "sqs",
        &format!("Action=CreateQueue&QueueName={name}{more}"),
    )
    .await;
    let url = format!("{}/{ACCOUNT}/{name}", moto.url);
    (url, format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"))
}

/// The bodies of the messages in a queue.
async fn messages(moto: &Counterpart, name: &str) -> Vec<String> {
    let url = format!("{}/{ACCOUNT}/{name}", moto.url);
    let body = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
    let received = told(moto, "sqs", "AmazonSQS.ReceiveMessage", body).await;
    let all = received["Messages"].as_array().into_iter().flatten();
    all.map(|message| message["Body"].as_str().unwrap().to_owned())
        .collect()
}

fn settings(own: Value) -> Value {
    let mut settings = own;
    settings["region"] = REGION.into();
    settings["access_key_id"] = "test".into();
    settings["secret_access_key"] = "test".into();
    settings["retry"] = json!({ "policy": "custom", "delays": [1, 1, 1] });
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_amazon_keep_what_they_are_told() {
    let moto = moto().await;
    // An index of moto's own stands at its root: a bucket is made by its path.
    let bucket = client().put(format!("{}/coach", moto.url)).send().await;
    assert!(bucket.unwrap().status().is_success());
    let (plain, _) = queue(&moto, "plain", "").await;
    let fifo = "&Attribute.1.Name=FifoQueue&Attribute.1.Value=true";
    let (fifo, _) = queue(&moto, "fifo.fifo", fifo).await;
    let (_, of_topic) = queue(&moto, "of-topic", "").await;
    let (_, of_bus) = queue(&moto, "of-bus", "").await;
    asked(
        &moto,
        "sns",
        "Action=CreateTopic&Name=events&Version=2010-03-31",
    )
    .await;
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:events");
    let subscribe = format!(
        "Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={of_topic}&Version=2010-03-31"
    );
    asked(&moto, "sns", &subscribe).await;
    let rule = json!({ "Name": "all", "EventPattern": "{\"source\":[\"tidings\"]}" });
    told(&moto, "events", "AWSEvents.PutRule", rule).await;
    let targets = json!({ "Rule": "all", "Targets": [{ "Id": "1", "Arn": of_bus }] });
    told(&moto, "events", "AWSEvents.PutTargets", targets).await;

    let shop = Shop::telling(&[]).await;
    let file =
        json!({ "endpoint": moto.url, "bucket": "coach", "format": "jsonl", "max_age_seconds": 1 });
    shop.put("s3", settings(file)).await;
    shop.put(
        "sqs",
        settings(json!({ "endpoint": moto.url, "queue_url": plain })),
    )
    .await;
    shop.put(
        "sns",
        settings(json!({ "endpoint": moto.url, "topic_arn": topic })),
    )
    .await;
    shop.put("eventbridge", settings(json!({ "endpoint": moto.url })))
        .await;
    shop.buy("order-1").await;
    let all = ["eventbridge", "s3", "sns", "sqs"];
    shop.until("order-1", &all, "delivered").await;

    // A queue that keeps an order wants more said.
    shop.put(
        "sqs",
        settings(json!({ "endpoint": moto.url, "queue_url": fifo })),
    )
    .await;
    shop.buy("order-2").await;
    shop.until("order-2", &all, "delivered").await;

    for (name, orders) in [
        ("plain", vec!["order-1"]),
        ("fifo.fifo", vec!["order-2"]),
        ("of-topic", vec!["order-1", "order-2"]),
        ("of-bus", vec!["order-1", "order-2"]),
    ] {
        let all = messages(&moto, name).await.join("\n");
        for order in orders {
            assert!(all.contains(order), "{name} has no {order}: {all}");
        }
    }
    let listed = client()
        .get(format!("{}/coach?list-type=2", moto.url))
        .send();
    let listed = listed.await.unwrap().text().await.unwrap();
    let keys = listed.split("<Key>").skip(1);
    let keys: Vec<_> = keys
        .filter_map(|rest| rest.split("</Key>").next())
        .collect();
    let mut lines = String::new();
    for key in &keys {
        let file = client().get(format!("{}/coach/{key}", moto.url));
        let file = file.header("authorization", signed("s3")).send().await;
        lines += &file.unwrap().text().await.unwrap();
    }
    for order in ["order-1", "order-2"] {
        assert!(lines.contains(order), "{keys:?}: {lines}");
    }
}
