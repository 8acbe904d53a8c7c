//! When it is looked who is let in.

use jiff::{SignedDuration, Timestamp};
use simulator::{Random, truth::History};

/// When somebody may be let in or shut out: a second after each moment at which that may change, and once some days later.
pub(super) fn moments(history: &History, seed: u64) -> Vec<Timestamp> {
    let after = |at: Timestamp| {
        let second = u64::try_from(at.as_second()).unwrap();
        let drawn = Random::new(seed ^ second).below(20 * 86_400);
        let later = SignedDuration::from_secs(i64::try_from(drawn).unwrap());
        [at + SignedDuration::from_secs(1), at + later]
    };
    history
        .turning_points()
        .into_iter()
        .flat_map(after)
        .collect()
}
