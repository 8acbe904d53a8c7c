//! What says that it was so ahead of our clock: refused by every source, and read once it was taken in.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sources::{
    Refusal, Source, Verdict,
    google::{self, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn minutes(ahead: i64) -> Timestamp {
    now() + SignedDuration::from_mins(ahead)
}

fn play() -> GooglePlay {
    GooglePlay::new(google::App {
        package: "com.example".into(),
        push: PushAccess::Anyone,
        credentials: None,
        api_url: google::API_URL.into(),
        acknowledge: false,
    })
}

fn account() -> Stripe {
    Stripe::new(stripe::App {
        signing_secrets: Vec::new(),
        tolerance: SignedDuration::from_mins(5),
        api_key: None,
        api_url: stripe::API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: vec![OwnerSource::SessionMetadata],
        past_due_access: false,
        bare_payments: false,
    })
}

/// A message of some moment.
type Message = fn(Timestamp) -> Value;

fn pushed(at: Timestamp) -> Value {
    let said = json!({
        "packageName": "com.example", "eventTimeMillis": at.as_millisecond().to_string(),
        "subscriptionNotification": { "notificationType": 4, "purchaseToken": "token" },
    });
    json!({ "message": { "data": BASE64_STANDARD.encode(said.to_string()), "messageId": "1" } })
}

fn event(at: Timestamp) -> Value {
    json!({ "id": "evt_1", "type": "customer.subscription.updated", "created": at.as_second(), "data": { "object": { "id": "sub_1" } } })
}

/// What a store sends is to be sent again: our clock is the one that is wrong.
#[test]
fn a_message_of_a_store_is_sent_again_until_the_clock_is_right() {
    let (play, account) = (play(), account());
    let cases: [(&dyn Source, Message); 2] = [(&play, pushed), (&account, event)];
    for (source, message) in cases {
        let receive =
            |ahead, now| source.receive(message(minutes(ahead)).to_string().as_bytes(), now);
        assert!(receive(-10_000, now()).is_ok());
        assert!(receive(5, now()).is_ok());
        let refused = receive(6, now()).unwrap_err();
        assert_eq!(
            (refused.code.text(), refused.verdict),
            ("signed_in_the_future", Verdict::Again)
        );
        assert!(receive(6, Timestamp::MAX).is_ok(), "taken in before");
    }
}

/// Of a test clock the time is the store's own, and may lie a year ahead. Source: Stripe, "Test clocks".
#[test]
fn what_happens_to_a_test_clock_may_lie_ahead() {
    let receive = |livemode: Value| {
        let mut event = event(minutes(60 * 24 * 365));
        event["livemode"] = livemode;
        account().receive(event.to_string().as_bytes(), now())
    };
    assert!(receive(json!(false)).is_ok());
    for livemode in [json!(true), Value::Null] {
        let refused = receive(livemode).unwrap_err();
        assert_eq!(refused.code.text(), "signed_in_the_future");
    }
}

/// A subscription that was bought now, and everything that may have happened to it.
fn statement() -> Value {
    json!({
        "app_user_id": "ann", "kind": "subscription", "product_id": "gold", "transaction_id": "1", "original_transaction_id": "1",
        "updated_at": now(), "purchased_at": now(), "originally_purchased_at": now(), "expires_at": minutes(60 * 24 * 365),
        "renewal_cancelled_at": now(), "billing_issue_detected_at": now(), "grace_period_expires_at": minutes(60 * 24 * 400),
        "ended": { "at": now() }, "refunded_at": now(),
    })
}

fn stated(statement: &Value, now: Timestamp) -> Result<(), Refusal> {
    let source = Stated::new(Store::External);
    let received = source.receive(statement.to_string().as_bytes(), now);
    received.map(drop)
}

fn fields(refused: Result<(), Refusal>) -> Vec<String> {
    let refusal = refused.unwrap_err();
    assert_eq!(
        (refusal.code.text(), refusal.verdict),
        ("invalid_purchase", Verdict::Refuse)
    );
    refusal
        .fields
        .into_iter()
        .map(|wrong| wrong.field)
        .collect()
}

#[test]
fn a_statement_that_says_what_was_is_refused_with_the_fields_that_lie_ahead() {
    assert_eq!(stated(&statement(), now()), Ok(()), "ends may lie ahead");
    for field in [
        "/updated_at",
        "/purchased_at",
        "/originally_purchased_at",
        "/renewal_cancelled_at",
        "/billing_issue_detected_at",
        "/ended/at",
        "/refunded_at",
    ] {
        let at = |moment: Timestamp| {
            let mut statement = statement();
            *statement.pointer_mut(field).unwrap() = json!(moment);
            if field == "/purchased_at" {
                // No refund lies before its purchase.
                statement["refunded_at"] = Value::Null;
            }
            statement
        };
        assert_eq!(stated(&at(minutes(5)), now()), Ok(()), "{field}");
        let name = field.trim_start_matches('/').replace('/', ".");
        assert_eq!(fields(stated(&at(minutes(6)), now())), [name], "{field}");
        assert_eq!(stated(&at(minutes(6)), Timestamp::MAX), Ok(()), "{field}");
    }
}

/// Stores charge before the period begins that is paid for.
#[test]
fn a_renewal_may_be_charged_before_its_period_begins() {
    let renewal = |days: i64| {
        let mut renewal = statement();
        renewal["transaction_id"] = json!("2");
        renewal["purchased_at"] = json!(minutes(days * 24 * 60));
        renewal["refunded_at"] = Value::Null;
        renewal
    };
    assert_eq!(stated(&renewal(31), now()), Ok(()));
    assert_eq!(fields(stated(&renewal(32), now())), ["purchased_at"]);
}
