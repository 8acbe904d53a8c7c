//! Refunds: the one that a message spoke of, and those that orders show. Source: Google, orders, `state` and `orderHistory`;
//! purchases.voidedpurchases.

use super::{
    super::model::{Order, PartialRefund, RefundDetails},
    about::{About, charged},
};
use domain::{ChainKey, Environment, Money, Observation, Store, fact::RefundFact};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The state of an order that was given back in part.
pub(super) const PART: &str = "PARTIALLY_REFUNDED";

/// What a refund of a whole order took besides the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// What was bought.
    Access,
    /// Nothing: money alone.
    Nothing,
}

impl Taken {
    /// By a refund of pieces that leaves so many: the last one is all there was.
    pub(super) const fn by_pieces(left: u32) -> Self {
        if left == 0 {
            Self::Access
        } else {
            Self::Nothing
        }
    }
}

impl About<'_> {
    /// What a message says by itself of a purchase that the store no longer shows: which order was given back. Only what is
    /// known of the purchase already can be of use then, and that is where it was made as well: neither message nor order says.
    pub(super) fn void(&self) -> Observation {
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: Environment::Production,
            id: self.answer.question.id.clone(),
        });
        observation.is_anywhere = true;
        observation.refunds = match &self.prompt.voided {
            Some(id) if self.prompt.partial => self.void_of_pieces(id),
            voided => {
                let voided = voided.iter().collect();
                self.refunds(&voided, Taken::Access, &BTreeSet::new())
            }
        };
        observation
    }

    /// Some pieces of an order, by what it shows of them, or else by what the message says; where neither says how many, it was one at
    /// least.
    fn void_of_pieces(&self, id: &str) -> Vec<RefundFact> {
        let order = self.order(id);
        let sold = order.and_then(|order| match order.line_items.as_slice() {
            [only] => Some((charged(order, only)?, only.quantity())),
            _ => None,
        });
        let shown =
            sold.map(|(price, quantity)| self.refunds_of_pieces(id, Some(price), quantity, None));
        if let Some(shown) = shown.filter(|shown| !shown.is_empty()) {
            return shown;
        }
        let newest = order.and_then(|order| Some((order, newest_part(order)?)));
        let refund = newest.map_or_else(
            || {
                let at = self.prompt.at.unwrap_or(self.version());
                let own = format!("{id}@{}", at.as_millisecond());
                RefundFact {
                    pieces: Some(self.prompt.pieces.unwrap_or(1)),
                    ..self.refund(own, id, self.prompt.at, None, Taken::Nothing)
                }
            },
            |(order, part)| self.part(order, part, Taken::Nothing),
        );
        vec![refund]
    }

    /// The refunds that the message spoke of, with what was `taken` by them, and those that orders show, each in its parts. Of
    /// `taken_back`, the orders whose purchase the store took back, whatever the message says.
    pub(super) fn refunds(
        &self,
        voided: &BTreeSet<&String>,
        taken: Taken,
        taken_back: &BTreeSet<&String>,
    ) -> Vec<RefundFact> {
        let is_in_part = |id: &&&String| self.order(id).and_then(newest_part).is_some();
        let whole = voided.iter().filter(|id| !is_in_part(id)).copied();
        let mut all = self.whole_refunds(&whole.collect(), taken, taken_back);
        for order in &self.orders {
            let id = &order.order_id;
            let by_newest = if voided.contains(id) {
                Some(taken)
            } else {
                taken_back.contains(id).then_some(Taken::Access)
            };
            all.extend(self.partial_refunds(order, by_newest));
        }
        all
    }

    /// Parts of an order that were given back. `by_newest` is what the newest took besides, where it is the one that a message spoke of:
    /// of a purchase that was taken back the money may be given back for the time that was left only. Source: Google,
    /// purchases.subscriptionsv2.revoke, `proratedRefund`.
    fn partial_refunds<'a>(
        &'a self,
        order: &'a Order,
        by_newest: Option<Taken>,
    ) -> impl Iterator<Item = RefundFact> + 'a {
        let newest = by_newest.and_then(|taken| Some((newest_part(order)?, taken)));
        let is_newest =
            move |part: &PartialRefund| newest.filter(|(newest, _)| std::ptr::eq(*newest, part));
        let shown =
            all_parts(order).filter(move |part| is_through(part) || is_newest(part).is_some());
        shown.map(move |part| {
            let taken = is_newest(part).map_or(Taken::Nothing, |(_, taken)| taken);
            self.part(order, part, taken)
        })
    }

    fn part(&self, order: &Order, part: &PartialRefund, taken: Taken) -> RefundFact {
        let id = &order.order_id;
        let created = part.created().unwrap_or_default().as_millisecond();
        let at = part.process_time.or(part.create_time);
        let amount = amount(part.refund_details.as_ref());
        self.refund(format!("{id}/{created}"), id, at, amount, taken)
    }

    /// Orders that were given back as a whole.
    pub(super) fn whole_refunds(
        &self,
        voided: &BTreeSet<&String>,
        taken: Taken,
        taken_back: &BTreeSet<&String>,
    ) -> Vec<RefundFact> {
        let stated = voided.iter().map(|id| {
            let event = self.order(id).and_then(whole);
            let at = event.as_ref().and_then(|(at, _)| *at).or(self.prompt.at);
            let amount = event.and_then(|(_, amount)| amount);
            self.refund((*id).clone(), id, at, amount, taken)
        });
        let shown = self.orders.iter().filter_map(|order| {
            let id = &order.order_id;
            // Of a part that was taken back, and of which there is no event, as much is known.
            let is_whole = match order.state.as_deref() {
                Some("REFUNDED") => true,
                Some(PART) => taken_back.contains(id) && all_parts(order).next().is_none(),
                _ => false,
            };
            let is_stated = voided.contains(id);
            // A refund alone does not take access away.
            let taken = if taken_back.contains(id) {
                Taken::Access
            } else {
                Taken::Nothing
            };
            (is_whole && !is_stated).then(|| {
                let (at, amount) = whole(order).unwrap_or_default();
                let at = at.or(order.last_event_time);
                self.refund(id.clone(), id, at, amount, taken)
            })
        });
        stated.chain(shown).collect()
    }

    /// Refunds of so many of `quantity` pieces. Each leaves fewer that can be given back still, and that is what tells them
    /// apart: a message speaks of no other name, and orders are not shown to everybody. `left` is what the newest one leaves,
    /// unless the whole was given back since.
    pub(super) fn refunds_of_pieces(
        &self,
        order_id: &str,
        price: Option<Money>,
        quantity: u32,
        left: Option<u32>,
    ) -> Vec<RefundFact> {
        let mut shown: Vec<_> = self.order(order_id).into_iter().flat_map(parts).collect();
        shown.sort_by_key(|part| part.created());
        let newest = left.map(|left| (left, shown.pop()));
        let refund = |left: u32, part: Option<&PartialRefund>| RefundFact {
            pieces_left: Some(left),
            ..self.refund(
                format!("{order_id}/{left}"),
                order_id,
                part.and_then(|part| part.process_time.or(part.create_time))
                    .or(self.prompt.at),
                part.and_then(|part| amount(part.refund_details.as_ref())),
                Taken::by_pieces(left),
            )
        };
        let mut given_back = 0_i64;
        let earlier = shown.into_iter().map_while(|part| {
            given_back = given_back.checked_add(amount(part.refund_details.as_ref())?.micros)?;
            let left_then = quantity.checked_sub(pieces(given_back, price?.micros, quantity)?)?;
            Some(refund(left_then, Some(part)))
        });
        let mut all: Vec<_> = earlier.collect();
        if let Some((left, part)) = newest {
            all.retain(|earlier| earlier.pieces_left > Some(left));
            all.push(refund(left, part));
        }
        all
    }

    pub(super) fn refund(
        &self,
        id: String,
        order: &str,
        at: Option<Timestamp>,
        amount: Option<Money>,
        taken: Taken,
    ) -> RefundFact {
        RefundFact {
            version: self.version(),
            id,
            transaction: order.to_owned(),
            line: None,
            at: at.unwrap_or(self.version()),
            amount,
            pieces_left: None,
            pieces: None,
            revokes: taken == Taken::Access,
            is_undone: false,
        }
    }
}

/// When an order was refunded as a whole, and what was given back with it.
fn whole(order: &Order) -> Option<(Option<Timestamp>, Option<Money>)> {
    let event = order.order_history.as_ref()?.refund_event.as_ref()?;
    Some((event.event_time, amount(event.refund_details.as_ref())))
}

/// The parts of an order that were given back, one at a time.
fn parts(order: &Order) -> impl Iterator<Item = &PartialRefund> {
    all_parts(order).filter(|part| is_through(part))
}

/// The same with those that are not through yet.
fn all_parts(order: &Order) -> impl Iterator<Item = &PartialRefund> {
    let history = order.order_history.iter();
    history.flat_map(|history| &history.partial_refund_events)
}

/// One that is not may still fail.
fn is_through(part: &PartialRefund) -> bool {
    part.state.as_deref() != Some("PENDING")
}

/// When the newest part of an order was given back.
pub(super) fn newest_part_at(order: &Order) -> Option<Timestamp> {
    let part = newest_part(order)?;
    part.process_time.or(part.create_time)
}

/// The newest part, through or not, of an order that was not given back as a whole.
fn newest_part(order: &Order) -> Option<&PartialRefund> {
    let is_whole = order.state.as_deref() == Some("REFUNDED") || whole(order).is_some();
    let newest = all_parts(order).max_by_key(|part| part.created());
    newest.filter(|_| !is_whole)
}

fn amount(details: Option<&RefundDetails>) -> Option<Money> {
    details?.total.as_ref()?.money()
}

/// How many whole pieces an amount is worth; `None` where it is no number of pieces.
fn pieces(micros: i64, price: i64, quantity: u32) -> Option<u32> {
    let (parts, price) = (i128::from(micros) * i128::from(quantity), i128::from(price));
    let is_whole = price > 0 && parts % price == 0;
    is_whole
        .then(|| u32::try_from(parts / price).ok())
        .flatten()
}
