//! What became of the last attempts at endpoints, whichever node made them: what health is made of.
//!
//! A node adds what it heard to what is known already, so the order in which nodes do so does not matter, and what a node that died had
//! added stays.

use crate::LaneId;
use domain::{NotSent, time::after};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Attempts that are remembered of each endpoint.
pub const REMEMBERED: usize = 30;

/// Clocks of nodes differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// An endpoint is left alone for so long at a time, at most.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(1);

/// What became of the last attempts at an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcomes {
    /// When each was heard of, and whether it was accepted: the newest first, at most [`REMEMBERED`].
    attempts: Vec<(Timestamp, bool)>,
    /// When the last one began that was accepted.
    accepted_at: Option<Timestamp>,
    /// When that was heard of, or that of another that ended later.
    accepted_heard: Option<Timestamp>,
    /// The last that was not accepted.
    failure: Option<Failure>,
    /// When a circuit breaker opened last.
    opened: Option<Timestamp>,
    /// Until when it asked to be left alone.
    asked_until: Option<Timestamp>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it began.
    pub at: Timestamp,
    /// The reason.
    pub reason: NotSent,
    /// What people read about it.
    pub detail: String,
}

impl Outcomes {
    /// What is stored of an endpoint, to be added to. What cannot be read begins anew, which is logged: it says how an endpoint does, and nothing is lost that
    /// the next attempts do not tell again.
    pub fn stored(of: LaneId, body: &str) -> Self {
        serde_json::from_str(body).unwrap_or_else(|error| {
            tracing::error!(integration.id = %of.integration, endpoint = of.endpoint.id(), %error, "what is stored of how an endpoint does cannot be read; it begins anew");
            Self::default()
        })
    }

    /// Notes what was `heard` of an attempt that was accepted.
    pub fn accepted(&mut self, at: Timestamp, heard: Timestamp) {
        self.note(heard, true);
        self.accepted_at = self.accepted_at.max(Some(at));
        self.accepted_heard = self.accepted_heard.max(Some(heard));
    }

    /// Notes what was `heard` of an attempt that was not.
    pub fn failed(&mut self, failure: Failure, heard: Timestamp) {
        self.note(heard, false);
        self.failure = Some(failure);
    }

    fn note(&mut self, heard: Timestamp, is_accepted: bool) {
        self.attempts.insert(0, (heard, is_accepted));
        self.attempts.truncate(REMEMBERED);
    }

    /// Notes that a circuit breaker opened.
    pub fn opened(&mut self, heard: Timestamp) {
        self.opened = self.opened.max(Some(heard));
    }

    /// Notes that it asked to be left alone.
    pub fn asked(&mut self, until: Timestamp) {
        self.asked_until = self.asked_until.max(Some(until));
    }

    /// Adds what was heard since, here or by another node.
    pub fn add(&mut self, newer: &Self) {
        if let Some(now) = newer.newest() {
            self.pull_back(now);
        }
        let mut all = newer.attempts.clone();
        all.append(&mut self.attempts);
        // Of one moment, what was added later is newer.
        all.sort_by_key(|(heard, _)| Reverse(*heard));
        all.truncate(REMEMBERED);
        self.attempts = all;
        self.accepted_at = self.accepted_at.max(newer.accepted_at);
        self.accepted_heard = self.accepted_heard.max(newer.accepted_heard);
        self.opened = self.opened.max(newer.opened);
        self.asked_until = self.asked_until.max(newer.asked_until);
        let known = self.failure.as_ref().map(|failure| failure.at);
        if newer.failure.as_ref().map(|failure| failure.at) >= known {
            self.failure.clone_from(&newer.failure);
        }
    }

    /// A clock that was set back to `now` leaves nothing behind that would be newer than whatever comes for a long time.
    fn pull_back(&mut self, now: Timestamp) {
        let latest = after(now, SKEW);
        let earlier = |at: &mut Timestamp| *at = latest.min(*at);
        self.attempts
            .iter_mut()
            .for_each(|(heard, _)| earlier(heard));
        let times = [
            &mut self.accepted_at,
            &mut self.accepted_heard,
            &mut self.opened,
        ];
        times.into_iter().flatten().for_each(earlier);
        self.failure
            .as_mut()
            .map(|failure| &mut failure.at)
            .into_iter()
            .for_each(earlier);
        let longest = after(latest, LONGEST_ASKED);
        self.asked_until = self.asked_until.map(|until| until.min(longest));
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.heard_at().is_none()
    }

    /// When something was heard last, or is to be over.
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.newest().max(self.asked_until)
    }

    fn newest(&self) -> Option<Timestamp> {
        let newest = self.attempts.first().map(|(heard, _)| *heard);
        newest.max(self.opened)
    }

    /// How many of the last attempts are known that were heard of since then.
    pub fn attempts(&self, since: Timestamp) -> usize {
        self.heard(since).count()
    }

    /// Of these, how many were accepted.
    pub fn accepted_attempts(&self, since: Timestamp) -> usize {
        self.heard(since).filter(|accepted| *accepted).count()
    }

    fn heard(&self, since: Timestamp) -> impl Iterator<Item = bool> {
        let heard = self
            .attempts
            .iter()
            .filter(move |(heard, _)| *heard >= since);
        heard.map(|(_, accepted)| *accepted)
    }

    /// When the last one began that was accepted.
    pub const fn accepted_at(&self) -> Option<Timestamp> {
        self.accepted_at
    }

    /// The last that was not accepted, unless something was accepted since.
    pub fn failure(&self) -> Option<&Failure> {
        let newest = self.attempts.first()?;
        self.failure.as_ref().filter(|_| !newest.1)
    }

    /// Whether a circuit breaker opened, and nothing was accepted since.
    pub fn is_left_alone(&self) -> bool {
        self.opened.is_some() && self.opened >= self.accepted_heard
    }

    /// Whether it asked to be left alone for longer than until `now`.
    pub fn is_put_off(&self, now: Timestamp) -> bool {
        self.asked_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failure(second: i64) -> Failure {
        Failure {
            at: at(second),
            reason: NotSent::NetworkError,
            detail: format!("at {second}"),
        }
    }

    /// What was heard in these seconds: accepted, or not.
    fn heard(outcomes: &[(i64, bool)]) -> Outcomes {
        let mut all = Outcomes::default();
        for (second, accepted) in outcomes {
            if *accepted {
                all.accepted(at(*second), at(*second));
            } else {
                all.failed(failure(*second), at(*second));
            }
        }
        all
    }

    #[test]
    fn whoever_adds_first_the_newest_are_remembered() {
        let odd: Vec<_> = (0..25).map(|n| (2 * n + 1, n % 3 == 0)).collect();
        let even: Vec<_> = (0..25).map(|n| (2 * n, n % 5 == 0)).collect();
        let mut both: Vec<_> = odd.iter().chain(&even).copied().collect();
        both.sort_unstable();
        let alone = heard(&both);
        for (first, second) in [(&odd, &even), (&even, &odd)] {
            let mut known = Outcomes::default();
            for part in first.chunks(7).chain(second.chunks(11)) {
                known.add(&heard(part));
            }
            assert_eq!(known, alone);
        }
        assert_eq!(alone.attempts(Timestamp::MIN), REMEMBERED);
    }

    #[test]
    fn the_last_failure_is_told_until_something_is_accepted() {
        let mut known = heard(&[(1, true), (2, false), (3, false)]);
        assert_eq!(known.failure(), Some(&failure(3)));
        // What another node heard before tells nothing new.
        known.add(&heard(&[(2, false)]));
        assert_eq!(known.failure(), Some(&failure(3)));
        known.add(&heard(&[(4, true)]));
        assert_eq!(known.failure(), None);
        known.add(&heard(&[(4, false)]));
        assert_eq!(known.failure(), Some(&failure(4)), "of one moment");
    }

    #[test]
    fn what_was_left_alone_is_taken_up_when_something_is_accepted_by_whomever() {
        let mut known = heard(&[(1, true), (2, false)]);
        known.opened(at(2));
        assert!(known.is_left_alone());
        let others = heard(&[(3, true)]);
        known.add(&others);
        assert!(!known.is_left_alone());
        // Refusals open nothing again.
        let refused: Vec<_> = (4..50).map(|second| (second, false)).collect();
        known.add(&heard(&refused));
        assert!(!known.is_left_alone());
    }

    #[test]
    fn what_a_clock_that_was_ahead_left_behind_does_not_outlast_what_comes() {
        let ahead = 5_000_000;
        let mut known = heard(&[(ahead, true), (ahead + 1, false)]);
        known.opened(at(ahead + 1));
        known.asked(at(ahead + 600));
        // It is set back, and the endpoint fails on, then works.
        known.add(&heard(&[(10, false)]));
        assert!(!known.is_put_off(at(10 + 3661)));
        for second in 100..130 {
            known.add(&heard(&[(second, true)]));
        }
        let ever = Timestamp::MIN;
        let counts = (known.attempts(ever), known.accepted_attempts(ever));
        assert_eq!(counts, (30, 30));
        assert!(!known.is_left_alone() && known.failure().is_none());
        known.add(&heard(&[(130, false)]));
        assert_eq!(known.failure(), Some(&failure(130)));
    }

    #[test]
    fn who_asks_to_be_left_alone_is_until_then() {
        let mut known = Outcomes::default();
        known.asked(at(9));
        known.asked(at(5));
        assert!(known.is_put_off(at(8)) && !known.is_put_off(at(9)));
        assert!(!known.is_empty() && known.attempts(Timestamp::MIN) == 0);
    }

    #[test]
    fn what_was_heard_before_is_not_counted() {
        let known = heard(&[(1, false), (2, true), (3, false), (3, true)]);
        for (since, attempts, accepted) in [(0, 4, 2), (2, 3, 2), (3, 2, 1), (4, 0, 0)] {
            let since = at(since);
            assert_eq!(known.attempts(since), attempts, "{since}");
            assert_eq!(known.accepted_attempts(since), accepted, "{since}");
        }
    }
}
