//! The App Store, as one customer's purchases make it. Sources: Apple, "App Store Server Notifications", notificationType and
//! subtype; JWSTransactionDecodedPayload and JWSRenewalInfoDecodedPayload; "Get All Subscription Statuses".

mod payload;

pub(super) use payload::AppStore;

use super::{
    act::{Act, Change, Word},
    deed::Deed,
    maker::Maker,
    walk::{Stand, Walk},
};
use payload::{intent, revoke, unrevoke};
use serde_json::Value;

impl AppStore {
    /// The store's record changes, and it says so.
    fn says(
        &mut self,
        walk: &Walk,
        kind: &'static str,
        subtype: Option<&'static str>,
        transaction: Value,
        stands: Option<(Value, u8)>,
    ) -> Act {
        self.messages += 1;
        let id = transaction["transactionId"].as_str().unwrap_or_default();
        self.transactions.insert(id.to_owned(), transaction.clone());
        let is_once = stands.is_none();
        Act {
            at: walk.now(),
            purchase: if is_once {
                walk.once[walk.traded].purchase
            } else {
                walk.line.purchase
            },
            beside: None,
            changes: vec![Change::Apple {
                transaction: transaction.clone(),
                stands: stands.clone(),
            }],
            says: vec![Word::Apple {
                kind,
                subtype,
                uuid: format!("{}-{}", self.number, self.messages),
                transaction,
                stands,
            }],
        }
    }

    /// About the subscription as it stands.
    fn about(
        &mut self,
        walk: &Walk,
        kind: &'static str,
        subtype: Option<&'static str>,
    ) -> Vec<Act> {
        let stands = self.stands(walk);
        vec![self.says(walk, kind, subtype, self.transaction.clone(), Some(stands))]
    }

    /// A new transaction of it.
    fn charged(
        &mut self,
        walk: &Walk,
        reason: &str,
        kind: &'static str,
        subtype: Option<&'static str>,
    ) -> Vec<Act> {
        self.transaction = self.present(walk, reason);
        self.about(walk, kind, subtype)
    }

    fn expired(&mut self, walk: &Walk, why: u8, subtype: &'static str) -> Vec<Act> {
        let (mut renewal, status) = self.stands(walk);
        renewal["expirationIntent"] = why.into();
        renewal["isInBillingRetryPeriod"] = false.into();
        // Who refuses a price has not switched renewal off, and some are shown so.
        if why == intent::PRICE_INCREASE && self.number.is_multiple_of(2) {
            renewal["autoRenewStatus"] = 1.into();
        }
        let transaction = self.transaction.clone();
        vec![self.says(
            walk,
            "EXPIRED",
            Some(subtype),
            transaction,
            Some((renewal, status)),
        )]
    }

    fn refunded(&mut self, walk: &Walk, deed: Deed) -> Vec<Act> {
        let part = deed == Deed::RefundPart;
        self.transaction["revocationDate"] = walk.now().as_millisecond().into();
        if self.is_family_shared() {
            self.transaction["revocationType"] = "FAMILY_REVOKE".into();
            return self.about(walk, "REVOKE", None);
        }
        revoke(&mut self.transaction, if part { 40_000 } else { 100_000 });
        self.about(walk, "REFUND", None)
    }

    /// One item is given back, with what it was.
    fn refunded_item(&mut self, walk: &Walk) -> Vec<Act> {
        self.transaction = Self::with_items(walk, self.transaction.clone());
        self.about(walk, "REFUND", None)
    }

    /// Nothing happened; a copy that says less than others is sent.
    fn repeated(&mut self, walk: &Walk) -> Vec<Act> {
        self.messages += 1;
        vec![Act {
            at: walk.now(),
            purchase: walk.line.purchase,
            beside: None,
            changes: Vec::new(),
            says: vec![Word::Apple {
                kind: "DID_CHANGE_RENEWAL_PREF",
                subtype: None,
                uuid: format!("{}-{}", self.number, self.messages),
                transaction: self.poorer(),
                stands: Some(self.stands(walk)),
            }],
        }]
    }

    /// The notification holds the old transaction, and how the subscription stands on its newer one.
    fn refunded_earlier(&mut self, walk: &Walk) -> Vec<Act> {
        let given_back = walk.line.given_back.last();
        let Some(mut transaction) =
            given_back.and_then(|back| self.transactions.get(&back.charge.id).cloned())
        else {
            return Vec::new();
        };
        transaction["revocationDate"] = walk.now().as_millisecond().into();
        revoke(&mut transaction, 100_000);
        let stands = self.stands(walk);
        vec![self.says(walk, "REFUND", None, transaction, Some(stands))]
    }

    /// What was taken back is shown as what it was, and that it is over: for the reason that is known of it.
    fn undone_late(&mut self, walk: &Walk) -> Vec<Act> {
        unrevoke(&mut self.transaction);
        let (mut renewal, status) = self.stands(walk);
        let was_cancelled = walk.had_been_cancelled();
        renewal["autoRenewStatus"] = u8::from(!was_cancelled).into();
        if was_cancelled {
            renewal["expirationIntent"] = intent::CANCELLED.into();
        }
        let (transaction, stands) = (self.transaction.clone(), Some((renewal, status)));
        vec![self.says(walk, "REFUND_REVERSED", None, transaction, stands)]
    }

    /// The notification holds the old transaction, and how the subscription stands on its newer one.
    fn undone_earlier(&mut self, walk: &Walk) -> Vec<Act> {
        let undone = walk.undone();
        let known = undone.and_then(|back| self.transactions.get(&back.charge.id));
        let Some(mut transaction) = known.cloned() else {
            return Vec::new();
        };
        unrevoke(&mut transaction);
        let stands = Some(self.stands(walk));
        vec![self.says(walk, "REFUND_REVERSED", None, transaction, stands)]
    }

    /// The replaced transaction shows it in the history from then on, which nobody is told.
    fn upgraded(&mut self, walk: &Walk) -> Vec<Act> {
        let mut old = self.transaction.clone();
        old["isUpgraded"] = true.into();
        let id = old["transactionId"].as_str().unwrap_or_default();
        self.transactions.insert(id.to_owned(), old.clone());
        let mut acts = self.charged(walk, "PURCHASE", "DID_CHANGE_RENEWAL_PREF", Some("UPGRADE"));
        if let Some(act) = acts.first_mut() {
            let transaction = old;
            act.changes.push(Change::Apple {
                transaction,
                stands: None,
            });
        }
        acts
    }
}

impl Maker for AppStore {
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act> {
        let Some(deed) = deed else {
            self.first = Some(walk.line.charge.clone());
            return self.charged(walk, "PURCHASE", "SUBSCRIBED", Some("INITIAL_BUY"));
        };
        match deed {
            Deed::Renew => self.charged(walk, "RENEWAL", "DID_RENEW", None),
            Deed::Recover => self.charged(walk, "RENEWAL", "DID_RENEW", Some("BILLING_RECOVERY")),
            Deed::Return | Deed::WinBack => {
                self.is_named = true;
                self.charged(walk, "PURCHASE", "SUBSCRIBED", Some("RESUBSCRIBE"))
            }
            Deed::SwitchOff => self.about(
                walk,
                "DID_CHANGE_RENEWAL_STATUS",
                Some("AUTO_RENEW_DISABLED"),
            ),
            Deed::SwitchOn => self.about(
                walk,
                "DID_CHANGE_RENEWAL_STATUS",
                Some("AUTO_RENEW_ENABLED"),
            ),
            Deed::Fail => {
                let in_grace = matches!(walk.line.stand, Stand::Grace(_));
                self.about(
                    walk,
                    "DID_FAIL_TO_RENEW",
                    in_grace.then_some("GRACE_PERIOD"),
                )
            }
            Deed::EndGrace => self.about(walk, "GRACE_PERIOD_EXPIRED", None),
            Deed::GiveUp => self.expired(walk, intent::BILLING_ERROR, "BILLING_RETRY"),
            Deed::RunOut => self.expired(walk, intent::CANCELLED, "VOLUNTARY"),
            Deed::Refund | Deed::RefundPart => self.refunded(walk, deed),
            Deed::RefundEarlier => self.refunded_earlier(walk),
            Deed::Undo => {
                unrevoke(&mut self.transaction);
                self.about(walk, "REFUND_REVERSED", None)
            }
            Deed::UndoLate => self.undone_late(walk),
            Deed::UndoEarlier => self.undone_earlier(walk),
            Deed::Upgrade => self.upgraded(walk),
            Deed::Plan | Deed::DropAddOn => {
                self.about(walk, "DID_CHANGE_RENEWAL_PREF", Some("DOWNGRADE"))
            }
            Deed::Unplan | Deed::AddOn => self.about(walk, "DID_CHANGE_RENEWAL_PREF", None),
            Deed::Move => {
                self.transaction["expiresDate"] = walk.ends_at().as_millisecond().into();
                self.about(walk, "RENEWAL_EXTENDED", None)
            }
            Deed::Refuse => self.expired(walk, intent::PRICE_INCREASE, "PRICE_INCREASE"),
            Deed::AskRefund => self.about(walk, "CONSUMPTION_REQUEST", None),
            Deed::DeclineRefund => self.about(walk, "REFUND_DECLINED", None),
            Deed::Redeem => self.about(walk, "OFFER_REDEEMED", None),
            Deed::RefundItem => self.refunded_item(walk),
            Deed::Repeat => self.repeated(walk),
            Deed::Announce | Deed::Accept | Deed::Inform if self.has_items() => {
                self.about(walk, "PRICE_CHANGE", None)
            }
            Deed::Announce => self.about(walk, "PRICE_INCREASE", Some("PENDING")),
            Deed::Accept | Deed::Inform => self.about(walk, "PRICE_INCREASE", Some("ACCEPTED")),
            Deed::BuyOnce | Deed::BuyPass => {
                let once = self.once(&walk.once[walk.traded].charge);
                vec![self.says(walk, "ONE_TIME_CHARGE", None, once, None)]
            }
            Deed::RefundOnce => {
                let mut once = self.once(&walk.once[walk.traded].charge);
                once["revocationDate"] = walk.now().as_millisecond().into();
                revoke(&mut once, 100_000);
                vec![self.says(walk, "REFUND", None, once, None)]
            }
            // In no life of this store.
            Deed::AskPause
            | Deed::Pause
            | Deed::Resume
            | Deed::StopNow
            | Deed::StartAnew
            | Deed::TakeMore
            | Deed::TopUp
            | Deed::Stripe(_)
            | Deed::Play(_) => Vec::new(),
        }
    }
}
