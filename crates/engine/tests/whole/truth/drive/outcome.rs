//! What was heard of each customer, and whether that is what happened.

use super::{
    Drive,
    listen::{differs, shown},
};
use crate::truth::{
    compare::{Hearing, Measure, differences},
    way::Way,
};
use domain::Event;
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Form, Happened, Lasting, Life, Lived, Market, Told, When};
use std::collections::BTreeSet;

/// How long something may be on its way at most: behind others, or until a server or a store is there again.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(4 * 24);

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
        // Google names the time at which a pause ends by itself, and is asked then.
        let heard_since = |purchase, at| {
            let mut heard = customer.heard.iter();
            heard.any(|heard| heard.purchase == purchase && heard.as_of >= at)
        };
        let is_lost = customer.life.market == Market::Play && self.plan.way == Way::Lost;
        let mut resumed = history.resumed().into_iter();
        if is_lost && resumed.any(|(purchase, at)| at <= now && !heard_since(purchase, at)) {
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
        let kind = format!("{wrong} after {}", named(last));
        customer.differences.insert(kind);
    }

    /// Whether who hears of nothing but changes of access knows what a customer may use, until when, and whether that renews.
    pub(super) fn was_told(&mut self, number: usize) {
        let now = self.world.now();
        let customer = &mut self.customers[number];
        let history = &customer.lived.history;
        // Who is named late may be told of under the name before.
        if history.form == Form::Nameless {
            return;
        }
        for what in ["premium", "hd"] {
            let told = self.listener.level(&customer.lived.who, what);
            let Some(differs) = differs(told, history.levels(what, now), now) else {
                continue;
            };
            let last = history.told.iter().rfind(|told| told.at <= now);
            let kind = format!("{differs} after {}", named(last));
            if customer.differences.insert(kind) {
                let truly = history.levels(what, now);
                let said = format!("\n  {now} {what}: {truly:?}, told {told:?}");
                customer.listened.push_str(&said);
            }
        }
    }

    /// What was told last is what is known now, and nothing was told twice running.
    pub(super) async fn agrees_with_the_listener(&mut self, number: usize) {
        let customer = &mut self.customers[number];
        let who = &customer.lived.who;
        if customer.lived.history.form == Form::Nameless {
            return;
        }
        for (what, level) in self.world.levels(who).await {
            let told = self.listener.level(who, &what);
            if told.map(shown) != Some(shown(&level)) {
                let kind = "access is not what was told last".to_owned();
                customer.differences.insert(kind);
                let said = format!("\n  {what}: {level:?}, told {told:?}");
                customer.listened.push_str(&said);
            }
        }
        if self.listener.was_repeated(who) {
            let kind = "the same access told twice running".to_owned();
            customer.differences.insert(kind);
        }
    }

    /// What each customer brought in, as the ledger has it; `None` of whom it does not know.
    async fn totals(&self) -> Vec<Option<i64>> {
        let mut totals = Vec::new();
        for customer in &self.customers {
            let ledger = self.world.engine.ledger();
            let who = &customer.lived.who;
            let known = ledger.customer(self.world.project, who).await.unwrap();
            totals.push(known.map(|known| known.customer.revenue_usd_micros));
        }
        totals
    }

    pub(super) async fn outcomes(self) -> Vec<Outcome> {
        let events = self.world.events().await;
        let totals = self.totals().await;
        let until = self.plan.span.until;
        let compared = self
            .customers
            .into_iter()
            .zip(totals)
            .map(|(mut customer, total)| {
                let (who, market) = (&customer.lived.who, customer.life.market);
                // What was told before anybody knew whose it is has the chains of the customer.
                let is_nameless = customer.lived.history.form == Form::Nameless;
                let told = events.iter().filter(|event| {
                    let chain = event
                        .purchase
                        .as_ref()
                        .map(|purchase| purchase.chain.as_str());
                    let is_owned =
                        is_nameless && chain.is_some_and(|chain| customer.lived.owns(chain));
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
                    purse: customer.lived.history.purse,
                    knows_no_past: market == Market::Stated && !self.plan.way.is_whole(),
                    is_whole: self.plan.way.is_whole(),
                    heard: &customer.heard,
                };
                let mut found = differences(&expected, &told, &measure);
                found.extend(customer.differences);
                // Of Google Play, and of what is stated, nobody can be asked for all that was ever charged, and what happened last may be on its way.
                let is_listed = matches!(market, Market::AppStore | Market::Stripe);
                let last = customer.lived.history.told.last().map(|told| told.at);
                let is_calm = last.is_some_and(|last| last + ON_ITS_WAY < until);
                let is_told = market != Market::Play || !customer.lived.history.ends_untold();
                let is_all_known = (measure.is_whole && is_told)
                    || (is_listed && is_calm && self.plan.way != Way::Midway);
                if let Some(total) = total.filter(|_| is_all_known) {
                    let said = measure.is_whole.then_some(&told[..]);
                    if let Some((kind, said)) = counts_otherwise(&customer.lived, total, said) {
                        found.insert(kind.to_owned());
                        customer.listened.push_str(&said);
                    }
                }
                let report = if found.is_empty() {
                    String::new()
                } else {
                    report(&customer.lived, &expected, &told) + "\nlistened" + &customer.listened
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

/// What a customer brought in, when that is not what truly came in, or not what events add up to. Each refund gives back whole millionths
/// of its share.
fn counts_otherwise(
    lived: &Lived,
    total: i64,
    told: Option<&[Event]>,
) -> Option<(&'static str, String)> {
    let gave_back = |told: &&Told| matches!(told.what, Happened::GaveBack { .. });
    let refunds = lived.history.told.iter().filter(gave_back).count();
    let is_near = |other: i64| usize::try_from(other.abs_diff(total)).unwrap() <= refunds;
    let truly = lived.history.brought_in();
    if !is_near(truly) {
        let said = format!("\n  brought in {truly}, counted {total}");
        return Some(("the total of the customer", said));
    }
    let told = told?;
    let of_events: i64 = told.iter().map(Event::revenue_usd_micros).sum();
    let last = told.last()?.customer.revenue_usd_micros;
    let said = format!("\n  counted {total}, events add up to {of_events}, the last says {last}");
    if !is_near(of_events) {
        Some(("what events add up to", said))
    } else if last != total {
        Some(("the total that the last event names", said))
    } else {
        None
    }
}

/// What happened, in a word.
fn named(told: Option<&Told>) -> String {
    let what = told.map(|told| format!("{:?}", told.what));
    let what = what.unwrap_or_default();
    what.split(['(', ' ']).next().unwrap_or_default().to_owned()
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
