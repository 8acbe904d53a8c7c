//! What is told of an event beside its name, to whoever takes any properties. Source: RevenueCat docs, the event properties that its analytics
//! integrations have in common.

use super::who::Who;
use crate::told::{
    app_id, cancel_reason, entitlements, environment, expiration_reason, names, period_type, store,
};
use domain::{Event, EventKind, fact::Ownership, snapshot::Standing};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How moments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// RFC 3339.
    Iso,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// Microseconds since 1970.
    Micros,
}

impl Times {
    /// A moment, written so.
    pub(crate) fn of(self, at: Timestamp) -> Value {
        match self {
            Self::Iso => at.to_string().into(),
            Self::Seconds => at.as_second().into(),
            Self::Millis => at.as_millisecond().into(),
            Self::Micros => at.as_microsecond().into(),
        }
    }
}

/// What is told of an event. What is unknown, or says nothing for its kind, is absent.
pub(crate) fn properties(event: &Event, who: Who<'_>, times: Times) -> Map<String, Value> {
    let (purchase, transaction) = (event.purchase.as_ref(), event.transaction.as_ref());
    let offer = transaction.and_then(|transaction| transaction.offer.as_ref());
    let price = transaction.and_then(|transaction| transaction.price);
    let entitlements = entitlements(event);
    let (is_end, is_off) = (is_end(event.kind), is_off(event.kind));
    let family = purchase.map(|purchase| purchase.ownership == Ownership::FamilyShared);
    let until = purchase.and_then(|purchase| purchase.access_until);
    let in_grace = matches!(
        event.kind,
        EventKind::BillingIssueDetected | EventKind::EnteredGracePeriod
    );
    let resumes = purchase.and_then(|purchase| match &purchase.standing {
        Standing::Paused { until } => *until,
        _ => None,
    });
    let told = [
        ("app_user_id", Some(who.app_user_id().into())),
        (
            "original_app_user_id",
            Some(event.customer.original_name().into()),
        ),
        ("aliases", Some(json!(names(&event.customer)))),
        ("app_id", app_id(event).map(Value::from)),
        ("product_id", event.product.as_deref().map(Value::from)),
        (
            "previous_product_id",
            event.previous_product.as_deref().map(Value::from),
        ),
        (
            "entitlement_ids",
            (!entitlements.is_empty()).then(|| json!(entitlements)),
        ),
        ("period_type", purchase.map(|_| period_type(event).into())),
        (
            "purchased_at",
            transaction.map(|transaction| times.of(transaction.purchased_at)),
        ),
        (
            "expiration_at",
            purchase
                .and_then(|purchase| purchase.expires_at)
                .map(|at| times.of(at)),
        ),
        (
            "grace_period_expires_at",
            until.filter(|_| in_grace).map(|at| times.of(at)),
        ),
        ("auto_resumes_at", resumes.map(|at| times.of(at))),
        ("environment", Some(environment(event).into())),
        ("store", Some(store(event).into())),
        (
            "transaction_id",
            transaction.map(|transaction| transaction.id.as_str().into()),
        ),
        (
            "original_transaction_id",
            purchase.map(|purchase| purchase.chain.as_str().into()),
        ),
        (
            "presented_offering_id",
            purchase
                .and_then(|purchase| purchase.offering.as_deref())
                .map(Value::from),
        ),
        (
            "offer_code",
            offer.and_then(|offer| offer.id.as_deref()).map(Value::from),
        ),
        ("is_family_share", family.map(Value::from)),
        (
            "country_code",
            transaction
                .and_then(|transaction| transaction.country.as_deref())
                .map(Value::from),
        ),
        (
            "purchased_currency",
            price.map(|price| price.currency.code().into()),
        ),
        ("cancel_reason", is_off.then(|| cancel_reason(event).into())),
        (
            "expiration_reason",
            is_end.then(|| expiration_reason(event).into()),
        ),
    ];
    let told = told
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.collect()
}

/// The same as texts, for those who take nothing else: what there are several of is joined by commas.
pub(crate) fn flat(properties: Map<String, Value>) -> Map<String, Value> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(all) => {
            let all = all.iter().filter_map(Value::as_str);
            all.collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    let flat = properties.into_iter();
    flat.map(|(name, value)| (name, text(value).into()))
        .collect()
}

const fn is_end(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::SubscriptionExpired | EventKind::TrialExpired
    )
}

const fn is_off(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled
    ) || kind.is_refund()
}
