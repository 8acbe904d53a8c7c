//! A clock that moves when told to.

use engine::System;
use jiff::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub(crate) struct Clock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl Clock {
    /// Worlds that live alike draw the same ids.
    pub(super) const fn new() -> Self {
        Self {
            micros: AtomicI64::new(1_767_225_600_000_000),
            drawn: AtomicU64::new(1),
        }
    }

    /// Moves it, whatever is under way.
    pub(super) fn set(&self, at: Timestamp) {
        self.micros.store(at.as_microsecond(), Ordering::SeqCst);
    }
}

impl System for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }
    fn entropy(&self) -> u64 {
        self.drawn
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}
