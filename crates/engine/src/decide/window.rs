//! Whether an event is of the time that a destination takes events of.

use destinations::Window;
use domain::{Event, time::after};
use jiff::{SignedDuration, Timestamp};

/// How an event stands to the window of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Within {
    /// It may be sent.
    Yes,
    /// It never may be again. In words: how old it is, and how old it might be.
    TooOld(String),
    /// It may be from then on. In words: how far it lies ahead, and how far it might.
    NotBefore(Timestamp, String),
}

impl Within {
    /// How an event stands to a window at a time.
    pub(crate) fn of(window: Window, event: &Event, at: Timestamp) -> Self {
        let age = event.occurred_at.duration_until(at);
        if let Some(oldest) = window.oldest.filter(|oldest| age > *oldest) {
            return Self::TooOld(format!(
                "it happened {} ago; the destination takes events of the last {}",
                spoken(age),
                spoken(oldest)
            ));
        }
        let ahead = SignedDuration::ZERO.saturating_sub(age);
        match window.ahead.filter(|most| ahead > *most) {
            None => Self::Yes,
            Some(most) => {
                let from = after(event.occurred_at, SignedDuration::ZERO.saturating_sub(most));
                let why = format!(
                    "it lies {} ahead; the destination takes events {} ahead at most, so it is sent from {from} on",
                    spoken(ahead),
                    spoken(most)
                );
                Self::NotBefore(from, why)
            }
        }
    }
}

/// A time in words, in the largest unit of which it has two.
fn spoken(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    for (unit, name) in [(86_400, "days"), (3_600, "hours"), (60, "minutes")] {
        if seconds >= 2 * unit {
            return format!("{} {name}", seconds / unit);
        }
    }
    format!("{seconds} seconds")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide;
    use domain::ProjectId;
    use uuid::Uuid;

    #[test]
    fn an_event_is_sent_from_its_window_on_until_it_is_too_old() {
        let hour = SignedDuration::from_hours(1);
        let occurred_at = Timestamp::UNIX_EPOCH + hour * 1_000;
        let id = Uuid::from_u128(1);
        let event = decide::test_event(ProjectId::new(id), id, occurred_at);
        let window = Window {
            oldest: Some(hour * 26),
            ahead: Some(hour),
        };
        let of = |window, hours: i32| Within::of(window, &event, occurred_at + hour * hours);
        for hours in [-1, 0, 26] {
            assert_eq!(of(window, hours), Within::Yes, "{hours}");
        }
        assert_eq!(
            of(window, 30),
            Within::TooOld(
                "it happened 30 hours ago; the destination takes events of the last 26 hours"
                    .into()
            )
        );
        let Within::NotBefore(from, why) = of(window, -72) else {
            panic!("not put off");
        };
        assert_eq!(from, occurred_at - hour);
        assert!(why.starts_with("it lies 3 days ahead"), "{why}");
        for hours in [-10_000, 10_000] {
            assert_eq!(of(Window::default(), hours), Within::Yes);
        }
    }
}
