//! The one place that reads the machine's clocks and its random source.

use aws_lc_rs::rand;
use jiff::{Timestamp, Unit};
use rustix::time::{ClockId, clock_gettime};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Time, entropy and fresh ids. Everything else takes them as values.
pub trait System: Send + Sync + 'static {
    /// Now, truncated to microseconds, because that is what ledgers keep.
    fn now(&self) -> Timestamp;
    /// Time since a moment that is the same for as long as the process runs, and goes on while the machine sleeps: how long something took, or is to
    /// wait, whatever is done to the clock meanwhile.
    fn uptime(&self) -> Duration {
        static BEGAN: LazyLock<Duration> = LazyLock::new(since_boot);
        let began = *BEGAN;
        since_boot().saturating_sub(began)
    }
    /// The same without what the machine slept, in which nothing could happen here.
    fn awake(&self) -> Duration {
        self.uptime()
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

/// Since the machine was started, asleep or not. [`Instant`] stands still on Linux and macOS while the machine sleeps. Source: Linux, `clock_gettime(2)`,
/// `CLOCK_BOOTTIME`; macOS, `clock_gettime(3)`, where `CLOCK_MONOTONIC` goes on.
fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const GOES_ON: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const GOES_ON: ClockId = ClockId::Monotonic;
    Duration::try_from(clock_gettime(GOES_ON)).expect("such a clock shows nothing below zero")
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

    fn awake(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }

    fn entropy(&self) -> u64 {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).expect("the operating system's random source answers");
        u64::from_le_bytes(bytes)
    }
}
