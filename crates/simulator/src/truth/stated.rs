//! Any other store, whose purchases somebody states as they are now. Source: `docs/stores.md`, *Any other store*.

use super::{
    act::{Act, Word},
    deed::Deed,
    life::Market,
    maker::Maker,
    told::Charge,
    walk::{Stand, Walk},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What somebody knows of one customer's purchases.
pub(super) struct Stated {
    who: String,
    first: Option<Charge>,
    cancelled_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
}

fn amount(micros: i64) -> String {
    format!("{}.{:02}", micros / 1_000_000, micros / 10_000 % 100)
}

impl Stated {
    pub(super) fn new(number: u64) -> Self {
        Self {
            who: Market::Stated.who(number),
            first: None,
            cancelled_at: None,
            failed_at: None,
        }
    }

    /// A charge, as it was when it was made.
    fn charge(&self, walk: &Walk, charge: &Charge, original: &str) -> Value {
        let mut statement = json!({
            "app_user_id": self.who, "kind": "subscription", "product_id": charge.product, "environment": "sandbox",
            "transaction_id": charge.id, "original_transaction_id": original, "updated_at": walk.now().to_string(),
            "purchased_at": charge.from.to_string(), "expires_at": charge.until.map(|until| until.to_string()),
            "price": { "amount": amount(charge.micros), "currency": walk.purse.currency },
        });
        if charge.is_trial {
            statement["offer"] = json!({ "category": "introductory", "type": "free_trial" });
        }
        statement
    }

    /// The subscription as it stands.
    fn subscription(&self, walk: &Walk) -> Value {
        let line = &walk.line;
        let original = self.first.as_ref().map_or("", |first| first.id.as_str());
        let mut statement = self.charge(walk, &line.charge, original);
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        statement["will_renew"] = line.is_renewing.into();
        statement["renewal_cancelled_at"] = time(self.cancelled_at).into();
        match line.stand {
            Stand::Running | Stand::Paused => {}
            Stand::Grace(until) => {
                statement["billing_issue_detected_at"] = time(self.failed_at).into();
                statement["grace_period_expires_at"] = until.to_string().into();
            }
            Stand::Retry => {
                statement["billing_issue_detected_at"] = time(self.failed_at).into();
            }
            Stand::Over => {
                let reason = if self.cancelled_at.is_some() {
                    "voluntarily_cancelled"
                } else {
                    "billing_error"
                };
                statement["ended"] = json!({ "at": walk.ended_at().to_string(), "reason": reason });
            }
            Stand::Refunded => statement["refunded_at"] = walk.now().to_string().into(),
        }
        statement
    }

    fn state(walk: &Walk, purchase: usize, statement: Value) -> Vec<Act> {
        vec![Act {
            at: walk.now(),
            purchase,
            beside: None,
            changes: Vec::new(),
            says: vec![Word::Stated(statement)],
        }]
    }
}

impl Maker for Stated {
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act> {
        let line = &walk.line;
        match deed {
            None => self.first = Some(line.charge.clone()),
            Some(Deed::Renew | Deed::Recover | Deed::Upgrade | Deed::Return) => {
                (self.cancelled_at, self.failed_at) = (None, None);
            }
            Some(Deed::SwitchOff) => self.cancelled_at = Some(walk.now()),
            Some(Deed::StopNow) => {
                self.cancelled_at = self.cancelled_at.or(Some(walk.now()));
            }
            Some(Deed::SwitchOn) => self.cancelled_at = None,
            Some(Deed::Fail) => self.failed_at = Some(walk.now()),
            Some(Deed::RefundEarlier) => {
                let Some(back) = line.given_back.last() else {
                    return Vec::new();
                };
                let original = self.first.as_ref().map_or("", |first| first.id.as_str());
                let mut statement = self.charge(walk, &back.charge, original);
                statement["refunded_at"] = walk.now().to_string().into();
                statement["will_renew"] = line.is_renewing.into();
                return Self::state(walk, line.purchase, statement);
            }
            Some(Deed::BuyOnce | Deed::BuyPass) => {
                let once = &walk.once[walk.traded];
                let mut statement = self.charge(walk, &once.charge, &once.charge.id);
                statement["kind"] = "one_time_purchase".into();
                return Self::state(walk, once.purchase, statement);
            }
            Some(_) => {}
        }
        Self::state(walk, line.purchase, self.subscription(walk))
    }
}
