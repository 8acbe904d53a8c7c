//! What no store answers: values of another kind where there is to be an object, numbers at the end of what can be counted, pages
//! without end. It is refused, or says less; nothing fails for it, and nothing goes on for ever.
#![expect(clippy::unwrap_used, reason = "tests")]

use async_trait::async_trait;
use domain::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::PlayStore;
use sources::{
    Answer, Call, Part, Question, Reply, Source, Trouble, Web,
    google::{self, Credentials, GooglePlay, PushAccess},
    stripe::{self, Stripe},
};
use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

static PLAY: LazyLock<PlayStore> = LazyLock::new(|| PlayStore::new("com.example").unwrap());

fn google() -> GooglePlay {
    let key = Secret::new(PLAY.service_account("https://play.test"));
    GooglePlay::new(google::App {
        package: "com.example".into(),
        push: PushAccess::Nobody,
        credentials: Some(Credentials::from_key_file(&key).unwrap()),
        api_url: google::API_URL.into(),
        acknowledge: false,
    })
}

fn stripe() -> Stripe {
    Stripe::new(stripe::App {
        signing_secrets: Vec::new(),
        tolerance: SignedDuration::from_mins(5),
        api_key: Some(Secret::new("sk_test_1")),
        api_url: stripe::API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: Vec::new(),
        past_due_access: false,
        bare_payments: true,
    })
}

/// A store that gives its answers one after the other, the last of them for ever.
struct Says {
    answers: Vec<Value>,
    token: Value,
    given: AtomicUsize,
}

impl Says {
    fn these(answers: Vec<Value>) -> Self {
        Self {
            answers,
            token: json!({ "access_token": "a" }),
            given: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Web for Says {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let body = if call.url.ends_with("/token") {
            &self.token
        } else {
            let given = self.given.fetch_add(1, Ordering::Relaxed);
            if given == 2_000 {
                return Err("nobody asks as often".into());
            }
            &self.answers[given.min(self.answers.len() - 1)]
        };
        Ok(Reply {
            status: 200,
            retry_after: None,
            cache_control: None,
            body: body.to_string().into_bytes(),
        })
    }
}

fn subscription() -> Value {
    json!({
        "startTime": "2026-01-01T00:00:00Z", "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE",
        "lineItems": [{ "productId": "monthly", "expiryTime": "2026-02-01T00:00:00Z", "latestSuccessfulOrderId": "GPA.1" }],
    })
}

#[tokio::test]
async fn lists_and_orders_that_are_no_objects_are_nonsense() {
    let (empty, charge) = (json!({ "data": [] }), json!({ "data": [{ "id": "ch_1" }] }));
    for odd in [json!(7), json!("re_1"), json!([{}]), json!(null)] {
        let refunds = json!({ "data": [odd] });
        let answers = vec![empty.clone(), empty.clone(), charge.clone(), refunds];
        let asked = Question::about("payment_intent", "pi_1");
        let said = stripe().ask(&asked, &Says::these(answers), NOW).await;
        assert!(matches!(said, Err(Trouble::Nonsense(_))), "{odd}: {said:?}");
    }
    for odd in [json!(7), json!([]), json!("x"), json!({ "orders": 7 })] {
        let asked = Question::about("order", "GPA.1");
        let said = google()
            .ask(&asked, &Says::these(vec![odd.clone()]), NOW)
            .await;
        let trouble = said.unwrap_err();
        assert_eq!(trouble.code(), "purchase_unknown_to_store", "{odd}");
        // Without orders only amounts are missing.
        let asked = Question::about("subscription", "bought");
        let answers = Says::these(vec![subscription(), odd.clone()]);
        let said = google().ask(&asked, &answers, NOW).await.unwrap();
        assert_eq!(said[0].parts.len(), 1, "{odd}");
    }
}

#[tokio::test]
async fn a_token_may_last_as_long_as_can_be_counted() {
    for lasts in [i64::MIN, -1, 0, i64::MAX] {
        let answers = Says {
            token: json!({ "access_token": "a", "expires_in": lasts }),
            ..Says::these(vec![subscription(), json!({})])
        };
        let asked = Question::about("subscription", "bought");
        let said = google().ask(&asked, &answers, NOW).await.unwrap();
        assert_eq!(said.len(), 1, "{lasts}");
    }
}

#[tokio::test]
async fn pages_without_end_are_not_read_without_end() {
    let page = json!({ "tokenPagination": { "nextPageToken": "next" } });
    let web = Says::these(vec![page]);
    let (source, environment) = (google(), domain::Environment::Production);
    let missed = source.missed(NOW, environment, &web, NOW).await.unwrap();
    assert!(missed.is_empty());
}

fn of_google(parts: &[(&str, Value)]) -> usize {
    let parts = parts.iter().map(|(name, body)| Part {
        name: (*name).into(),
        id: "token".into(),
        body: body.clone(),
    });
    let read = google().read(&Answer {
        question: Question::about("product", "token"),
        asked_at: NOW,
        parts: parts.collect(),
    });
    read.unwrap().unwrap().refunds.len()
}

/// What was given back of an order adds up, or is not reckoned with.
#[test]
fn refunds_of_pieces_that_cannot_be_added_up_are_left_out() {
    let most = json!({ "currencyCode": "USD", "units": "9223372036854", "nanos": 0 });
    let part = json!({ "createTime": "2026-01-01T00:00:00Z", "refundDetails": { "total": most } });
    let product = json!({
        "purchaseStateContext": { "purchaseState": "PURCHASED" }, "orderId": "GPA.1", "purchaseCompletionTime": "2026-01-01T00:00:00Z",
        "productLineItem": [{ "productId": "coins", "productOfferDetails": { "quantity": 3, "refundableQuantity": 1 } }],
    });
    let order = json!({
        "orderId": "GPA.1", "total": most, "lineItems": [{ "productId": "coins", "total": most }],
        "orderHistory": { "partialRefundEvents": [part, part, part] },
    });
    assert!(of_google(&[("product", product), ("order", order)]) < 3);
}

/// An invoice of a subscription, with what is said of it, and payments of it.
fn of_stripe(invoice: &Value, payments: &[i64]) -> Vec<Option<i64>> {
    let subscription = json!({
        "id": "sub_1", "status": "active", "customer": "cus_1", "created": 1_767_225_600, "start_date": 1_767_225_600,
        "items": { "data": [
            { "id": "si_1", "price": { "id": "price_1", "product": "prod_1" }, "current_period_end": 1_769_904_000 },
            { "id": "si_2", "price": { "id": "price_2", "product": "prod_2" }, "current_period_end": 1_769_904_000 },
        ] },
    });
    let mut whole = json!({
        "id": "in_1", "status": "paid", "currency": "usd", "created": 1_767_225_600, "subscription": "sub_1",
        "billing_reason": "subscription_create",
    });
    let members = whole.as_object_mut().unwrap();
    members.extend(invoice.as_object().unwrap().clone());
    let payments = payments.iter().enumerate().map(|(index, paid)| {
        let id = format!("inpay_{index}");
        (
            "invoice_payment",
            json!({ "id": id, "invoice": "in_1", "amount_paid": paid, "created": 1_767_225_600 }),
        )
    });
    let parts = [("subscription", subscription), ("invoice", whole)];
    let parts = parts.into_iter().chain(payments).map(|(name, body)| Part {
        name: name.into(),
        id: body["id"].as_str().unwrap().into(),
        body,
    });
    let read = stripe().read(&Answer {
        question: Question::about("subscription", "sub_1"),
        asked_at: NOW,
        parts: parts.collect(),
    });
    let seen = read.unwrap().into_iter();
    let facts = seen.flat_map(|seen| seen.transactions);
    facts.map(|fact| Some(fact.price?.micros)).collect()
}

fn line(item: &str, amounts: &Value) -> Value {
    let mut line = json!({
        "subscription_item": item, "price": { "id": "price_1", "product": "prod_1" },
        "period": { "start": 1_767_225_600, "end": 1_769_904_000 },
    });
    let members = line.as_object_mut().unwrap();
    members.extend(amounts.as_object().unwrap().clone());
    line
}

#[test]
fn amounts_that_cannot_be_added_up_are_none() {
    let paid = json!({ "amount_paid": i64::MAX, "total": i64::MAX, "tax": i64::MIN });
    let prices = of_stripe(&paid, &[i64::MAX, i64::MAX, i64::MIN]);
    assert!(prices.iter().all(Option::is_none), "{prices:?}");
    let (most, least) = (
        json!([{ "amount": i64::MAX }, { "amount": i64::MAX }]),
        i64::MIN,
    );
    let on_top = json!([{ "amount": i64::MAX, "inclusive": false }, { "amount": i64::MAX, "inclusive": false }]);
    for amounts in [
        json!({ "amount": i64::MAX }),
        json!({ "amount": i64::MAX, "taxes": on_top }),
        json!({ "amount": least, "discount_amounts": most }),
        json!({ "amount": 1, "tax_amounts": most }),
    ] {
        let lines = [
            line("si_1", &amounts),
            line("si_1", &amounts),
            line("si_2", &amounts),
        ];
        let paid =
            json!({ "amount_paid": i64::MAX, "total_taxes": most, "lines": { "data": lines } });
        let prices = of_stripe(&paid, &[]);
        assert!(prices.len() <= 2, "{amounts}: {prices:?}");
    }
}
