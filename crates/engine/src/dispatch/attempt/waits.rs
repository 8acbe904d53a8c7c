//! How long a message waits for an attribute that its customer lacks. A value.

use domain::{
    Event,
    time::{after, before},
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Before it is rendered again: at first, and at most. In between it waits for as long again as it has waited.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// When a message is rendered again that lacked an attribute at `at`, and until when it waits, counted from when its event was recorded and no longer
/// than the destination takes it; `None` where that is over.
pub(super) fn again(
    event: &Event,
    waits: Duration,
    oldest: Option<SignedDuration>,
    at: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let waits = SignedDuration::try_from(waits).unwrap_or(SignedDuration::MAX);
    let mut end = after(event.recorded_at, waits);
    if let Some(oldest) = oldest {
        // A second before it is too old, so that what is missing is told and not its age.
        let last = before(
            after(event.occurred_at, oldest),
            SignedDuration::from_secs(1),
        );
        end = end.min(last);
    }
    if at >= end {
        return None;
    }
    let waited = event.recorded_at.duration_until(at);
    let next = after(at, waited.clamp(FIRST, LONGEST));
    Some((next.min(end), end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide;
    use domain::ProjectId;
    use uuid::Uuid;

    #[test]
    fn it_is_looked_after_half_a_minute_and_then_every_two_at_most_until_the_time_is_over() {
        let id = Uuid::from_u128(1);
        let began = Timestamp::UNIX_EPOCH;
        let event = decide::test_event(ProjectId::new(id), id, began);
        let times = |waits: u64, oldest: Option<i64>| {
            let oldest = oldest.map(SignedDuration::from_secs);
            let (mut at, mut times) = (began, Vec::new());
            while let Some((next, _)) = again(&event, Duration::from_secs(waits), oldest, at) {
                times.push(next.as_second());
                at = next;
            }
            times
        };
        assert_eq!(times(600, None), [30, 60, 120, 240, 360, 480, 600]);
        assert_eq!(times(600, Some(200)), [30, 60, 120, 199]);
        assert_eq!(times(20, None), [20]);
        assert!(times(0, None).is_empty());
    }
}
