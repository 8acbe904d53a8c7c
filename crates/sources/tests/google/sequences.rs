//! What Google Play says of a licence tester's subscription, and what its API shows then: one product with a month that lasts five minutes
//! and a quarter that lasts ten, five minutes of grace and ten of hold.
//!
//! Sources: Google, "Test your Google Play Billing Library integration", *Test subscriptions* (how long periods last); "Real-time
//! developer notifications reference guide" (kinds); purchases.subscriptionsv2 (`latestOrderId` is the order that was tried last,
//! `latestSuccessfulOrderId` of a line the last that was paid; a purchase that was replaced, revoked or put on hold ends then).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A purchase token.
#[derive(Clone, Copy)]
struct Leg {
    token: &'static str,
    order: &'static str,
    plan: &'static str,
    /// Units of the price, which has 990,000,000 nanos beside.
    units: &'static str,
    /// The second in which it was bought.
    began: i64,
    linked: Option<&'static str>,
}

const MONTH: Leg = Leg {
    token: "token-of-the-month",
    order: "GPA.1000-2000-3000-40001",
    plan: "one-month",
    units: "16",
    began: 0,
    linked: None,
};
/// Bought when the month was over.
const ANOTHER_MONTH: Leg = Leg {
    token: "token-of-another-month",
    order: "GPA.1000-2000-3000-40003",
    began: 1_100,
    ..MONTH
};
/// Taken in the first month.
const QUARTER: Leg = Leg {
    token: "token-of-the-quarter",
    order: "GPA.1000-2000-3000-40002",
    plan: "three-months",
    units: "84",
    began: 45,
    linked: Some(MONTH.token),
};

/// Which renewal an order was for, where it was for one.
type Renewal = Option<u8>;

/// A notification, and what is shown when it is asked what it is about.
struct Said {
    leg: Leg,
    kind: u8,
    /// In which second.
    at: i64,
    state: &'static str,
    tried: Renewal,
    paid: Renewal,
    ends: i64,
    context: Option<Value>,
}

/// In which state, with the end of the period, and the orders that were tried and paid last.
fn said(
    leg: Leg,
    (kind, at): (u8, i64),
    (state, ends): (&'static str, i64),
    tried: Renewal,
    paid: Renewal,
) -> Said {
    Said {
        leg,
        kind,
        at,
        state,
        tried,
        paid,
        ends,
        context: None,
    }
}

impl Said {
    fn because(self, context: Value) -> Self {
        let context = Some(context);
        Self { context, ..self }
    }

    fn by_customer(self, at: i64) -> Self {
        self.because(json!({ "userInitiatedCancellation": { "cancelTime": time(at) } }))
    }

    fn by_system(self) -> Self {
        self.because(json!({ "systemInitiatedCancellation": {} }))
    }

    fn step(&self, number: usize) -> Value {
        let leg = self.leg;
        let order = |renewal: Renewal| match renewal {
            None => leg.order.to_owned(),
            Some(number) => format!("{}..{number}", leg.order),
        };
        let mut renewing = json!({ "recurringPrice": { "currencyCode": "AUD", "units": leg.units, "nanos": 990_000_000 } });
        if !matches!(self.state, "CANCELED" | "EXPIRED") {
            renewing["autoRenewEnabled"] = true.into();
        }
        let mut shown = json!({
            "kind": "androidpublisher#subscriptionPurchaseV2", "startTime": time(leg.began), "regionCode": "AU",
            "subscriptionState": format!("SUBSCRIPTION_STATE_{}", self.state), "latestOrderId": order(self.tried), "testPurchase": {},
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
            "externalAccountIdentifiers": { "obfuscatedExternalAccountId": "tester" },
            "lineItems": [{
                "productId": "pro", "expiryTime": time(self.ends), "autoRenewingPlan": renewing,
                "offerDetails": { "basePlanId": leg.plan }, "latestSuccessfulOrderId": order(self.paid),
            }],
        });
        if let Some(linked) = leg.linked {
            shown["linkedPurchaseToken"] = linked.into();
        }
        if let Some(context) = &self.context {
            shown["canceledStateContext"] = context.clone();
        }
        let at = second(self.at).as_millisecond().to_string();
        json!({
            "step": number, "subscriptionsv2": shown,
            "rtdn": {
                "version": "1.0", "packageName": "com.example.pro", "eventTimeMillis": at,
                "subscriptionNotification": { "version": "1.0", "notificationType": self.kind, "purchaseToken": leg.token },
            },
        })
    }
}

fn second(second: i64) -> Timestamp {
    let begins: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    begins + SignedDuration::from_secs(second)
}

fn time(at: i64) -> String {
    second(at).to_string()
}

/// The first purchase.
fn bought(leg: Leg, ends: i64) -> Said {
    said(leg, (4, leg.began), ("ACTIVE", ends), None, None)
}

/// A quarter took over: the rest of the month is worth a part of it, so that it ends about when the month would have.
fn changed() -> Vec<Said> {
    let replaced = said(MONTH, (13, 48), ("EXPIRED", 45), None, None);
    vec![
        bought(MONTH, 300),
        bought(QUARTER, 302),
        replaced.because(json!({ "replacementCancellation": {} })),
    ]
}

/// A renewal fails, access goes on for a while, then stops, and the store gives up.
fn failing(leg: Leg, ends: i64) -> Vec<Said> {
    let (grace, hold) = (ends + 300, ends + 900);
    let unpaid = |kind, at, state, ends| said(leg, (kind, at), (state, ends), Some(0), None);
    vec![
        bought(leg, ends),
        unpaid(6, ends + 15, "IN_GRACE_PERIOD", grace),
        unpaid(5, grace + 1, "ON_HOLD", grace),
        unpaid(3, hold + 1, "EXPIRED", hold + 1).by_system(),
        unpaid(13, hold + 3, "EXPIRED", hold + 1).by_system(),
    ]
}

/// The steps of each, by name.
pub(crate) fn all() -> Vec<(&'static str, Vec<Value>)> {
    let grace = |leg, ends| {
        said(
            leg,
            (6, ends - 285),
            ("IN_GRACE_PERIOD", ends),
            Some(0),
            None,
        )
    };
    let renewed = |leg, at, renewal, ends| {
        let renewal = Some(renewal);
        said(leg, (2, at), ("ACTIVE", ends), renewal, renewal)
    };
    let cancelled = |renewal: Renewal, at: i64, ends: i64| {
        said(MONTH, (3, at), ("CANCELED", ends), renewal, renewal).by_customer(at - 1)
    };
    let ran_out = |renewal: Renewal, cancelled: i64, ends: i64| {
        let over = said(MONTH, (13, ends + 3), ("EXPIRED", ends), renewal, renewal);
        over.by_customer(cancelled - 1)
    };
    let given_back =
        |kind, at| said(MONTH, (kind, at), ("EXPIRED", 33), None, None).by_customer(33);
    let sequences = [
        (
            "cancelled, restarted, revoked by the system",
            vec![
                bought(MONTH, 300),
                cancelled(None, 98, 300),
                said(MONTH, (7, 109), ("ACTIVE", 300), None, None),
                said(MONTH, (12, 302), ("EXPIRED", 301), None, None).by_system(),
            ],
        ),
        (
            "grace, paid in it, cancelled, run out",
            vec![
                bought(MONTH, 300),
                grace(MONTH, 600),
                // Neither the end nor the order that was tried last changes.
                renewed(MONTH, 325, 0, 600),
                cancelled(Some(0), 366, 600),
                ran_out(Some(0), 366, 600),
            ],
        ),
        (
            "renewed, run out, bought again, not paid for",
            [
                vec![
                    bought(MONTH, 300),
                    renewed(MONTH, 434, 0, 600),
                    renewed(MONTH, 603, 1, 900),
                    cancelled(Some(1), 760, 900),
                    ran_out(Some(1), 760, 900),
                ],
                failing(ANOTHER_MONTH, 1_400),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        ("not paid for", failing(MONTH, 300)),
        (
            "another plan, renewed",
            [changed(), vec![renewed(QUARTER, 348, 0, 902)]]
                .into_iter()
                .flatten()
                .collect(),
        ),
        (
            "another plan, grace, paid in it",
            [
                changed(),
                vec![grace(QUARTER, 602), renewed(QUARTER, 325, 0, 902)],
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        (
            "another plan, grace, hold, paid in that",
            [
                changed(),
                vec![
                    grace(QUARTER, 602),
                    said(QUARTER, (5, 613), ("ON_HOLD", 602), Some(0), None),
                    said(QUARTER, (1, 640), ("ACTIVE", 1_240), Some(0), Some(0)),
                ],
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        (
            "given back by the developer",
            // It looks as if the customer had cancelled.
            vec![bought(MONTH, 300), given_back(12, 34), given_back(13, 36)],
        ),
    ];
    let numbered = |said: Vec<Said>| {
        let steps = said.iter().zip(1..);
        steps.map(|(said, number)| said.step(number)).collect()
    };
    sequences.map(|(name, said)| (name, numbered(said))).into()
}
