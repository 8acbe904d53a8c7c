//! A script played by somebody: what their store would state at each beat.
//!
//! Pure: a script, a start and the length of a day give the same statements every time. They are taken in like any
//! statement about a purchase, in the sandbox, so whatever an event leads to happens for real.

use super::script::{
    Beat::{self, Buys, Cancels, ChargeFails, ComesBack, Ends, GraceEnds, IsRefunded, Pays, Tries},
    GRACE, MONTH, Script, TRIAL,
};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What is said of one period and not of the next.
const OF_A_PERIOD: [&str; 4] = [
    "offer",
    "billing_issue_detected_at",
    "grace_period_expires_at",
    "renewal_cancelled_at",
];

/// What a life is played with.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) app_user_id: String,
    pub(crate) product: String,
    /// Decimal number.
    pub(crate) price: String,
    /// ISO 4217 code.
    pub(crate) currency: String,
    /// Names the purchase: two lives never share one.
    pub(crate) chain: String,
    pub(crate) start: Timestamp,
    /// What a day lasts.
    pub(crate) day: SignedDuration,
}

/// What is stated at a beat.
pub(crate) struct Statement {
    pub(crate) at: Timestamp,
    pub(crate) beat: Beat,
    pub(crate) body: Value,
}

impl Cast {
    fn at(&self, day: i64) -> Timestamp {
        let seconds = self.day * i32::try_from(day).unwrap_or(i32::MAX);
        after(self.start, seconds)
    }

    /// What is stated at each beat, in order.
    pub(crate) fn statements(&self, script: &Script) -> Vec<Statement> {
        let mut purchase = Purchase::begun(self);
        let beats = script.beats.iter();
        beats
            .map(|(day, beat)| {
                purchase.goes_on(*day, *beat);
                Statement {
                    at: self.at(*day),
                    beat: *beat,
                    body: purchase.stands.clone(),
                }
            })
            .collect()
    }
}

/// A purchase on its way through a script.
struct Purchase<'a> {
    cast: &'a Cast,
    /// What its store would state now.
    stands: Value,
    /// Charges so far.
    charges: u32,
    /// The day on which the current period ends.
    ends: i64,
}

impl<'a> Purchase<'a> {
    fn begun(cast: &'a Cast) -> Self {
        let stands = json!({
            "app_user_id": cast.app_user_id, "environment": "sandbox", "product_id": cast.product,
            "original_transaction_id": cast.chain, "originally_purchased_at": cast.start, "kind": "subscription",
        });
        Self {
            cast,
            stands,
            charges: 0,
            ends: 0,
        }
    }

    fn forgets(&mut self, names: &[&str]) {
        if let Some(fields) = self.stands.as_object_mut() {
            fields.retain(|name, _| !names.contains(&name.as_str()));
        }
    }

    fn begins_period(&mut self, from: i64, days: i64, amount: &str) {
        let cast = self.cast;
        let id = if self.charges == 0 {
            cast.chain.clone()
        } else {
            format!("{}.{}", cast.chain, self.charges)
        };
        self.charges += 1;
        self.ends = from + days;
        self.stands["transaction_id"] = json!(id);
        self.stands["purchased_at"] = json!(cast.at(from));
        self.stands["expires_at"] = json!(cast.at(self.ends));
        self.stands["will_renew"] = json!(true);
        self.stands["price"] = json!({ "amount": amount, "currency": cast.currency });
        self.forgets(&OF_A_PERIOD);
    }

    fn goes_on(&mut self, day: i64, beat: Beat) {
        let cast = self.cast;
        let at = cast.at(day);
        match beat {
            Tries => {
                self.begins_period(day, TRIAL, "0");
                self.stands["offer"] = json!({ "category": "introductory", "type": "free_trial" });
            }
            // A charge made good late pays for the period that began when the last one ended.
            Pays => {
                let from = if self.ends == 0 { day } else { self.ends };
                self.begins_period(from, MONTH, &cast.price);
            }
            Cancels => {
                self.stands["will_renew"] = json!(false);
                self.stands["renewal_cancelled_at"] = json!(at);
            }
            ComesBack => {
                self.stands["will_renew"] = json!(true);
                self.forgets(&["renewal_cancelled_at"]);
            }
            ChargeFails => {
                self.stands["billing_issue_detected_at"] = json!(at);
                self.stands["grace_period_expires_at"] = json!(cast.at(self.ends + GRACE));
            }
            GraceEnds => self.forgets(&["grace_period_expires_at"]),
            Ends => {
                let is_unpaid = self.stands.get("billing_issue_detected_at").is_some();
                let reason = if is_unpaid {
                    "billing_error"
                } else {
                    "voluntarily_cancelled"
                };
                self.stands["ended"] = json!({ "at": at, "reason": reason });
            }
            IsRefunded => {
                self.stands["refunded_at"] = json!(at);
                if self.stands["kind"] == "subscription" {
                    self.stands["will_renew"] = json!(false);
                }
            }
            Buys => {
                self.stands["kind"] = json!("one_time_purchase");
                self.stands["transaction_id"] = json!(cast.chain);
                self.stands["purchased_at"] = json!(at);
                self.stands["price"] = json!({ "amount": cast.price, "currency": cast.currency });
            }
        }
        self.stands["updated_at"] = json!(at);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::script::ALL, *};
    use domain::Store;
    use sources::{Source, stated::Stated};
    use std::collections::BTreeSet;

    #[test]
    fn every_statement_of_every_script_can_be_taken_in() {
        let cast = Cast {
            app_user_id: "ann".into(),
            product: "monthly".into(),
            price: "9.99".into(),
            currency: "USD".into(),
            chain: "sim_1".into(),
            start: "2026-11-20T10:00:00Z".parse().unwrap(),
            day: SignedDuration::from_millis(333),
        };
        let mut keys = BTreeSet::new();
        for script in &ALL {
            assert!(keys.insert(script.key));
            let told = cast.statements(script);
            assert_eq!(told.len(), script.beats.len());
            assert!(told.is_sorted_by_key(|told| told.at), "{}", script.key);
            for Statement {
                at,
                beat,
                body: told,
            } in told
            {
                let body = told.to_string();
                let received = Stated::new(Store::External).receive(body.as_bytes(), at);
                assert!(received.is_ok(), "{} {beat:?}: {received:?}", script.key);
                assert_eq!(told["environment"], "sandbox");
            }
        }
    }
}
