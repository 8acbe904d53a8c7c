//! What a webhook says, as far as two of them can be compared. Source: RevenueCat docs, "Event Types and Fields"; Adapty docs, "Webhook event types
//! and fields".

use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// One event, told by either side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// What it is called.
    pub(super) kind: String,
    /// The store's id of the transaction that it is about, or, where it is about none, the customer.
    pub(super) subject: String,
    /// When it was told.
    pub(super) at: Timestamp,
    /// What is compared.
    pub(super) fields: BTreeMap<&'static str, Value>,
}

/// Members of RevenueCat's `event` that say the same on both sides where they say anything. Left out are those that each system gives itself
/// (`id`, `app_id`), what each estimates (`price`, percentages), and names, which move over with the customers.
const REVENUECAT: [&str; 17] = [
    "product_id",
    "new_product_id",
    "period_type",
    "purchased_at_ms",
    "expiration_at_ms",
    "grace_period_expiration_at_ms",
    "auto_resume_at_ms",
    "store",
    "environment",
    "entitlement_ids",
    "original_transaction_id",
    "currency",
    "price_in_purchased_currency",
    "is_trial_conversion",
    "cancel_reason",
    "expiration_reason",
    "is_family_share",
];

/// The same of Adapty's `event_properties`.
const ADAPTY: [&str; 14] = [
    "vendor_product_id",
    "base_plan_id",
    "original_transaction_id",
    "purchase_date",
    "original_purchase_date",
    "subscription_expires_at",
    "environment",
    "store",
    "currency",
    "price_local",
    "cancellation_reason",
    "access_level_id",
    "is_active",
    "will_renew",
];

/// The events of a file, and how many lines say none.
pub(super) fn read(format: &str, text: &str) -> (Vec<Told>, usize) {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let read: Vec<_> = lines.map(|line| one(format, line)).collect();
    let all = read.len();
    let told: Vec<_> = read.into_iter().flatten().collect();
    let unread = all - told.len();
    (told, unread)
}

/// One event, where it can be read.
pub(super) fn one(format: &str, body: &str) -> Option<Told> {
    let body: Value = serde_json::from_str(body).ok()?;
    if format == "revenuecat" {
        revenuecat(&body["event"])
    } else {
        adapty(&body)
    }
}

fn revenuecat(event: &Value) -> Option<Told> {
    let text = |member: &str| event[member].as_str();
    let at = Timestamp::from_millisecond(event["event_timestamp_ms"].as_i64()?).ok()?;
    let to = || event["transferred_to"][0].as_str();
    let subject = text("transaction_id").or_else(to);
    Some(Told {
        kind: text("type")?.to_owned(),
        subject: subject.or_else(|| text("app_user_id"))?.to_owned(),
        at,
        fields: fields(&REVENUECAT, event),
    })
}

fn adapty(body: &Value) -> Option<Told> {
    let properties = &body["event_properties"];
    let text = |member: &str| properties[member].as_str();
    let kind = body["event_type"].as_str()?;
    let at: Timestamp = body["event_datetime"].as_str()?.parse().ok()?;
    // Access is of a level, whatever unlocks it.
    let subject = text("access_level_id").map(|level| {
        let whose = body["customer_user_id"].as_str().unwrap_or_default();
        format!("{whose}:{level}")
    });
    let subject = subject.or_else(|| Some(text("transaction_id")?.to_owned()));
    Some(Told {
        kind: kind.to_owned(),
        subject: subject?,
        at,
        fields: fields(&ADAPTY, properties),
    })
}

/// What both may say; times to the second, since one side may cut what the other keeps.
fn fields(members: &[&'static str], of: &Value) -> BTreeMap<&'static str, Value> {
    let said = members.iter().filter_map(|member| {
        let value = of.get(member).filter(|value| !value.is_null())?;
        Some((*member, comparable(member, value)))
    });
    said.collect()
}

fn comparable(member: &str, value: &Value) -> Value {
    let second = |at: Timestamp| at.as_second().into();
    if member.ends_with("_at_ms") {
        let at = value
            .as_i64()
            .and_then(|at| Timestamp::from_millisecond(at).ok());
        return at.map_or_else(|| value.clone(), second);
    }
    if member.ends_with("_date") || member.ends_with("_at") {
        let at = value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
        return at.map_or_else(|| value.clone(), second);
    }
    if let Some(number) = value.as_f64() {
        // A price has as many digits as each side gives it.
        return format!("{number:.2}").into();
    }
    if let Some(list) = value.as_array() {
        let mut list: Vec<_> = list.iter().map(Value::to_string).collect();
        list.sort();
        return list.into();
    }
    value.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_vendors_are_read_and_what_is_no_event_is_counted() {
        let theirs = r#"{"api_version":"1.0","event":{"type":"RENEWAL","transaction_id":"2","event_timestamp_ms":1767261601000,"purchased_at_ms":1767261600123,"price_in_purchased_currency":9.990,"entitlement_ids":["b","a"],"new_product_id":null}}
            {}
            no json"#;
        let (told, unread) = read("revenuecat", theirs);
        assert_eq!((told.len(), unread), (1, 2));
        assert_eq!(
            (told[0].kind.as_str(), told[0].subject.as_str()),
            ("RENEWAL", "2")
        );
        assert_eq!(told[0].fields["purchased_at_ms"], 1_767_261_600);
        assert_eq!(told[0].fields["price_in_purchased_currency"], "9.99");
        assert!(!told[0].fields.contains_key("new_product_id"));
        let theirs = r#"{"event_type":"subscription_renewed","event_datetime":"2026-01-01T10:00:00.123456+0000","event_properties":{"transaction_id":"2","purchase_date":"2026-01-01T10:00:00.000000+0000"}}"#;
        let (told, unread) = read("adapty", theirs);
        assert_eq!((told.len(), unread), (1, 0));
        assert_eq!(told[0].fields["purchase_date"], 1_767_261_600);
    }
}
