//! Stripe's answers that say less than usual: what is unknown stays unknown.
#![expect(clippy::unwrap_used, reason = "tests")]

use async_trait::async_trait;
use domain::{Currency, Money, Observation, secret::Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sources::{
    Answer, Call, Part, Question, Refusal, Reply, Source, Verdict, Web,
    stripe::{API_URL, App, OwnerSource, Stripe},
};

fn source(bare_payments: bool) -> Stripe {
    Stripe::new(App {
        signing_secrets: Vec::new(),
        tolerance: SignedDuration::from_mins(5),
        api_key: Some(Secret::new("sk_test_1")),
        api_url: API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: vec![OwnerSource::SessionMetadata],
        past_due_access: false,
        bare_payments,
    })
}

fn read(parts: &[(&str, Value)]) -> Result<Option<Observation>, Refusal> {
    read_by(&source(false), parts)
}

fn read_by(source: &Stripe, parts: &[(&str, Value)]) -> Result<Option<Observation>, Refusal> {
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
        (refusal.code.text(), refusal.verdict),
        ("store_answer_unreadable", Verdict::Park)
    );
}

/// Whether payments without Checkout are purchases is a setting, which holds for whatever led to one.
#[test]
fn a_bare_payment_is_a_purchase_where_the_app_says_so() {
    let charge = json!({ "id": "ch_1", "amount": 500, "currency": "usd", "paid": true, "created": 1_767_225_600 });
    let parts = [("charge", charge), ("refund", refund(500))];
    assert_eq!(read_by(&source(false), &parts).unwrap(), None);
    let seen = read_by(&source(true), &parts).unwrap().unwrap();
    assert_eq!(
        seen.transactions[0].price,
        Some(Money::new(5_000_000, Currency::USD))
    );
    assert!(seen.refunds[0].revokes);
}

/// Answers everything with one status.
struct Status(u16);

#[async_trait]
impl Web for Status {
    async fn call(&self, _: &Call) -> Result<Reply, String> {
        Ok(Reply {
            status: self.0,
            retry_after: None,
            cache_control: None,
            body: br#"{"error":{"type":"invalid_request_error","code":"of_tomorrow"}}"#.to_vec(),
        })
    }
}

/// What asking again cannot mend is not asked for ever; its reason says what Stripe said. Source: Stripe, API reference,
/// "Errors": 409 is a conflict with another request.
#[tokio::test]
async fn errors_that_nobody_knows_end_with_what_was_said() {
    for (status, code) in [
        (400, "purchase_unknown_to_store"),
        (402, "purchase_unknown_to_store"),
        (404, "purchase_unknown_to_store"),
        (424, "purchase_unknown_to_store"),
        (403, "store_credentials_refused"),
        (409, "store_unavailable"),
        (429, "store_unavailable"),
        (500, "store_unavailable"),
    ] {
        let question = Question::about("subscription", "sub_1");
        let (source, web) = (source(false), Status(status));
        let asked = source.ask(&question, &web, Timestamp::UNIX_EPOCH);
        let trouble = asked.await.unwrap_err();
        assert_eq!(trouble.code(), code, "{status}");
        assert!(trouble.to_string().contains("of_tomorrow"), "{trouble}");
    }
}
