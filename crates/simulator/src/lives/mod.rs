//! Lives of customers, scripted: what happens in a store, when, and what the store tells of it.
//!
//! Time is compressed the way Apple's sandbox compresses it: a day lasts [`Pace::day`], and all dates are real dates, so a
//! server needs no special clock, and a test may move a clock from step to step.

mod apple;
mod play;
mod stripe;

pub use apple::{App, Life, Notification};

use crate::{PlayStore, Random, Stores, StripeAccount, sign};
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};

/// How fast lives pass.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What a day lasts.
    pub day: SignedDuration,
}

/// A store that tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The App Store.
    Apple,
    /// Google Play.
    Google,
    /// Stripe.
    Stripe,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Apple, Self::Google, Self::Stripe];

    /// The one whose messages go to a callback URL of Tidings.
    pub fn of_url(url: &str) -> Option<Self> {
        let channel = |(part, channel)| url.contains(part).then_some(channel);
        [
            ("/callbacks/apple/", Self::Apple),
            ("/callbacks/google/", Self::Google),
            ("/callbacks/stripe/", Self::Stripe),
        ]
        .into_iter()
        .find_map(channel)
    }
}

enum Happening {
    Apple(Box<Notification>),
    Google {
        change: Box<dyn Fn(&PlayStore) + Send + Sync>,
        kind: u8,
        token: String,
    },
    Stripe {
        change: Box<dyn Fn(&StripeAccount) + Send + Sync>,
        kind: &'static str,
        collection: &'static str,
        id: String,
    },
}

/// One thing that happens to a customer in a store.
pub struct Step {
    /// When it happens. The store tells of it right then, or later when that fails.
    pub at: Timestamp,
    happening: Happening,
}

/// What a store sends.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who sends it.
    pub channel: Channel,
    /// Its body.
    pub body: String,
    /// The store's id of what it is about: a transaction, a purchase token, a Stripe object.
    pub subject: String,
}

impl Step {
    /// Makes it happen, and answers with what the store sends.
    pub fn happen(&self, stores: &Stores) -> Result<Message> {
        Ok(match &self.happening {
            Happening::Apple(notification) => {
                stores.apple.api.happened(notification);
                Message {
                    channel: Channel::Apple,
                    body: notification.body(&stores.authority)?,
                    subject: notification.transaction_id().to_owned(),
                }
            }
            Happening::Google {
                change,
                kind,
                token,
            } => {
                change(&stores.play.api);
                Message {
                    channel: Channel::Google,
                    body: stores.play.api.tell(*kind, token, self.at),
                    subject: token.clone(),
                }
            }
            Happening::Stripe {
                change,
                kind,
                collection,
                id,
            } => {
                let account = &stores.stripe.api;
                change(account);
                let object = account.get(collection, id).unwrap_or_default();
                Message {
                    channel: Channel::Stripe,
                    body: account.tell(kind, &object, self.at),
                    subject: id.clone(),
                }
            }
        })
    }
}

impl Message {
    /// The header that proves who sends it to `url` at `now`, made anew for each try.
    pub fn proof(
        &self,
        stores: &Stores,
        url: &str,
        now: Timestamp,
    ) -> Result<Option<(&'static str, String)>> {
        Ok(match self.channel {
            // Apple signs what is inside.
            Channel::Apple => None,
            Channel::Google => Some((
                "authorization",
                stores.play.api.push_authorization(url, now)?,
            )),
            Channel::Stripe => Some(("stripe-signature", sign(&self.body, now))),
        })
    }
}

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

/// Where a script stands.
struct Story {
    pace: Pace,
    random: Random,
    at: Timestamp,
    /// End of the current period.
    ends_at: Timestamp,
}

/// The moment `pause` after `at`; the last there is where there is none. Lives share nothing with what reads them, this neither.
pub(crate) fn after(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}

impl Story {
    const fn begin(pace: Pace, seed: u64, number: u64, start: Timestamp) -> Self {
        Self {
            pace,
            random: Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d)),
            at: start,
            ends_at: start,
        }
    }

    fn days(&self, days: i64) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.pace.day.as_millis()).unwrap_or(1) * days)
    }

    /// Lets hundredths of a day pass.
    fn wait(&mut self, days_percent: i64) {
        let millis =
            i64::try_from(self.pace.day.as_millis()).unwrap_or(i64::MAX) * days_percent / 100;
        self.pass(millis);
    }

    fn pass(&mut self, millis: i64) {
        self.at = after(self.at, SignedDuration::from_millis(millis.max(1)));
    }

    fn wait_for_end(&mut self) {
        self.at = self.at.max(self.ends_at);
    }

    /// Somewhere in the middle of the current period.
    fn wait_within(&mut self) {
        let left = self.at.duration_until(self.ends_at).as_millis();
        let percent = i64::try_from(20 + self.random.below(50)).unwrap_or(20);
        self.pass(i64::try_from(left).unwrap_or(0) * percent / 100);
    }

    /// A period of `days` from `start`, which becomes the current one.
    fn period(&mut self, start: Timestamp, days: i64) -> (Timestamp, Timestamp) {
        self.ends_at = after(start, self.days(days));
        (start, self.ends_at)
    }
}
