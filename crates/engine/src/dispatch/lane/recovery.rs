//! Outages: while one lasts, what rests is tried now and then to see whether it is over; once it is, nothing goes on resting because of it. A value.
//!
//! **How it works.** It is an outage when deliveries of [several customers](domain::breaker::SEVERAL) failed and nothing was accepted. Their schedules were
//! made for an endpoint that is down, and would have them rest for hours after it is well again. So one that rests is *roused*, made due before its
//! time: as a probe, at growing distances, while the outage lasts; and, after the first acceptance, as many as there is room for, until none is left
//! whose last attempt was made in the outage. An attempt before its time is no retry of its schedule, so nothing is lost when it fails.
//!
//! **What it does not do.** One customer's failures say little about an endpoint: such a delivery rests as its schedule says, whatever others do.
//! What is roused and fails again, while others are accepted, is roused less and less.
//!
//! **After a start** nobody knows why what rests does. Then another customer's than the one that failed is tried, and what was tried before this node was
//! there does not go on resting after the first acceptance.
//!
//! Time is how long the process runs, but for when attempts began, by which the ledger knows them.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Between two probes: at first, and at most.
const FIRST_PROBE: Duration = Duration::from_secs(5);
const LAST_PROBE: Duration = Duration::from_mins(5);
/// Between two times that deliveries are roused which fail all the same: at first, and at most.
const FIRST_AGAIN: Duration = Duration::from_secs(5);
const LAST_AGAIN: Duration = Duration::from_hours(1);
/// How long after an outage it is looked, and how often, for more that rests because of it: what was under way, or was not the first of its line.
const LOOKED_FOR: Duration = Duration::from_mins(1);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What is known of an endpoint's outages.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// When the attempts began that failed since anything was accepted.
    failing: Option<Span>,
    /// Whether anything was ever accepted.
    is_known: bool,
    probes: Pause,
    again: Pause,
    over: Option<Over>,
}

/// An outage that is over.
#[derive(Debug, Clone, Copy)]
struct Over {
    span: Span,
    /// When it was found to be over.
    at: Duration,
    /// When to look next for what rests because of it.
    look: Duration,
}

/// Attempts that began in it: from a moment on, and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) struct Span {
    pub(in crate::dispatch) from: Timestamp,
    pub(in crate::dispatch) to: Timestamp,
}

impl Span {
    const ALWAYS: Self = Self {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
    };

    /// Nothing but one moment.
    fn at(moment: Timestamp) -> Self {
        let next = moment.saturating_add(SignedDuration::from_micros(1));
        Self {
            from: moment,
            to: next.unwrap_or(moment),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }
}

/// What may be roused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Rousing {
    /// One, to see whether the endpoint is well.
    Probe,
    /// Whatever was last tried in an outage that is over.
    Over(Span),
}

impl Rousing {
    /// When what may be roused was last tried.
    pub(in crate::dispatch) const fn tried(self) -> Span {
        match self {
            Self::Probe => Span::ALWAYS,
            Self::Over(span) => span,
        }
    }
}

/// An attempt, as far as it says something about outages.
#[derive(Debug, Clone, Copy)]
pub(in crate::dispatch) struct Tried {
    /// When it began.
    pub(in crate::dispatch) at: Timestamp,
    /// When it ended.
    pub(in crate::dispatch) ended: Timestamp,
    /// Whether it came before its time.
    pub(in crate::dispatch) is_early: bool,
}

/// A pause that grows.
#[derive(Debug, Clone, Copy, Default)]
struct Pause {
    until: Duration,
    length: Duration,
}

impl Pause {
    fn of(length: Duration, now: Duration) -> Self {
        let until = now.saturating_add(length);
        Self { until, length }
    }

    fn is_over(self, now: Duration) -> bool {
        self.until <= now
    }

    /// The next, twice as long.
    fn next(self, first: Duration, last: Duration, now: Duration) -> Self {
        Self::of(self.length.saturating_mul(2).clamp(first, last), now)
    }
}

impl Recovery {
    /// The endpoint failed. `is_outage` says whether it was known to be down before.
    pub(super) fn failed(&mut self, tried: Tried, is_outage: bool, now: Duration) {
        match self.failing {
            // What fails all the same after every outage is not asked so often whether there is another.
            None => self.probes = Pause::of(self.again.length.clamp(FIRST_PROBE, LAST_PROBE), now),
            Some(_) if self.probes.is_over(now) => self.note_probe(now),
            Some(_) => {}
        }
        let this = Span::at(tried.at);
        self.failing = Some(self.failing.map_or(this, |failing| failing.with(this)));
        if tried.is_early && !is_outage && self.again.is_over(now) {
            self.again = self.again.next(FIRST_AGAIN, LAST_AGAIN, now);
        }
    }

    /// The endpoint accepted something. `is_outage` says whether it was known to be down before.
    pub(super) fn accepted(&mut self, tried: Tried, is_outage: bool, now: Duration) {
        if tried.is_early {
            self.again = Pause::default();
        }
        let failing = self.failing.take();
        let known = failing.filter(|_| self.is_known);
        let outage = Span {
            from: known.map_or(Timestamp::MIN, |failing| failing.from),
            // Where the clock was set back meanwhile, they failed later.
            to: failing.map_or(tried.ended, |failing| failing.to.max(tried.ended)),
        };
        // What failed since is of one customer then, and rests.
        let before = Span {
            from: Timestamp::MIN,
            to: failing.map_or(tried.ended, |failing| failing.from),
        };
        let was_known = std::mem::replace(&mut self.is_known, true);
        let span = match (is_outage, was_known) {
            (true, _) => Some(outage),
            (false, false) => Some(before),
            (false, true) => None,
        };
        if let Some(span) = span {
            let span = self.over.map_or(span, |over| over.span.with(span));
            self.over = Some(Over {
                span,
                at: now,
                look: now,
            });
        }
    }

    /// What may be roused now.
    pub(super) fn rouses(&self, is_outage: bool, now: Duration) -> Option<Rousing> {
        if is_outage || !self.is_known {
            return self.probes.is_over(now).then_some(Rousing::Probe);
        }
        let over = self.over.filter(|over| over.look <= now);
        let over = over.filter(|_| self.again.is_over(now));
        over.map(|over| Rousing::Over(over.span))
    }

    /// So many were roused, of a lane that is idle or not.
    pub(super) fn roused(&mut self, what: Rousing, count: u64, is_idle: bool, now: Duration) {
        match what {
            Rousing::Probe => self.note_probe(now),
            Rousing::Over(_) if count > 0 => {}
            Rousing::Over(_) => {
                let goes_on = |over: &Over| !is_idle && now < over.at.saturating_add(LOOKED_FOR);
                self.over = self.over.filter(goes_on).map(|over| Over {
                    look: now.saturating_add(BETWEEN_LOOKS),
                    ..over
                });
            }
        }
    }

    fn note_probe(&mut self, now: Duration) {
        self.probes = self.probes.next(FIRST_PROBE, LAST_PROBE, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tried(second: i64, is_early: bool) -> Tried {
        Tried {
            at: moment(second),
            ended: moment(second),
            is_early,
        }
    }

    /// One whose endpoint accepted something, and where nothing rests from before.
    fn known() -> Recovery {
        let mut recovery = Recovery::default();
        recovery.accepted(tried(0, false), false, at(0));
        let what = recovery.rouses(false, at(0)).unwrap();
        recovery.roused(what, 0, true, at(0));
        assert_eq!(recovery.rouses(false, at(0)), None);
        recovery
    }

    #[test]
    fn an_outage_is_probed_less_and_less_until_it_is_over() {
        let mut recovery = known();
        recovery.failed(tried(100, false), false, at(100));
        recovery.failed(tried(101, false), true, at(101));
        let mut probes = Vec::new();
        for second in 101..=2_000 {
            if let Some(what) = recovery.rouses(true, at(second)) {
                assert_eq!(what, Rousing::Probe);
                recovery.roused(what, 1, false, at(second));
                let failed = tried(i64::try_from(second).unwrap(), true);
                recovery.failed(failed, true, at(second));
                probes.push(second);
            }
        }
        let pauses: Vec<_> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(probes[0], 105);
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300, 300, 300]);
        recovery.accepted(tried(2_001, true), true, at(2_001));
        let outage = Span {
            from: moment(100),
            to: moment(2_001),
        };
        assert_eq!(
            recovery.rouses(false, at(2_001)),
            Some(Rousing::Over(outage))
        );
    }

    #[test]
    fn one_customers_failures_are_no_outage() {
        let mut recovery = known();
        recovery.failed(tried(100, false), false, at(100));
        assert_eq!(recovery.rouses(false, at(10_000)), None);
        recovery.accepted(tried(10_000, false), false, at(10_000));
        assert_eq!(recovery.rouses(false, at(10_000)), None);
    }

    #[test]
    fn nobody_knows_after_a_start_why_what_rests_does() {
        let mut recovery = Recovery::default();
        assert_eq!(recovery.rouses(false, at(0)), Some(Rousing::Probe));
        recovery.failed(tried(100, false), false, at(0));
        assert_eq!(recovery.rouses(false, at(4)), None);
        assert_eq!(recovery.rouses(false, at(5)), Some(Rousing::Probe));
        recovery.accepted(tried(200, false), false, at(10));
        let before = Span {
            from: Timestamp::MIN,
            to: moment(100),
        };
        let over = recovery.rouses(false, at(10));
        assert_eq!(over, Some(Rousing::Over(before)), "not what failed since");
    }

    #[test]
    fn it_is_looked_for_a_minute_for_more_that_rests() {
        let mut recovery = known();
        recovery.failed(tried(100, false), false, at(100));
        recovery.accepted(tried(200, false), true, at(200));
        let mut looks = 0;
        for second in 200..400 {
            while let Some(what) = recovery.rouses(false, at(second)) {
                recovery.roused(what, 0, false, at(second));
                looks += 1;
            }
        }
        assert_eq!(looks, 61);
    }

    #[test]
    fn what_fails_after_every_outage_is_roused_less_and_less_and_what_is_accepted_at_once() {
        let mut recovery = known();
        let mut roused = Vec::new();
        // Two that are never accepted, and others that are every second.
        for second in 100..=40_000_u64 {
            let moment = i64::try_from(second).unwrap();
            let is_early = recovery.rouses(false, at(second)).is_some();
            if is_early {
                roused.push(second);
            }
            if is_early || second == 100 {
                recovery.failed(tried(moment, is_early), false, at(second));
                recovery.failed(tried(moment, is_early), false, at(second));
                recovery.accepted(tried(moment, false), true, at(second));
            }
        }
        let pauses: Vec<_> = roused.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(
            pauses[..11],
            [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600]
        );
        recovery.failed(tried(50_000, false), false, at(50_000));
        recovery.accepted(tried(50_001, true), true, at(50_001));
        assert!(recovery.rouses(false, at(50_001)).is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_in_an_outage_hides_nothing_that_failed_in_it() {
        let mut recovery = known();
        recovery.failed(tried(10_000, false), false, at(100));
        recovery.failed(tried(50, false), true, at(101));
        recovery.accepted(tried(60, false), true, at(102));
        let Some(Rousing::Over(span)) = recovery.rouses(false, at(102)) else {
            panic!("{recovery:?}");
        };
        assert!(span.from <= moment(50) && span.to > moment(10_000));
    }
}
