//! The one place that reads the wall clock and the random source.

use aws_lc_rs::rand;
use jiff::{Timestamp, Unit};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Time, entropy and fresh ids. Everything else takes them as values.
pub trait System: Send + Sync + 'static {
    /// Now, truncated to microseconds, because that is what ledgers keep.
    fn now(&self) -> Timestamp;
    /// Time since a moment that is the same for as long as the process runs: how long something took, whatever is done to the
    /// clock meanwhile.
    fn uptime(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }
    /// Uniform over `u64`.
    fn entropy(&self) -> u64;
    /// A fresh `UUIDv7`.
    fn uuid(&self) -> Uuid {
        let bytes = [self.entropy().to_le_bytes(), self.entropy().to_le_bytes()].concat();
        let mut tail = [0; 10];
        tail.copy_from_slice(&bytes[..10]);
        uuid::Builder::from_unix_timestamp_millis(
            u64::try_from(self.now().as_millisecond()).unwrap_or(0),
            &tail,
        )
        .into_uuid()
    }
}

/// The machine's own clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallSystem;

impl System for WallSystem {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one adapter that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.round(
            jiff::TimestampRound::new()
                .smallest(Unit::Microsecond)
                .mode(jiff::RoundMode::Trunc),
        )
        .unwrap_or(now)
    }

    fn entropy(&self) -> u64 {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).expect("the operating system's random source answers");
        u64::from_le_bytes(bytes)
    }
}
