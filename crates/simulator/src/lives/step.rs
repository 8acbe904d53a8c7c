//! One thing that happens in a store, and what the store tells of it.

use super::apple::Notification;
use crate::{
    play::PlayStore,
    stores::Stores,
    stripe::{StripeAccount, sign},
};
use anyhow::Result;
use jiff::Timestamp;

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

pub(super) enum Happening {
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
    pub(super) happening: Happening,
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
                stores.apple.api.record(
                    notification.transaction(),
                    notification.renewal(),
                    notification.status(),
                );
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
