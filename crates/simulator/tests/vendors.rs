//! Vendors answer as their documents say, to those who ask as their documents say.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use reqwest::{Client, Response};
use simulator::{Mode, Vendors};

const KEY: &str = "k1";

async fn vendors() -> (Vendors, Client) {
    let vendors = Vendors::start(KEY, "2026-11-28T00:00:00Z".parse().unwrap());
    let client = Client::builder().no_proxy().build().unwrap();
    (vendors.await.unwrap(), client)
}

async fn posted(client: &Client, url: &str, body: String) -> reqwest::Result<Response> {
    let request = client.post(url).header("content-type", "application/json");
    request.body(body).send().await
}

/// Source: Amplitude docs, "HTTP V2 API", answers, read 2026-11.
#[tokio::test]
async fn a_vendor_is_told_over_http_how_to_behave() {
    let (vendors, client) = vendors().await;
    let url = format!("{}/2/httpapi", vendors.endpoint("amplitude"));
    let body = |key: &str| format!("{{\"api_key\":\"{key}\",\"events\":[]}}");
    for (mode, status, said) in [
        ("accepted", 200, "events_ingested"),
        ("refused", 400, "Invalid event JSON"),
        ("locked_out", 400, "Invalid API key"),
        ("throttled", 429, "Too many requests"),
        // Once.
        ("", 200, "events_ingested"),
        ("failing", 503, ""),
    ] {
        if !mode.is_empty() {
            let change = client.put(format!("{}/_vendors/amplitude", vendors.url));
            let change = change.header("content-type", "application/json");
            let change = change.body(format!("{{\"mode\":\"{mode}\"}}")).send();
            assert_eq!(change.await.unwrap().status(), 204, "{mode}");
        }
        let answer = posted(&client, &url, body(KEY)).await.unwrap();
        assert_eq!(answer.status(), status, "{mode}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(said), "{mode}: {text}");
    }
    vendors.set("amplitude", Mode::Accepted);
    let answer = posted(&client, &url, body("another")).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("Invalid API key"));
    let told = client.get(format!("{}/_vendors", vendors.url)).send();
    let told = told.await.unwrap().text().await.unwrap();
    assert!(
        told.contains("\"requests\":7") && told.contains("\"wrong\":\"the key\""),
        "{told}"
    );
    assert_eq!(vendors.requests("amplitude"), 7);
    assert_eq!(vendors.last("amplitude")[0].target, "/2/httpapi");
}

#[tokio::test]
async fn what_is_misshapen_is_refused() {
    let (vendors, client) = vendors().await;
    let url = vendors.endpoint("amplitude");
    for body in ["", "nothing", "1", "{\"api_key\":"] {
        let answer = posted(&client, &url, body.into()).await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
    }
    let form = client
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.body("api_key=k1").send().await.unwrap().status(), 400);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 400);
    let unknown = client.get(vendors.endpoint("nobody")).send();
    assert_eq!(unknown.await.unwrap().status(), 404);
    // One that is asked with a query.
    let url = vendors.endpoint("singular");
    for (query, said) in [("a=k1&n=x", "ok"), ("a=k1&n", "error")] {
        let answer = client.get(format!("{url}?{query}")).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(
            text.contains(&format!("\"status\":\"{said}\"")),
            "{query}: {text}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_ends_in_its_middle() {
    let (vendors, client) = vendors().await;
    vendors.set("posthog", Mode::Cut);
    let url = vendors.endpoint("posthog");
    let answer = posted(&client, &url, format!("{{\"api_key\":\"{KEY}\"}}"));
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}

/// The second that Intercom names lies two ahead of the present that the vendors were started with, or a little more.
#[tokio::test]
async fn a_moment_is_named_from_now_on() {
    let (vendors, client) = vendors().await;
    vendors.set("intercom", Mode::Throttled);
    let request = client.post(vendors.endpoint("intercom"));
    let request = request.header("content-type", "application/json");
    let request = request.header("authorization", "Bearer k1").body("{}");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 429);
    let until = answer.headers()["x-ratelimit-reset"].to_str().unwrap();
    let until: i64 = until.parse().unwrap();
    // 2026-11-28T00:00:00Z is 1795824000.
    assert!((1_795_824_002..1_795_824_032).contains(&until), "{until}");
}

/// Source: Amazon SQS API Reference, `SendMessageBatch`; Amazon EventBridge API Reference, `PutEvents`; Amazon SNS API Reference, `PublishBatch`.
#[tokio::test]
async fn several_in_one_request_are_answered_each_by_itself() {
    let (vendors, client) = vendors().await;
    for (vendor, media, body, taken) in [
        (
            "sqs",
            "application/x-amz-json-1.0",
            r#"{"Entries":[{"Id":"0","MessageBody":"{\"MessageBody\":1}"},{"Id":"1","MessageBody":"b"}]}"#,
            r#"{"Successful":[{"Id":"0","MD5OfMessageBody":"0","MessageId":"m0"},{"Id":"1","MD5OfMessageBody":"0","MessageId":"m1"}]}"#,
        ),
        (
            "eventbridge",
            "application/x-amz-json-1.1",
            r#"{"Entries":[{"DetailType":"a"},{"DetailType":"b"},{"DetailType":"c"}]}"#,
            r#"{"Entries":[{"EventId":"e0"},{"EventId":"e1"},{"EventId":"e2"}],"FailedEntryCount":0}"#,
        ),
        (
            "sns",
            "application/x-www-form-urlencoded",
            "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=0&PublishBatchRequestEntries.member.2.Id=1",
            "<PublishBatchResponse><PublishBatchResult><Failed/><Successful><member><Id>0</Id><MessageId>m0</MessageId></member><member><Id>1</Id><MessageId>m1</MessageId></member></Successful></PublishBatchResult></PublishBatchResponse>",
        ),
    ] {
        let request = client.post(vendors.endpoint(vendor)).body(body);
        let request = request.header("content-type", media);
        let request = request.header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={KEY}/x"),
        );
        let answer = request.send().await.unwrap();
        let (status, said) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{vendor}: {said}");
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(
            (json(&said), json(&said).is_none().then_some(said.as_str())),
            (json(taken), json(taken).is_none().then_some(taken)),
            "{vendor}"
        );
    }
}
