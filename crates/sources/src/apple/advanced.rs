//! Purchases made through the Advanced Commerce API: Apple's product is generic, and items say what was bought. Each item is a
//! line, named by its SKU, which is the product, too.
//!
//! Source: Apple, "Advanced Commerce API" and the objects `advancedCommerceTransactionInfo` and `advancedCommerceRenewalInfo` of the
//! App Store Server API, as of November 2026.

use super::{model, money::money};
use domain::{
    Money,
    fact::{PriceIncrease, RefundFact, RenewalFact, Revocation, Status, TransactionFact, share},
    reason::ExpirationIntent,
};

fn items(info: Option<&model::AdvancedCommerce>) -> Option<&[model::AdvancedItem]> {
    info.map(|info| info.items.as_slice())
        .filter(|items| !items.is_empty())
}

/// The lines of a transaction, of which `whole` says what is the same for all. The prices add up to what was charged.
pub(super) fn lines(
    from: &model::Transaction,
    whole: &TransactionFact,
) -> Option<Vec<TransactionFact>> {
    let info = from.advanced_commerce_info.as_ref();
    let items = items(info)?;
    let currency = from.currency.as_deref();
    let price = |item: &model::AdvancedItem| {
        let offered = item.offer.as_ref().and_then(|offer| offer.price);
        money(offered.or(item.price), currency)
    };
    let tax = money(info?.estimated_tax, currency);
    let part = |whole: Option<Money>, item: &model::AdvancedItem| {
        let weights = items.iter().map(|item| (item.sku.as_str(), price(item)));
        share(whole?, weights, &item.sku)
    };
    let line = |item: &model::AdvancedItem| TransactionFact {
        line: item.sku.clone(),
        product: item.sku.clone(),
        price: part(whole.price, item).or_else(|| price(item)),
        tax: part(tax, item),
        revocation: match (&whole.revocation, item.revocation_date) {
            // What was given back of the item says more.
            _ if !item.refunds.is_empty() => None,
            (_, Some(at)) => Some(Revocation {
                at,
                percentage: None,
            }),
            (whole, None) => whole.clone(),
        },
        ..whole.clone()
    };
    Some(items.iter().map(line).collect())
}

/// What was given back of single items.
pub(super) fn refunds(from: &model::Transaction) -> Vec<RefundFact> {
    let items = items(from.advanced_commerce_info.as_ref()).unwrap_or_default();
    let of_item = |item: &model::AdvancedItem, refund: &model::AdvancedRefund| RefundFact {
        version: from.signed_date,
        id: format!(
            "{}#{}:{}",
            from.transaction_id,
            item.sku,
            refund.refund_date.as_millisecond()
        ),
        transaction: from.transaction_id.clone(),
        line: Some(item.sku.clone()),
        at: refund.refund_date,
        amount: money(refund.refund_amount, from.currency.as_deref()),
        pieces_left: None,
        revokes: item.revocation_date.is_some(),
        is_undone: false,
    };
    items
        .iter()
        .flat_map(|item| item.refunds.iter().map(move |refund| of_item(item, refund)))
        .collect()
}

/// The renewal of each item, of which `whole` says what is the same for all.
pub(super) fn renewals(from: &model::Renewal, whole: &RenewalFact) -> Option<Vec<RenewalFact>> {
    let items = items(from.advanced_commerce_info.as_ref())?;
    let of_item = |item: &model::AdvancedItem| RenewalFact {
        line: item.sku.clone(),
        product: Some(item.sku.clone()),
        // The generic product says nothing about the item.
        next_product: None,
        renewal_price: money(item.price, from.currency.as_deref()),
        price_increase: match item.price_increase_info.as_ref().map(|info| &info.status) {
            Some(Some(status)) if status == "PENDING" => Some(PriceIncrease::Pending),
            Some(Some(status)) if status == "ACCEPTED" => Some(PriceIncrease::Accepted),
            _ => None,
        },
        ..whole.clone()
    };
    Some(items.iter().map(of_item).collect())
}

/// The items that a transaction paid for and that will not be charged again: what renews does not name them, although nobody took
/// them back. Each runs to its end. `paid` are all lines that are seen, of which the newest charge counts.
pub(super) fn leaving(paid: &[TransactionFact], renewals: &[RenewalFact]) -> Vec<RenewalFact> {
    let Some(said) = renewals.first().filter(|said| !said.line.is_empty()) else {
        return Vec::new();
    };
    let newest = paid.iter().map(|fact| fact.purchased_at).max();
    let stays = |fact: &TransactionFact| renewals.iter().any(|said| said.line == fact.line);
    let runs = |fact: &TransactionFact| {
        fact.revocation.is_none() && fact.expires_at.is_some_and(|end| said.version < end)
    };
    let leaving = paid.iter().filter(|fact| {
        Some(fact.purchased_at) == newest && !fact.line.is_empty() && runs(fact) && !stays(fact)
    });
    leaving
        .map(|fact| RenewalFact {
            line: fact.line.clone(),
            product: Some(fact.product.clone()),
            auto_renew: Some(false),
            intent: Some(ExpirationIntent::Cancelled),
            status: Some(Status::Active),
            ended_at: fact.expires_at,
            ..RenewalFact::new(said.version)
        })
        .collect()
}

#[cfg(test)]
mod tests {
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
        let mut renewals = facts::renewals(&serde_json::from_value(renewal).unwrap(), Some(1));
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
            (serves("gold"), serves("hd"), snapshot.next_check(now))
        };
        let begins = Timestamp::from_millisecond(day(30)).unwrap();
        let ahead = day(30) - 6 * hour;
        assert_eq!(stands(ahead, ahead), (true, false, Some(begins)));
        assert!(stands(ahead, day(30)).1);
        // Charged when it began, and heard of by a clock that is late.
        assert!(stands(day(30), day(30) - 60_000).1);
    }
}
