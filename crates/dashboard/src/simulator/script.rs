//! Scripted lives: what happens to a subscription, day by day, and what a store would state about it.
//!
//! Pure: a script, a start and the length of a day give the same statements every time. They are taken in like any
//! statement about a purchase, in the sandbox, so whatever an event leads to happens for real.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Days of a trial, and of a paid period.
const TRIAL: i64 = 7;
const MONTH: i64 = 30;
/// Days of grace after a failed charge.
const GRACE: i64 = 6;

/// What is said of one period and not of the next.
const OF_A_PERIOD: [&str; 4] = [
    "offer",
    "billing_issue_detected_at",
    "grace_period_expires_at",
    "renewal_cancelled_at",
];

/// Something that happens to a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// A free trial begins.
    Tries,
    /// A period is paid for: the first, or the one after the last.
    Pays,
    /// Renewal is switched off.
    Cancels,
    /// Renewal is switched on again.
    ComesBack,
    /// A charge fails; access goes on for a while.
    ChargeFails,
    /// The grace period ends without a payment.
    GraceEnds,
    /// It is over.
    Ends,
    /// The money goes back.
    IsRefunded,
    /// Something is bought once.
    Buys,
}

impl Beat {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Tries => "starts a free trial",
            Self::Pays => "is charged for a month",
            Self::Cancels => "switches renewal off",
            Self::ComesBack => "switches renewal on again",
            Self::ChargeFails => "cannot be charged; a grace period begins",
            Self::GraceEnds => "has not paid when the grace period ends",
            Self::Ends => "has no subscription any more",
            Self::IsRefunded => "gets the money back",
            Self::Buys => "buys something once",
        }
    }
}

/// A life by script.
pub(crate) struct Script {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    /// What happens on which day.
    pub(crate) beats: &'static [(i64, Beat)],
}

use Beat::{Buys, Cancels, ChargeFails, ComesBack, Ends, GraceEnds, IsRefunded, Pays, Tries};

/// All scripts.
pub(crate) const ALL: [Script; 7] = [
    Script {
        key: "converts",
        title: "A trial converts, renews, is cancelled and ends",
        beats: &[
            (0, Tries),
            (TRIAL, Pays),
            (TRIAL + MONTH, Pays),
            (TRIAL + MONTH + 12, Cancels),
            (TRIAL + 2 * MONTH, Ends),
        ],
    },
    Script {
        key: "only_tries",
        title: "A trial is cancelled and ends",
        beats: &[(0, Tries), (3, Cancels), (TRIAL, Ends)],
    },
    Script {
        key: "recovers",
        title: "A charge fails and is made good in the grace period",
        beats: &[
            (0, Pays),
            (MONTH, Pays),
            (2 * MONTH, ChargeFails),
            (2 * MONTH + 3, Pays),
        ],
    },
    Script {
        key: "lapses",
        title: "A charge fails for good",
        beats: &[
            (0, Pays),
            (MONTH, ChargeFails),
            (MONTH + GRACE, GraceEnds),
            (MONTH + 2 * GRACE, Ends),
        ],
    },
    Script {
        key: "refund",
        title: "A renewal is refunded",
        beats: &[(0, Pays), (MONTH, Pays), (MONTH + 4, IsRefunded)],
    },
    Script {
        key: "comes_back",
        title: "Renewal is switched off, and on again",
        beats: &[(0, Pays), (8, Cancels), (20, ComesBack), (MONTH, Pays)],
    },
    Script {
        key: "one_time",
        title: "Something is bought once, and refunded",
        beats: &[(0, Buys), (5, IsRefunded)],
    },
];

/// What a life is played with.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) app_user_id: String,
    pub(crate) product: String,
    /// Decimal number, and ISO 4217 code.
    pub(crate) price: (String, String),
    /// Names the purchase: two lives never share one.
    pub(crate) chain: String,
    pub(crate) start: Timestamp,
    /// What a day lasts.
    pub(crate) day: SignedDuration,
}

impl Cast {
    pub(crate) fn at(&self, day: i64) -> Timestamp {
        let seconds = self.day * i32::try_from(day).unwrap_or(i32::MAX);
        self.start.saturating_add(seconds).unwrap_or(self.start)
    }

    /// What is stated at each beat, with its time, in order.
    pub(crate) fn statements(&self, script: &Script) -> Vec<(Timestamp, Beat, Value)> {
        let mut stands = json!({
            "app_user_id": self.app_user_id, "environment": "sandbox", "product_id": self.product,
            "original_transaction_id": self.chain, "originally_purchased_at": self.start, "kind": "subscription",
        });
        // Charges so far, and the day on which the current period ends.
        let (mut charges, mut ends) = (0, 0);
        let mut period = |stands: &mut Value, from: i64, days: i64, amount: &str| {
            let id = if charges == 0 {
                self.chain.clone()
            } else {
                format!("{}.{charges}", self.chain)
            };
            charges += 1;
            stands["transaction_id"] = json!(id);
            stands["purchased_at"] = json!(self.at(from));
            stands["expires_at"] = json!(self.at(from + days));
            stands["will_renew"] = json!(true);
            stands["price"] = json!({ "amount": amount, "currency": self.price.1 });
            if let Some(fields) = stands.as_object_mut() {
                fields.retain(|name, _| !OF_A_PERIOD.contains(&name.as_str()));
            }
            from + days
        };
        let mut told = Vec::new();
        for (day, beat) in script.beats {
            let at = self.at(*day);
            match beat {
                Tries => {
                    ends = period(&mut stands, *day, TRIAL, "0");
                    stands["offer"] = json!({ "category": "introductory", "type": "free_trial" });
                }
                // A charge made good late pays for the period that began when the last one ended.
                Pays => {
                    let from = if ends == 0 { *day } else { ends };
                    ends = period(&mut stands, from, MONTH, &self.price.0);
                }
                Cancels => {
                    stands["will_renew"] = json!(false);
                    stands["renewal_cancelled_at"] = json!(at);
                }
                ComesBack => {
                    stands["will_renew"] = json!(true);
                    if let Some(fields) = stands.as_object_mut() {
                        fields.remove("renewal_cancelled_at");
                    }
                }
                ChargeFails => {
                    stands["billing_issue_detected_at"] = json!(at);
                    stands["grace_period_expires_at"] = json!(self.at(ends + GRACE));
                }
                GraceEnds => {
                    if let Some(fields) = stands.as_object_mut() {
                        fields.remove("grace_period_expires_at");
                    }
                }
                Ends => {
                    let is_unpaid = stands.get("billing_issue_detected_at").is_some();
                    let reason = if is_unpaid {
                        "billing_error"
                    } else {
                        "voluntarily_cancelled"
                    };
                    stands["ended"] = json!({ "at": at, "reason": reason });
                }
                IsRefunded => {
                    stands["refunded_at"] = json!(at);
                    if stands["kind"] == "subscription" {
                        stands["will_renew"] = json!(false);
                    }
                }
                Buys => {
                    stands["kind"] = json!("one_time_purchase");
                    stands["transaction_id"] = json!(self.chain);
                    stands["purchased_at"] = json!(at);
                    stands["price"] = json!({ "amount": self.price.0, "currency": self.price.1 });
                }
            }
            stands["updated_at"] = json!(at);
            told.push((at, *beat, stands.clone()));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Store;
    use sources::{Source, stated::Stated};
    use std::collections::BTreeSet;

    #[test]
    fn every_statement_of_every_script_can_be_taken_in() {
        let cast = Cast {
            app_user_id: "ann".into(),
            product: "monthly".into(),
            price: ("9.99".into(), "USD".into()),
            chain: "sim_1".into(),
            start: "2026-11-20T10:00:00Z".parse().unwrap(),
            day: SignedDuration::from_millis(333),
        };
        let mut keys = BTreeSet::new();
        for script in &ALL {
            assert!(keys.insert(script.key));
            let told = cast.statements(script);
            assert_eq!(told.len(), script.beats.len());
            assert!(told.is_sorted_by_key(|(at, ..)| *at), "{}", script.key);
            for (at, beat, statement) in told {
                let body = statement.to_string();
                let received = Stated::new(Store::External).receive(body.as_bytes(), at);
                assert!(received.is_ok(), "{} {beat:?}: {received:?}", script.key);
                assert_eq!(statement["environment"], "sandbox");
            }
        }
    }
}
