//! A clock that moves when told to.

use engine::System;
use jiff::Timestamp;
use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

pub(crate) struct Clock {
    micros: AtomicI64,
    /// How far it was moved ahead in all.
    passed: AtomicU64,
    /// How long the machine slept in all.
    slept: AtomicU64,
    drawn: AtomicU64,
    /// How much passes whenever somebody asks how much has, in microseconds.
    passes: u64,
}

impl Clock {
    /// Worlds that live alike draw the same ids.
    pub(super) const fn new() -> Self {
        Self {
            micros: AtomicI64::new(1_767_225_600_000_000),
            passed: AtomicU64::new(0),
            slept: AtomicU64::new(0),
            drawn: AtomicU64::new(1),
            passes: 0,
        }
    }

    /// One that is never waited for: with every look so much passes as stores want between two questions.
    pub(super) const fn passing() -> Self {
        Self {
            passes: 50_000,
            ..Self::new()
        }
    }

    /// Moves it, whatever is under way.
    pub(super) fn set(&self, at: Timestamp) {
        let before = self.micros.swap(at.as_microsecond(), Ordering::SeqCst);
        let ahead = u64::try_from(at.as_microsecond() - before).unwrap_or(0);
        self.passed.fetch_add(ahead, Ordering::SeqCst);
    }
}

impl Clock {
    /// The machine sleeps: the clock goes on, and nothing runs.
    pub(super) fn sleep(&self, so_long: Duration) {
        let micros = u64::try_from(so_long.as_micros()).unwrap();
        self.slept.fetch_add(micros, Ordering::SeqCst);
        self.set_ahead(so_long);
    }

    /// Somebody sets it ahead, and nothing has passed.
    pub(super) fn set_ahead(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl System for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }
    /// What was moved ahead has passed; what was moved back has not passed again.
    fn uptime(&self) -> Duration {
        let slept = Duration::from_micros(self.slept.load(Ordering::SeqCst));
        self.awake() + slept
    }
    fn awake(&self) -> Duration {
        Duration::from_micros(self.passed.fetch_add(self.passes, Ordering::SeqCst))
    }
    fn entropy(&self) -> u64 {
        self.drawn
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}
