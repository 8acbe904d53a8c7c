//! Lives of customers, scripted: what happens in a store, when, and what the store tells of it.
//!
//! Time is compressed the way Apple's sandbox compresses it: a day lasts [`Pace::day`], and all dates are real dates, so a
//! server needs no special clock, and a test may move a clock from step to step.

mod apple;
mod play;
mod step;
mod story;
mod stripe;

pub use apple::{Life, Notification};
pub use step::{Channel, Message, Step};
pub use story::Pace;
pub(crate) use story::after;

use crate::apple_api::App;
use jiff::Timestamp;
use step::Happening;
use story::Story;

/// The life of one customer in one store.
pub(crate) fn life(
    channel: Channel,
    app: &App,
    pace: Pace,
    (seed, number): (u64, u64),
    start: Timestamp,
    limit: usize,
) -> Vec<Step> {
    match channel {
        Channel::Apple => Life::play(app, pace, seed, number, start, limit)
            .notifications
            .into_iter()
            .map(|notification| Step {
                at: notification.at,
                happening: Happening::Apple(Box::new(notification)),
            })
            .collect(),
        Channel::Google => play::live(Story::begin(pace, seed, number, start), number, limit),
        Channel::Stripe => stripe::live(Story::begin(pace, seed, number, start), number, limit),
    }
}
