//! What a replay does with one event, from how it stands now.

use crate::{
    ActiveIntegration,
    decide::{self, Within},
};
use domain::{DeliveryId, Event, EventKind, NotSent, Present};
use jiff::Timestamp;
use ledger::{Choice, DeliveryState, FeedRow, IntegrationState, NewDelivery, ReplayOf};

/// What becomes of one event.
pub(super) enum Fate {
    Again(ReplayOf, Vec<DeliveryId>),
    New(Vec<NewDelivery>),
    Refused(NotSent),
    UnderWay,
    /// It stands as nobody asked for.
    Passed,
}

pub(super) fn fate(
    row: &FeedRow,
    active: &ActiveIntegration,
    choice: &Choice,
    now: Timestamp,
) -> Fate {
    let stands = row.integrations.iter();
    let stands = stands.filter(|(id, _)| *id == active.row.id);
    let (mut deliveries, mut not_sent) = (Vec::new(), None);
    for (_, stands) in stands {
        match stands {
            IntegrationState::Delivery {
                id, state, reason, ..
            } => deliveries.push((*id, *state, *reason)),
            IntegrationState::NotSent(reason) => not_sent = Some(*reason),
        }
    }
    let is_asked_for = |reason: Option<NotSent>| {
        choice.reasons.is_empty() || reason.is_some_and(|reason| choice.reasons.contains(&reason))
    };
    let wanted = |standing| choice.standings.contains(&standing);
    // A test is of the one integration it was made for, and so is how a customer stood.
    if is_of_one(&row.event) && deliveries.is_empty() {
        return Fate::Passed;
    }
    if deliveries.is_empty() {
        if !wanted(ReplayOf::NeverSent) || !is_asked_for(not_sent) {
            return Fate::Passed;
        }
        let planned = decide::plan(&row.event, std::slice::from_ref(active), now);
        return match planned.not_sent.first() {
            Some((_, why)) => Fate::Refused(*why),
            None if planned.deliveries.is_empty() => Fate::Refused(NotSent::EventUnsupported),
            None if is_too_old(row, active, now) => Fate::Refused(NotSent::TooOld),
            None => Fate::New(planned.deliveries),
        };
    }
    let of = |wanted: DeliveryState| -> Vec<DeliveryId> {
        let chosen = deliveries.iter().filter(|(_, state, reason)| {
            let is_failed = *state == DeliveryState::Failed;
            *state == wanted && (!is_failed || is_asked_for(*reason))
        });
        chosen.map(|(id, ..)| *id).collect()
    };
    let (failed, delivered) = (of(DeliveryState::Failed), of(DeliveryState::Delivered));
    let is_wanted = wanted(ReplayOf::Failed) && !failed.is_empty()
        || wanted(ReplayOf::Delivered) && !delivered.is_empty();
    if is_wanted && is_too_old(row, active, now) {
        return Fate::Refused(NotSent::TooOld);
    }
    if wanted(ReplayOf::Failed) && !failed.is_empty() {
        let mut again = failed;
        if wanted(ReplayOf::Delivered) {
            again.extend(delivered);
        }
        return Fate::Again(ReplayOf::Failed, again);
    }
    if wanted(ReplayOf::Delivered) && !delivered.is_empty() {
        return Fate::Again(ReplayOf::Delivered, delivered);
    }
    if of(DeliveryState::Pending).is_empty() {
        Fate::Passed
    } else {
        Fate::UnderWay
    }
}

/// Whether an event happened longer ago than the destination takes events.
fn is_too_old(row: &FeedRow, active: &ActiveIntegration, now: Timestamp) -> bool {
    active.configured.as_ref().is_ok_and(|configured| {
        let within = Within::of(configured.window(), &row.event, now);
        matches!(within, Within::TooOld(_))
    })
}

/// Whether an event was made for the one integration that it was sent to: a test, or how somebody stood.
fn is_of_one(event: &Event) -> bool {
    event.kind == EventKind::Test || Present::from_rule(&event.cause.rule).is_some()
}
