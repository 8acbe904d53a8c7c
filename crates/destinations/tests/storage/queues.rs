//! SQS, SNS, EventBridge and Pub/Sub.

use crate::{answer, batch, configured, header, json, outcomes};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use destinations::{Outcome, Response};
use domain::EventKind;
use serde_json::{Value, json};

const KIND: EventKind = EventKind::SubscriptionRenewed;
const FIRST: &str = "evt_01j0000000e008000000000001";

/// Whether each was delivered (`d`), is sent again (`r`), or was refused (`x`), or the settings were (`c`).
fn letters(outcomes: &[Outcome]) -> String {
    let letter = |outcome: &Outcome| match outcome {
        Outcome::Delivered => 'd',
        Outcome::Retry(_) => 'r',
        Outcome::CredentialsRefused(_) => 'c',
        _ => 'x',
    };
    outcomes.iter().map(letter).collect()
}

fn told(key: &str, many: u128, response: &Response) -> String {
    letters(&outcomes(
        configured(key, json!({})).as_ref(),
        many,
        response,
    ))
}

#[test]
fn several_messages_go_to_sqs_in_one_request() {
    let fifo = json!({ "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q.fifo" });
    let request = batch(configured("sqs", fifo).as_ref(), KIND, 2);
    assert_eq!(
        header(&request, "x-amz-target"),
        Some("AmazonSQS.SendMessageBatch")
    );
    let body = json(&request);
    let entries = body["Entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["Id"], "0");
    assert_eq!(entries[0]["MessageDeduplicationId"], FIRST);
    assert_eq!(entries[1]["Id"], "1");
    let message: Value = serde_json::from_str(entries[1]["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(message["type"], "subscription_renewed");
    assert_eq!(
        entries[1]["MessageAttributes"]["id"]["StringValue"],
        message["data"]["id"]
    );
    assert_eq!(
        entries[1]["MessageGroupId"],
        message["data"]["customer"]["id"]
    );
}

/// Source: Amazon SQS API Reference, `SendMessage`: a queue that is not FIFO refuses `MessageDeduplicationId`.
#[test]
fn a_standard_queue_is_told_of_no_group() {
    let standard = json!({ "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q" });
    let body = json(&batch(configured("sqs", standard).as_ref(), KIND, 1));
    assert!(body.get("MessageGroupId").is_none(), "{body}");
    assert!(body.get("MessageDeduplicationId").is_none(), "{body}");
}

/// Source: Amazon SQS API Reference, `SendMessageBatch`, `BatchResultErrorEntry`.
#[test]
fn sqs_answers_for_each_message() {
    let body = json!({
        "Successful": [{ "Id": "1", "MessageId": "m" }],
        "Failed": [
            { "Id": "0", "SenderFault": true, "Code": "InvalidMessageContents", "Message": "odd" },
            { "Id": "2", "SenderFault": false, "Code": "InternalError" },
            { "Id": "3", "SenderFault": true, "Code": "AccessDenied" },
        ],
    });
    assert_eq!(told("sqs", 5, &answer(200, &body)), "xdrcr");
    let throttled = json!({ "__type": "com.amazonaws.sqs#RequestThrottled" });
    assert_eq!(told("sqs", 2, &answer(400, throttled)), "rr");
}

#[test]
fn several_messages_go_to_sns_in_one_request() {
    let request = batch(configured("sns", json!({})).as_ref(), KIND, 2);
    let body = String::from_utf8(request.body).unwrap();
    assert!(body.starts_with("Action=PublishBatch&Version=2010-03-31&TopicArn="));
    for part in [
        "PublishBatchRequestEntries.member.1.Id=0&",
        "&PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Value.StringValue=subscription_renewed&",
        &format!(
            "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.2.Value.StringValue={FIRST}&"
        ),
    ] {
        assert!(format!("&{body}&").contains(part), "{part}: {body}");
    }
}

/// Source: Amazon SNS API Reference, `PublishBatch`, sample response.
#[test]
fn sns_answers_for_each_message() {
    let body = "<PublishBatchResponse><PublishBatchResult>\
        <Failed><member><Id>0</Id><Code>InvalidParameter</Code><Message>odd</Message><SenderFault>true</SenderFault></member>\
        <member><Id>2</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed>\
        <Successful><member><Id>1</Id><MessageId>m</MessageId></member></Successful>\
        </PublishBatchResult></PublishBatchResponse>";
    assert_eq!(told("sns", 4, &answer(200, body)), "xdrr");
}

/// Source: Amazon EventBridge API Reference, `PutEvents`, "Response Elements".
#[test]
fn eventbridge_answers_for_each_entry_by_its_place() {
    let request = batch(configured("eventbridge", json!({})).as_ref(), KIND, 3);
    assert_eq!(json(&request)["Entries"].as_array().unwrap().len(), 3);
    let body = json!({
        "FailedEntryCount": 2,
        "Entries": [
            { "EventId": "e1" },
            { "ErrorCode": "InternalFailure", "ErrorMessage": "later" },
            { "ErrorCode": "MalformedDetail", "ErrorMessage": "odd" },
        ],
    });
    assert_eq!(told("eventbridge", 3, &answer(200, &body)), "drx");
}

/// A proxy that asks people to sign in says 200 to everything.
#[test]
fn an_answer_of_somebody_else_proves_nothing() {
    for key in ["bigquery", "eventbridge", "pubsub", "sns", "sqs"] {
        for many in [1, 2] {
            let told = told(key, many, &answer(200, "<html>Sign in</html>"));
            assert_eq!(told, "r".repeat(many as usize), "{key}");
        }
    }
}

#[test]
fn pubsub_keeps_the_order_of_customers_where_it_is_told_to() {
    let message = |ordered: bool| {
        let configured = configured("pubsub", json!({ "ordered": ordered }));
        json(&batch(configured.as_ref(), KIND, 2))["messages"][1].clone()
    };
    let ordered = message(true);
    let data = STANDARD.decode(ordered["data"].as_str().unwrap()).unwrap();
    let data: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(ordered["orderingKey"], data["data"]["customer"]["id"]);
    assert_eq!(ordered["attributes"]["id"], data["data"]["id"]);
    assert!(message(false).get("orderingKey").is_none());
}

/// What is withheld leaves in none of them: not in the event's own copy either.
#[test]
fn withheld_attributes_do_not_leave() {
    for key in [
        "eventbridge",
        "kafka",
        "pubsub",
        "rabbitmq",
        "sns",
        "sqs",
        "superwall",
    ] {
        let sent = |withheld: Value| {
            let configured = configured(key, json!({ "withhold_attributes": withheld }));
            let mut body = batch(configured.as_ref(), KIND, 1).body;
            if key == "pubsub" {
                let body_json: Value = serde_json::from_slice(&body).unwrap();
                let data = body_json["messages"][0]["data"].as_str().unwrap();
                body = STANDARD.decode(data).unwrap();
            }
            String::from_utf8(body).unwrap()
        };
        assert!(sent(json!([])).contains("violet"), "{key}");
        assert!(!sent(json!(["color"])).contains("violet"), "{key}");
    }
}

#[test]
fn test_purchases_are_told_unless_they_are_excluded() {
    let mut event = crate::sample::event(KIND);
    event.environment = domain::Environment::Sandbox;
    for key in [
        "bigquery",
        "clickhouse",
        "kafka",
        "postgres",
        "rabbitmq",
        "s3",
        "sqs",
        "superwall",
    ] {
        assert!(configured(key, json!({})).plan(&event).is_ok(), "{key}");
        let excluded = configured(key, json!({ "exclude_sandbox": true }));
        assert_eq!(
            excluded.plan(&event),
            Err(domain::NotSent::EventDisabled),
            "{key}"
        );
    }
}

/// What the settings of a destination are not taken for.
fn problems(key: &str, changed: &Value) -> Vec<String> {
    let mut settings = crate::settings::settings(key).remove(0);
    for (name, value) in changed.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let destination = destinations::find(key).unwrap();
    let made = destination.configure(&settings, &destinations::Context::default());
    let problems = made.err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn settings_of_brokers_are_places_and_names() {
    for (key, changed, begins) in [
        (
            "rabbitmq",
            json!({ "server": "amqp://a" }),
            "`server` has a port",
        ),
        (
            "rabbitmq",
            json!({ "server": "me:secret@a" }),
            "`server` must not contain a user",
        ),
        (
            "rabbitmq",
            json!({ "vhost": "a\nb" }),
            "`vhost` is at most 255 bytes",
        ),
        (
            "rabbitmq",
            json!({ "exchange": "x".repeat(256) }),
            "`exchange` is at most 255 bytes",
        ),
        (
            "rabbitmq",
            json!({ "routing_key": "a.*" }),
            "`routing_key` must be words",
        ),
        (
            "rabbitmq",
            json!({ "routing_key": "a.#" }),
            "`routing_key` must be words",
        ),
        (
            "rabbitmq",
            json!({ "routing_key": "x".repeat(65) }),
            "`routing_key` is at most",
        ),
        (
            "kafka",
            json!({ "brokers": "a:9092,b:0" }),
            "`brokers` has a port",
        ),
        (
            "kafka",
            json!({ "brokers": "kafka://a:9092" }),
            "`brokers` has a port",
        ),
        ("kafka", json!({ "topic": "a b" }), "`topic` is at most 249"),
        ("kafka", json!({ "topic": ".." }), "`topic` is at most 249"),
        ("kafka", json!({ "user": "a,b" }), "`user` is a name"),
        (
            "kafka",
            json!({ "security": "sasl_plaintext" }),
            "`mechanism` `plain` would send the password in the clear",
        ),
    ] {
        let problems = problems(key, &changed);
        assert!(problems[0].starts_with(begins), "{key}: {problems:?}");
    }
    let proved = json!({ "security": "sasl_plaintext", "mechanism": "scram_sha_256" });
    assert!(problems("kafka", &proved).is_empty());
}

/// Source: AMQP 0-9-1, "reply codes"; Kafka, "Error codes".
#[test]
fn brokers_say_what_is_wrong_by_a_code() {
    for (key, code, means) in [
        ("rabbitmq", 200, "Delivered"),
        ("rabbitmq", 403, "CredentialsRefused"),
        ("rabbitmq", 404, "CredentialsRefused"),
        ("rabbitmq", 530, "CredentialsRefused"),
        ("rabbitmq", 311, "Rejected"),
        ("rabbitmq", 406, "Rejected"),
        ("rabbitmq", 320, "Retry"),
        ("rabbitmq", 503, "Retry"),
        ("rabbitmq", 541, "Retry"),
        ("kafka", 0, "Delivered"),
        ("kafka", 10, "Rejected"),
        ("kafka", 87, "Rejected"),
        ("kafka", 3, "Retry"),
        ("kafka", 56, "Retry"),
        ("kafka", 33, "CredentialsRefused"),
        ("kafka", 58, "CredentialsRefused"),
    ] {
        let outcome = configured(key, json!({})).classify(&answer(code, "said"));
        let shown = format!("{outcome:?}");
        assert!(shown.starts_with(means), "{key} {code}: {shown}");
    }
}

#[test]
fn a_queue_chooses_by_environment_app_and_kind() {
    let rabbitmq = configured("rabbitmq", json!({ "routing_key": "acme.subs" }));
    let mut event = crate::sample::event(KIND);
    let routed = |event: &domain::Event| {
        let message = rabbitmq.plan(event).unwrap().remove(0);
        let request = rabbitmq.render(&message, event, crate::now(event)).unwrap();
        match request.via {
            destinations::Via::Routed(routed) => (routed.server, routed.routing_key),
            _ => panic!("it is routed"),
        }
    };
    let app = event.app.as_mut().unwrap();
    app.key = "i.o s".into();
    let key = "acme.subs.production.i_o_s.subscription_renewed";
    assert_eq!(routed(&event), ("mq.example:5671".into(), key.into()));
    event.app = None;
    assert!(routed(&event).1.contains(".production.-."));
}
