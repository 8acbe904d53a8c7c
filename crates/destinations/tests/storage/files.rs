//! S3, Google Cloud Storage and Azure Blob Storage.

use crate::{answer, batch, configured, events, header, items, messages, outcomes, sample};
use destinations::{Context, Outcome, find};
use domain::{Environment, Event, EventKind};
use jiff::Timestamp;
use serde_json::{Value, json};

const KIND: EventKind = EventKind::SubscriptionRenewed;
const FIRST: &str = "evt_01j0000000e008000000000001";
const FOLDER: &str = "date%3D2026-01-01/hour%3D10";

#[test]
fn the_same_events_make_the_same_file_and_others_another() {
    let s3 = configured("s3", json!({ "format": "jsonl.gz" }));
    let one = batch(s3.as_ref(), KIND, 1);
    let host = "https://events.s3.eu-central-1.amazonaws.com";
    assert_eq!(
        one.url,
        format!("{host}/tidings/v1/{FOLDER}/{FIRST}.jsonl.gz")
    );
    let (three, again) = (batch(s3.as_ref(), KIND, 3), batch(s3.as_ref(), KIND, 3));
    assert_eq!(three, again);
    assert!(
        three
            .url
            .starts_with(&format!("{host}/tidings/v1/{FOLDER}/{FIRST}-"))
    );
    // Of a replay of the first alone: it must not take the place of the others.
    assert_ne!(three.url, one.url);
    assert_ne!(three.url, batch(s3.as_ref(), KIND, 2).url);
}

/// An hour that is over has all of its files: an event is under the hour in which it was recorded, whenever it happened or is sent.
#[test]
fn a_file_is_under_the_hour_in_which_its_first_event_was_recorded() {
    let s3 = configured(
        "s3",
        json!({ "prefix": "/exports/a b/", "format": "jsonl.gz" }),
    );
    let mut event = sample::event(KIND);
    event.occurred_at = "2025-12-01T00:00:00Z".parse::<Timestamp>().unwrap();
    event.recorded_at = "2026-01-01T23:59:59Z".parse::<Timestamp>().unwrap();
    let events = [event];
    let messages = messages(s3.as_ref(), &events);
    let request = s3.render_batch(&items(&events, &messages)).unwrap();
    let expected = format!(
        "https://events.s3.eu-central-1.amazonaws.com/exports/a%20b/v1/date%3D2026-01-01/hour%3D23/{FIRST}.jsonl.gz"
    );
    assert_eq!(request.url, expected);
}

/// Of compatible services, and of buckets with dots, which the certificate of AWS does not cover, the bucket is in the path.
#[test]
fn a_bucket_is_in_the_host_or_in_the_path() {
    for (changed, begins) in [
        (
            json!({ "endpoint": "https://account.r2.cloudflarestorage.com/", "region": "auto" }),
            "https://account.r2.cloudflarestorage.com/events/tidings/",
        ),
        (
            json!({ "bucket": "a.b" }),
            "https://s3.eu-central-1.amazonaws.com/a.b/tidings/",
        ),
        (
            json!({ "region": "cn-north-1" }),
            "https://events.s3.cn-north-1.amazonaws.com.cn/tidings/",
        ),
    ] {
        let url = batch(configured("s3", changed).as_ref(), KIND, 1).url;
        assert!(url.starts_with(begins), "{url}");
    }
}

#[test]
fn a_table_has_one_head_and_a_line_for_each_event() {
    for format in ["csv", "csv.gz"] {
        let s3 = configured("s3", json!({ "format": format }));
        let request = batch(s3.as_ref(), EventKind::SubscriptionRefunded, 2);
        assert!(request.url.ends_with(&format!(".{format}")), "{format}");
        let body = request.shown_body();
        let lines: Vec<_> = body.lines().collect();
        assert_eq!(lines.len(), 3, "{body}");
        let columns = lines[0].split(',').count();
        assert_eq!(columns, 37);
        assert!(lines[0].starts_with("id,kind,occurred_at,recorded_at,environment,customer_id,"));
        assert!(lines[1].starts_with(&format!("{FIRST},subscription_refunded,")));
        // Lists are JSON, quoted; what came back is below zero.
        assert!(lines[1].contains(r#","[""premium""]","#), "{}", lines[1]);
        assert!(lines[1].contains(",USD,-5.99,"), "{}", lines[1]);
    }
}

#[test]
fn lines_say_nothing_of_what_is_unknown() {
    let s3 = configured("s3", json!({ "format": "jsonl" }));
    let request = batch(s3.as_ref(), EventKind::TrialStarted, 2);
    assert_eq!(
        header(&request, "content-type"),
        Some("application/x-ndjson")
    );
    let body = String::from_utf8(request.body).unwrap();
    assert_eq!(body.lines().count(), 2);
    let row: Value = serde_json::from_str(body.lines().next().unwrap()).unwrap();
    assert_eq!(row["phase"], "trial");
    assert_eq!(row["entitlements"], json!(["premium"]));
    assert!(row.get("price").is_none(), "{row}");
    assert!(row.get("attributes").is_none(), "{row}");
}

/// Attributes go along where they are asked for, but those of devices and those withheld.
#[test]
fn attributes_go_along_where_they_are_asked_for() {
    let changed =
        json!({ "send_attributes": true, "withhold_attributes": ["$email"], "format": "jsonl" });
    let request = batch(configured("s3", changed).as_ref(), KIND, 1);
    let row: Value = serde_json::from_slice(&request.body).unwrap();
    let attributes: Value = serde_json::from_str(row["attributes"].as_str().unwrap()).unwrap();
    assert_eq!(attributes["color"], "violet");
    assert!(attributes.get("$email").is_none(), "{attributes}");
}

#[test]
fn google_is_told_the_name_in_the_query() {
    let request = batch(configured("gcs", json!({})).as_ref(), KIND, 1);
    let expected = format!(
        "https://storage.googleapis.com/upload/storage/v1/b/events/o?uploadType=media&name=tidings%2Fv1%2Fdate%3D2026-01-01%2Fhour%3D10%2F{FIRST}.jsonl"
    );
    assert_eq!(request.url, expected);
    assert!(request.grant.is_some());
}

#[test]
fn azure_is_signed_with_the_key_or_told_the_signature_in_the_query() {
    let azure = configured("azure_blob", json!({}));
    let mut request = batch(azure.as_ref(), KIND, 1);
    azure.sign(&mut request, "dlv_1", sample::time("2026-01-01T10:00:02Z"));
    assert_eq!(
        header(&request, "x-ms-date"),
        Some("Thu, 01 Jan 2026 10:00:02 GMT")
    );
    let signed = header(&request, "authorization").unwrap();
    assert!(signed.starts_with("SharedKey acct:"), "{signed}");

    let sas =
        json!({ "account_key": "", "sas_token": "?sv=2023-11-03&sig=a%2Bb", "format": "jsonl.gz" });
    let azure = configured("azure_blob", sas);
    let mut request = batch(azure.as_ref(), KIND, 1);
    azure.sign(&mut request, "dlv_1", sample::time("2026-01-01T10:00:02Z"));
    assert!(request.url.ends_with(".jsonl.gz?sv=2023-11-03&sig=a%2Bb"));
    assert!(request.shown_url().ends_with(".jsonl.gz?***"));
    assert_eq!(header(&request, "authorization"), None);
}

/// A clock that is wrong is put right, and a bucket that is missing is made; nothing of that burns an event.
#[test]
fn nothing_but_the_content_is_refused_for_good() {
    let s3 = configured("s3", json!({}));
    let said = |status, code: &str| {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        outcomes(s3.as_ref(), 3, &answer(status, body)).remove(2)
    };
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (404, "NoSuchBucket"),
        (400, "AuthorizationHeaderMalformed"),
        (307, "TemporaryRedirect"),
    ] {
        let outcome = said(status, code);
        assert!(
            matches!(outcome, Outcome::CredentialsRefused(_)),
            "{code}: {outcome:?}"
        );
    }
    for (status, code) in [
        (403, "RequestTimeTooSkewed"),
        (400, "RequestTimeout"),
        (503, "SlowDown"),
    ] {
        assert_eq!(said(status, code), Outcome::Retry(None), "{code}");
    }
    assert!(matches!(said(400, "EntityTooLarge"), Outcome::Rejected(_)));
}

#[test]
fn what_cannot_be_a_file_is_refused_when_it_is_saved() {
    let problems = |key: &str, changed: Value| {
        let mut settings = crate::settings::settings(key).remove(0);
        for (name, value) in changed.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let configured = find(key).unwrap().configure(&settings, &Context::default());
        let problems = configured.err().unwrap_or_default();
        let fields = problems.into_iter().map(|problem| problem.field);
        fields.collect::<Vec<_>>()
    };
    assert_eq!(problems("s3", json!({})), [""; 0]);
    assert_eq!(
        problems(
            "s3",
            json!({ "bucket": "s3://x", "region": "eu/1", "prefix": "a/../b", "max_bytes": 1 })
        ),
        ["region", "bucket", "prefix", "max_bytes"]
    );
    assert_eq!(
        problems(
            "azure_blob",
            json!({ "account": "a.evil.example", "sas_token": "sig=1" })
        ),
        ["account", "sas_token"]
    );
    assert_eq!(
        problems("gcs", json!({ "service_account": "{}" })),
        ["service_account"]
    );
}

/// Test purchases lie among the others and say that they are.
#[test]
fn a_row_says_which_environment_it_is_of() {
    let s3 = configured("s3", json!({ "format": "jsonl" }));
    let sandbox = |event: Event| Event {
        environment: Environment::Sandbox,
        ..event
    };
    let events: Vec<_> = events(KIND, 1).into_iter().map(sandbox).collect();
    let messages = messages(s3.as_ref(), &events);
    let request = s3.render_batch(&items(&events, &messages)).unwrap();
    let row: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(row["environment"], "sandbox");
}
