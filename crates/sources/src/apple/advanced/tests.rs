//! What Apple says of several items in one subscription, and what follows from it.

use super::*;
use crate::apple::facts;
use domain::snapshot::Standing;
use domain::{CancellationReason, ChainKey, Environment, Facts, Observation, Snapshot, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

/// That many days after the beginning, in milliseconds.
const fn day(day: i64) -> i64 {
    1_767_312_000_000 + day * 86_400_000
}

fn item(name: &str) -> Value {
    json!({ "SKU": name, "price": 2990 })
}

/// What a notification asserts that was signed on that day of a period of thirty: which items were paid for, and which renew.
fn seen(on: i64, paid: &[&str], renewing: &[&str]) -> Observation {
    let items = |names: &[&str]| json!({ "items": names.iter().map(|name| item(name)).collect::<Vec<_>>() });
    let transaction = json!({
        "transactionId": "1", "originalTransactionId": "1", "bundleId": "b", "productId": "generic", "environment": "Sandbox",
        "type": "Auto-Renewable Subscription", "purchaseDate": day(0), "originalPurchaseDate": day(0), "expiresDate": day(30),
        "signedDate": day(on), "price": 2990 * paid.len(), "currency": "USD", "advancedCommerceInfo": items(paid),
    });
    let renewal = json!({
        "originalTransactionId": "1", "productId": "generic", "autoRenewProductId": "generic", "autoRenewStatus": 1,
        "environment": "Sandbox", "signedDate": day(on), "advancedCommerceInfo": items(renewing),
    });
    let transactions = facts::transactions(&serde_json::from_value(transaction).unwrap());
    let renewals = facts::renewals(&serde_json::from_value(renewal).unwrap(), Some(1));
    let mut renewals = planned(&transactions, renewals);
    renewals.extend(leaving(&transactions, &renewals));
    let chain = ChainKey {
        store: Store::AppStore,
        environment: Environment::Sandbox,
        id: "1".into(),
    };
    Observation {
        transactions,
        renewals,
        ..Observation::of(chain)
    }
}

/// Apple, advancedCommerceTransactionInfo and advancedCommerceRenewalInfo: one says what was paid for, the other what renews.
#[test]
fn an_item_that_does_not_renew_runs_to_its_end() {
    let facts = Facts::default()
        .absorb(&seen(0, &["gold", "hd"], &["gold", "hd"]))
        .absorb(&seen(10, &["gold", "hd"], &["gold"]));
    let on = |count: i64| Timestamp::from_millisecond(day(count)).unwrap();
    let stands = |name: &str, count| {
        let snapshot = Snapshot::derive(&facts, on(count)).unwrap();
        let line = snapshot.line(name).unwrap();
        (line.standing.clone(), line.will_renew)
    };
    assert_eq!(stands("hd", 11), (Standing::Current, false));
    assert_eq!(stands("gold", 11), (Standing::Current, true));
    let over = Standing::Expired {
        at: on(30),
        reason: CancellationReason::VoluntarilyCancelled,
    };
    assert_eq!(stands("hd", 31), (over, false));
}

/// What renews although nobody paid for it yet joins with its first charge, and nothing leaves of what stays.
#[test]
fn nothing_leaves_that_renews() {
    for paid in [&["gold"][..], &["gold", "hd"]] {
        let seen = seen(10, paid, &["gold", "hd"]);
        assert!(
            seen.renewals
                .iter()
                .all(|said| said.auto_renew == Some(true))
        );
        assert_eq!(seen.renewals.len(), 2);
    }
}

/// Apple, JWSTransactionDecodedPayload, `purchaseDate`: of a renewal the start of the new period, which may be charged a day ahead. What
/// is charged for the first time with it serves from then on, unless only our clock lies before it.
#[test]
fn an_item_charged_ahead_serves_from_its_period_on() {
    let hour = 3_600_000;
    let renewed = |signed: i64| {
        let items = json!({ "items": [item("gold"), item("hd")] });
        let transaction = json!({
            "transactionId": "2", "originalTransactionId": "1", "bundleId": "b", "productId": "generic", "environment": "Sandbox",
            "type": "Auto-Renewable Subscription", "purchaseDate": day(30), "originalPurchaseDate": day(0), "expiresDate": day(60),
            "signedDate": signed, "transactionReason": "RENEWAL", "price": 5980, "currency": "USD", "advancedCommerceInfo": items,
        });
        let transactions = facts::transactions(&serde_json::from_value(transaction).unwrap());
        Observation {
            transactions,
            ..seen(10, &["gold"], &["gold", "hd"])
        }
    };
    let stands = |signed: i64, now: i64| {
        let facts = Facts::default()
            .absorb(&seen(0, &["gold"], &["gold"]))
            .absorb(&renewed(signed));
        let now = Timestamp::from_millisecond(now).unwrap();
        let snapshot = Snapshot::derive(&facts, now).unwrap();
        let serves = |name: &str| snapshot.line(name).unwrap().gives_access();
        (
            serves("gold"),
            serves("hd"),
            snapshot.next_check(&facts, now),
        )
    };
    let begins = Timestamp::from_millisecond(day(30)).unwrap();
    let ahead = day(30) - 6 * hour;
    assert_eq!(stands(ahead, ahead), (true, false, Some(begins)));
    assert!(stands(ahead, day(30)).1);
    // Charged when it began, and heard of by a clock that is late.
    assert!(stands(day(30), day(30) - 60_000).1);
}

/// Apple, "Advanced Commerce API", *Change Subscription*: an item is changed into another one, at once or at the next renewal. What took
/// the place of another goes on with what that had bought, and until a renewal that was charged ahead the old one serves.
#[test]
fn an_item_that_renews_instead_of_another_is_what_that_will_become() {
    let planned = seen(10, &["gold", "hd"], &["silver", "hd"]);
    let renewed = |signed: i64| {
        let items = json!({ "items": [item("silver"), item("hd")] });
        let transaction = json!({
            "transactionId": "2", "originalTransactionId": "1", "bundleId": "b", "productId": "generic", "environment": "Sandbox",
            "type": "Auto-Renewable Subscription", "purchaseDate": day(30), "originalPurchaseDate": day(0), "expiresDate": day(60),
            "signedDate": signed, "transactionReason": "RENEWAL", "price": 5980, "currency": "USD", "advancedCommerceInfo": items,
        });
        let mut seen = seen(29, &["silver", "hd"], &["silver", "hd"]);
        seen.transactions = facts::transactions(&serde_json::from_value(transaction).unwrap());
        seen
    };
    let on = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
    let before = Facts::default()
        .absorb(&seen(0, &["gold", "hd"], &["gold", "hd"]))
        .absorb(&planned);
    let snapshot = Snapshot::derive(&before, on(day(11))).unwrap();
    assert_eq!(snapshot.product, "gold");
    assert!(snapshot.will_renew);
    assert_eq!(snapshot.next_product.as_deref(), Some("silver"));
    let ahead = day(29);
    let after = before.absorb(&renewed(ahead));
    let serve = |now: i64| {
        let snapshot = Snapshot::derive(&after, on(now)).unwrap();
        let serving = snapshot.lines().filter(|line| line.gives_access());
        let mut products: Vec<_> = serving.map(|line| line.product.clone()).collect();
        products.sort();
        products
    };
    assert_eq!(serve(ahead), ["gold", "hd"]);
    assert_eq!(serve(day(31)), ["hd", "silver"]);
}
