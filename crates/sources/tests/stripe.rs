//! Stripe's answers that say less than usual: what is unknown stays unknown.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::{Currency, Money, Observation};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sources::{
    Answer, Part, Question, Refusal, Source, Verdict,
    stripe::{API_URL, App, OwnerSource, Stripe},
};

fn read(parts: &[(&str, Value)]) -> Result<Option<Observation>, Refusal> {
    let source = Stripe::new(App {
        signing_secrets: Vec::new(),
        tolerance: SignedDuration::from_mins(5),
        api_key: None,
        api_url: API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: vec![OwnerSource::SessionMetadata],
        past_due_access: false,
        bare_payments: false,
    });
    let parts = parts.iter().map(|(name, body)| Part {
        name: (*name).into(),
        id: body["id"].as_str().unwrap().into(),
        body: body.clone(),
    });
    source.read(&Answer {
        question: Question::about("session", "pi_1"),
        asked_at: Timestamp::UNIX_EPOCH,
        parts: parts.collect(),
    })
}

fn session(extra: &Value) -> Value {
    let mut session = json!({
        "id": "cs_1", "mode": "payment", "payment_status": "paid", "payment_intent": "pi_1", "livemode": false, "currency": "usd",
        "created": 1_767_225_600, "line_items": { "data": [{ "quantity": 1, "price": { "id": "price_1", "product": "prod_1" } }] },
    });
    let fields = session.as_object_mut().unwrap();
    fields.extend(extra.as_object().unwrap().clone());
    session
}

fn refund(amount: i64) -> Value {
    json!({ "id": "re_1", "amount": amount, "currency": "usd", "status": "succeeded", "created": 1_767_225_700, "tidings_transaction": "pi_1" })
}

/// Source: `amount_total` of a Checkout Session may be null. Stripe's API reference, as of November 2026.
#[test]
fn a_checkout_without_a_total_has_no_price_and_a_refund_of_a_part_takes_nothing_away() {
    let dollars = |micros| Some(Money::new(micros, Currency::USD));
    for (total, back, price, revokes) in [
        (
            json!({ "amount_total": 499 }),
            100,
            dollars(4_990_000),
            false,
        ),
        (
            json!({ "amount_total": 499 }),
            499,
            dollars(4_990_000),
            true,
        ),
        (json!({ "amount_total": 0 }), 0, dollars(0), true),
        (json!({ "amount_total": null }), 100, None, false),
        (json!({}), 100, None, false),
    ] {
        let seen = read(&[("session", session(&total)), ("refund", refund(back))]);
        let seen = seen.unwrap().unwrap();
        assert_eq!(seen.transactions[0].price, price, "{total}");
        assert_eq!(seen.refunds[0].revokes, revokes, "{total}, {back} back");
    }
}

#[test]
fn a_refund_of_nothing_known_is_not_told_of_something_else() {
    let mut stray = refund(100);
    stray.as_object_mut().unwrap().remove("tidings_transaction");
    let total = json!({ "amount_total": 499 });
    let refusal = read(&[("session", session(&total)), ("refund", stray)]).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.verdict),
        ("store_answer_unreadable", Verdict::Park)
    );
}
