//! Deliveries: where they are, how often they were tried, and the lines they stand in.

use super::{HeldAttempt, HeldDelivery, Invariant, finding::Findings};
use crate::{DeliveryState, FAR, LaneId, Turn};
use domain::{DeliveryId, EventId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is pending in a lane, each with the number of its event and its own.
type Line<'a> = Vec<((u64, u64), &'a HeldDelivery)>;

pub(super) fn check(findings: &mut Findings<'_>, now: Timestamp) {
    let held = findings.held;
    let mut attempts: BTreeMap<DeliveryId, Vec<HeldAttempt>> = BTreeMap::new();
    for attempt in &held.attempts {
        attempts.entry(attempt.delivery).or_default().push(*attempt);
    }
    let events = held.events.iter();
    let numbers: BTreeMap<EventId, u64> = events
        .map(|event| (event.id, event.event.customer_seq))
        .collect();
    let mut lines: BTreeMap<LaneId, Line<'_>> = BTreeMap::new();
    for delivery in &held.deliveries {
        let number = numbers.get(&delivery.event);
        belongs(findings, delivery, number.is_some());
        place(findings, delivery);
        let of_it = attempts.get(&delivery.id).map_or(&[][..], Vec::as_slice);
        counted(findings, delivery, of_it);
        if let (DeliveryState::Pending, Some(number)) = (delivery.state, number) {
            let line = lines.entry(delivery.lane).or_default();
            line.push(((*number, delivery.position), delivery));
        }
    }
    for line in lines.values_mut() {
        line.sort_by_key(|(place, _)| *place);
        moves(findings, line, now);
    }
}

fn belongs(findings: &mut Findings<'_>, delivery: &HeldDelivery, has_event: bool) {
    let (id, held) = (delivery.id, findings.held);
    let problem = if !has_event {
        format!("{id} carries {}, which is no event of it", delivery.event)
    } else if delivery.customer != held.customer.id {
        format!("{id} stands under {}", delivery.customer)
    } else if delivery.project != held.project {
        format!("{id} is of {}", delivery.project)
    } else {
        return;
    };
    findings.note(Invariant::DeliveriesBelong, problem);
}

fn place(findings: &mut Findings<'_>, delivery: &HeldDelivery) {
    let id = delivery.id;
    let problem = match (delivery.state, delivery.reason) {
        (DeliveryState::Delivered, Some(reason)) => {
            format!("{id} is delivered, and says {}", reason.id())
        }
        (DeliveryState::Delivered, None) if delivery.attempts == 0 => {
            format!("{id} is delivered without an attempt")
        }
        (DeliveryState::Failed, None) => format!("{id} failed without a reason"),
        _ => return,
    };
    findings.note(Invariant::NoFourthPlace, problem);
}

fn counted(findings: &mut Findings<'_>, delivery: &HeldDelivery, attempts: &[HeldAttempt]) {
    let id = delivery.id;
    let mut seen = BTreeSet::new();
    for attempt in attempts {
        let number = attempt.number;
        if !seen.insert(number) || number == 0 || number > delivery.attempts {
            let what = format!(
                "attempt {number} of {id}, of which {} were made",
                delivery.attempts
            );
            findings.note(Invariant::AttemptsAreCounted, what);
        }
    }
    if delivery.round > delivery.attempts {
        let what = format!(
            "{} attempts at {id} since it was accepted, of {}",
            delivery.round, delivery.attempts
        );
        findings.note(Invariant::AttemptsAreCounted, what);
    }
    let mut attempts = attempts.iter();
    let last = attempts.find(|attempt| attempt.number == delivery.attempts);
    if let (DeliveryState::Delivered, Some(reason)) =
        (delivery.state, last.and_then(|last| last.reason))
    {
        let what = format!("the last attempt at {id} says {}", reason.id());
        findings.note(Invariant::DeliveredWasAccepted, what);
    }
    let is_retried = delivery.state == DeliveryState::Pending && delivery.round > 0;
    if is_retried && delivery.tried_at.is_none() {
        let what = format!(
            "{id} was tried {} times since nobody knows when",
            delivery.round
        );
        findings.note(Invariant::PatienceEnds, what);
    }
}

/// What is pending in one line, first to last.
fn moves(findings: &mut Findings<'_>, line: &[((u64, u64), &HeldDelivery)], now: Timestamp) {
    if let Some((_, first)) = line.first()
        && first.turn == Turn::Waits
        && first.due_at >= FAR
    {
        let what = format!("{} waits for nothing", first.id);
        findings.note(Invariant::LinesMove, what);
    }
    let is_under_way =
        |delivery: &HeldDelivery| delivery.turn == Turn::Goes && delivery.due_at > now;
    let mut line = line.iter().map(|(_, delivery)| delivery);
    let under_way: Vec<DeliveryId> = line
        .clone()
        .filter(|delivery| is_under_way(delivery))
        .map(|delivery| delivery.id)
        .collect();
    if under_way.len() > 1 && line.any(|delivery| delivery.turn == Turn::Waits) {
        let what = format!("under way at once: {under_way:?}");
        findings.note(Invariant::OneAtATime, what);
    }
}
