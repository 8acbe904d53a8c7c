//! What was heard of each customer, and whether that is what happened.

use super::Drive;
use crate::truth::{
    compare::{Hearing, Measure, differences},
    way::Way,
};
use domain::Event;
use jiff::Timestamp;
use simulator::truth::{Form, Lasting, Life, Lived, Market, When};
use std::collections::BTreeSet;

/// A life, and in which ways what was heard of it is not what happened.
pub(in crate::truth) struct Outcome {
    pub(in crate::truth) life: Life,
    pub(in crate::truth) differences: BTreeSet<String>,
    /// What happened, was expected and was heard, for who looks into it.
    pub(in crate::truth) report: String,
}

impl Drive {
    /// Whether a customer is let in who should be.
    pub(super) async fn look_at(&mut self, number: usize) {
        let now = self.world.now();
        let customer = &mut self.customers[number];
        let lived = &customer.lived;
        let history = &lived.history;
        // Who sends in a purchase is named by that.
        let is_named = customer.is_sent_in || history.named_at().is_some_and(|named| named <= now);
        // Who is named late may be named by what was lost, or by what was said before anybody listened; and who has not heard of what took
        // over does not know whom it lets in.
        let is_nameless = history.form == Form::Nameless;
        if !self.plan.way.is_whole() && (is_nameless || !customer.unheard.is_empty()) {
            return;
        }
        // Of a purchase of which the store never said a word since it is listened to, nobody knows.
        let known = &customer.known;
        let truly = |what| {
            let mut purchases = 0..history.purchases();
            purchases.any(|purchase| {
                let is_known = self.plan.way.is_whole() || known.contains_key(&purchase);
                is_known && history.unlocks(purchase) == what && history.lets_in(purchase, now)
            })
        };
        let mut wrong = None;
        let access = self.world.access(&lived.who).await;
        for what in ["premium", "hd"] {
            let truth = is_named && truly(what);
            if access.contains(what) != truth {
                wrong = Some(if truth { "shut out" } else { "let in" });
            }
        }
        let Some(wrong) = wrong else { return };
        let last = lived.history.told.iter().rfind(|told| told.at <= now);
        let what = last
            .map(|told| format!("{:?}", told.what))
            .unwrap_or_default();
        let what = what.split(['(', ' ']).next().unwrap_or_default();
        let kind = format!("{wrong} after {what}");
        customer.differences.insert(kind);
    }

    pub(super) async fn outcomes(self) -> Vec<Outcome> {
        let events = self.world.events().await;
        let until = self.plan.span.until;
        let compared = self.customers.into_iter().map(|mut customer| {
            let (who, market) = (&customer.lived.who, customer.life.market);
            // What was told before anybody knew whose it is has the chains of the customer.
            let is_nameless = customer.lived.history.form == Form::Nameless;
            let told = events.iter().filter(|event| {
                let chain = event
                    .purchase
                    .as_ref()
                    .map(|purchase| purchase.chain.as_str());
                let is_owned = is_nameless && chain.is_some_and(|chain| customer.lived.owns(chain));
                is_owned || event.customer.answers_to(who)
            });
            let told: Vec<Event> = told.cloned().collect();
            let known = &customer.known;
            let expected = if self.plan.way.is_whole() {
                customer.lived.history.expected(market)
            } else {
                // Of what the store said nothing of by itself, it may have told with the rest.
                let of_rest = known.values().min().copied();
                let first_heard = |purchase| known.get(&purchase).copied().or(of_rest);
                let mut events = customer.lived.history.expected_since(market, first_heard);
                for event in &mut events {
                    if !known.contains_key(&event.purchase) {
                        // What the answer shows of it is an end with what was paid for.
                        event.lasting = Lasting::Perhaps;
                        (event.reason, event.when) = (None, When::Shown(Timestamp::MIN));
                    }
                }
                events
            };
            // What was missed is listed, and taken from the list before the end.
            if self.plan.way == Way::Lost && market != Market::Play {
                let all = 0..customer.lived.history.purchases();
                customer.heard.extend(all.map(|purchase| Hearing {
                    purchase,
                    as_of: until,
                    came_at: until,
                }));
            }
            let measure = Measure {
                knows_no_past: market == Market::Stated && !self.plan.way.is_whole(),
                is_whole: self.plan.way.is_whole(),
                heard: &customer.heard,
            };
            let mut found = differences(&expected, &told, &measure);
            found.extend(customer.differences);
            let report = if found.is_empty() {
                String::new()
            } else {
                report(&customer.lived, &expected, &told)
            };
            Outcome {
                life: customer.life,
                differences: found,
                report,
            }
        });
        compared.collect()
    }
}

fn report(lived: &Lived, expected: &[simulator::truth::Expected], told: &[Event]) -> String {
    let happened = lived
        .history
        .told
        .iter()
        .map(|told| format!("\n  {told:?}"));
    let expected = expected.iter().map(|event| format!("\n  {event:?}"));
    let told = told.iter().map(|event| {
        let money = event.transaction.as_ref().map(|transaction| {
            let price = transaction.price.map(|price| price.micros);
            (price, transaction.refunded.map(|refunded| refunded.micros))
        });
        let (at, kind, product) = (event.occurred_at, event.kind.id(), &event.product);
        let reason = event.cancellation_reason;
        format!("\n  {at} {kind} {product:?} {money:?} {reason:?}")
    });
    format!(
        "happened{}\nexpected{}\ntold{}",
        happened.collect::<String>(),
        expected.collect::<String>(),
        told.collect::<String>()
    )
}
