//! What a notification is, in words, where nothing may follow from it. Source: Apple, App Store Server Notifications,
//! `notificationType`, `subtype` and `summary`.

use super::model::{Payload, Summary};

/// Types whose transaction and renewal say all there is to say.
const TOLD_BY_FACTS: [&str; 20] = [
    "CONSUMPTION_REQUEST",
    "DID_CHANGE_RENEWAL_PREF",
    "DID_CHANGE_RENEWAL_STATUS",
    "DID_FAIL_TO_RENEW",
    "DID_RENEW",
    "EXPIRED",
    "EXTERNAL_PURCHASE_TOKEN",
    "GRACE_PERIOD_EXPIRED",
    "OFFER_REDEEMED",
    "ONE_TIME_CHARGE",
    "PRICE_INCREASE",
    "REFUND",
    "REFUND_DECLINED",
    "REFUND_REVERSED",
    "RENEWAL_EXTENDED",
    "RENEWAL_EXTENSION",
    "RESCIND_CONSENT",
    "REVOKE",
    "SUBSCRIBED",
    "TEST",
];

/// The words; `None` where what it says of a purchase speaks for itself.
pub(super) fn of(payload: &Payload) -> Option<String> {
    let subtype = payload.subtype.as_deref();
    match (payload.notification_type.as_str(), subtype) {
        ("TEST", _) => Some(
            "A test that the App Store was asked to send. It is about no purchase; it shows that notifications arrive and are believed."
                .into(),
        ),
        ("RENEWAL_EXTENSION", Some("SUMMARY")) => payload.summary.as_ref().map(summary),
        ("RENEWAL_EXTENSION", Some("FAILURE")) => Some(
            "The App Store was asked to extend the renewal dates of a product, and could not extend that of this subscription, which stays as it was."
                .into(),
        ),
        ("PRICE_CHANGE" | "METADATA_UPDATE" | "MIGRATION" | "MIGRATE", _) => Some(
            "An effect of the Advanced Commerce API. What it says of the purchase was taken in; no event is made of the effect itself."
                .into(),
        ),
        (known, _) if TOLD_BY_FACTS.contains(&known) => None,
        (unknown, _) => Some(format!(
            "The App Store calls it {unknown}, which this release does not know. What it says of a purchase, if anything, was taken in like that of any other."
        )),
    }
}

/// What came of an extension of every subscription of a product.
fn summary(from: &Summary) -> String {
    let count =
        |count: Option<i64>| count.map_or("an unknown number".to_owned(), |n| n.to_string());
    let product = from.product_id.as_deref().unwrap_or("a product");
    let places = match from.storefront_country_codes.as_slice() {
        [] => String::new(),
        codes => format!(" in {}", codes.join(", ")),
    };
    let request = from
        .request_identifier
        .as_ref()
        .map(|request| format!(" The request was {request}."));
    format!(
        "The App Store has extended the renewal dates of {product}{places}: {} succeeded, {} failed. Each subscription is told by a message of its own.{}",
        count(from.succeeded_count),
        count(from.failed_count),
        request.unwrap_or_default()
    )
}
