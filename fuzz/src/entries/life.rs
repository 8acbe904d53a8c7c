//! What becomes of what a store says.

use super::moment::now;
use domain::{
    Facts, Observation, Snapshot,
    change::{State, by_access, changes},
};
use jiff::SignedDuration;
use sources::Content;
use std::task::{Context, Waker};

/// Takes in what was read, if it says anything of a purchase: as news, and as what is looked at again when its time has come.
pub(super) fn take_in(content: &Content) {
    if let Content::Observed(seen) = content {
        live(seen);
    }
}

pub(super) fn live(seen: &Observation) {
    let window = SignedDuration::from_hours(72);
    let facts = Facts::default().absorb(seen);
    let Some(snapshot) = Snapshot::derive(&facts, now()) else {
        return;
    };
    let first = State {
        facts: &facts,
        snapshot: &snapshot,
    };
    drop(changes(&seen.chain, None, first, now(), window));
    let _ = by_access(&seen.chain, None, first, now(), window);
    let Some(then) = snapshot.next_check(&facts, now()) else {
        return;
    };
    if let Some(snapshot) = Snapshot::derive(&facts, then) {
        let later = State {
            facts: &facts,
            snapshot: &snapshot,
        };
        drop(changes(&seen.chain, Some(first), later, then, window));
        let _ = by_access(&seen.chain, Some(first), later, then, window);
    }
}

/// What comes of something that waits for nobody.
pub(super) fn at_once<T>(asked: impl Future<Output = T>) -> T {
    let asked = std::pin::pin!(asked);
    match asked.poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => unreachable!("whoever is asked answers at once"),
    }
}
