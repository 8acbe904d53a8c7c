//! What chats are told of an event: a sentence about a customer, how it is felt about, and a few named values. How that is marked up, and which
//! colours there are, is each chat's own.
//!
//! Names of customers and products come from outside: each chat escapes them, so that they neither ring anybody nor lead anywhere.

mod read;
mod wording;

pub(crate) use read::{Chat, DELIVERY, SHOWN, check_webhook, read};
pub(crate) use wording::{EVENTS, Mood};

use crate::{
    Unsendable,
    common::Refunds,
    encode::percent,
    told::{environment, store},
};
use domain::{Event, EventKind, Message, NotSent};
use read::Shown;
use std::borrow::Cow;
use wording::wording;

/// A text that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    /// What is read.
    pub(crate) text: Cow<'a, str>,
    /// Where it leads; what comes from outside is percent-encoded in it.
    pub(crate) url: String,
}

/// A message before it is marked up.
pub(crate) struct Told<'a> {
    /// How it is felt about.
    pub(crate) mood: Mood,
    /// Whom it is about; a test is about nobody, so it leads to no page of theirs.
    pub(crate) customer: Option<Link<'a>>,
    /// What is said of them: `just made a purchase.`
    pub(crate) text: &'static str,
    /// All in one line, without markup.
    pub(crate) summary: String,
    /// Product, amount, and what else is to be shown, each under its name.
    pub(crate) facts: Vec<(&'static str, Cow<'a, str>)>,
    /// The page of the event, where it is to be shown.
    pub(crate) event: Option<Link<'a>>,
}

impl Chat {
    /// One message for each event that is wanted. `has_sandbox`: whether test purchases have a place of their own.
    pub(crate) fn plan(&self, event: &Event, has_sandbox: bool) -> Result<Vec<Message>, NotSent> {
        let name = self
            .common
            .name(event, has_sandbox, |kind| Some(kind.id()))?;
        let product = event.previous_product.as_ref().or(event.product.as_ref());
        Ok(vec![Message {
            product_identifier: product.cloned(),
            app_id: event.app.as_ref().map(|app| app.id.to_string()),
            ..Message::named(name)
        }])
    }

    /// What is told of an event.
    pub(crate) fn told<'a>(&self, event: &'a Event) -> Result<Told<'a>, Unsendable> {
        let words = wording(event.kind).ok_or_else(|| Unsendable::unsupported(event.kind.id()))?;
        let customer = event.customer.app_user_id.as_str();
        let about = match event.kind {
            EventKind::Test => "This".to_owned(),
            _ => format!("Customer {customer}"),
        };
        let mut facts = Vec::new();
        if let Some(product) = &event.product {
            facts.push(("Product", clipped(product)));
        }
        let amount = words.amount.and_then(|name| {
            let amount = self.common.amount(event, Refunds::Positive)?;
            (amount.micros > 0).then(|| (name, amount.to_string().into()))
        });
        facts.extend(amount);
        facts.extend(self.show.iter().filter_map(|shown| match shown {
            Shown::Store => Some(("Store", store(event))),
            Shown::Environment => Some(("Environment", environment(event).into())),
            Shown::Event => None,
        }));
        let page = || Link {
            text: event.id.to_string().into(),
            url: format!(
                "{}/projects/{}/events/{}",
                self.site, event.project, event.id
            ),
        };
        Ok(Told {
            mood: words.mood,
            customer: (event.kind != EventKind::Test).then(|| Link {
                text: customer.into(),
                url: format!("{}/{}", self.link_base, percent(customer)),
            }),
            text: words.text,
            summary: match named(event) {
                Some(named) => format!("{about} {} {}", words.before_product, clipped(&named)),
                None => format!("{about} {}", words.text),
            },
            facts,
            event: self.show.contains(&Shown::Event).then(page),
        })
    }
}

/// What the sentence about an event ends with; `None` where nobody knows the product, or what it was changed from.
fn named(event: &Event) -> Option<Cow<'_, str>> {
    let product = event.product.as_deref();
    match (event.previous_product.as_deref(), product) {
        (Some(previous), Some(product)) => Some(format!("{previous} to {product}").into()),
        (Some(previous), None) => Some(previous.into()),
        (None, _) if event.kind == EventKind::Test => Some(product.unwrap_or("Tidings").into()),
        (None, _) if event.kind == EventKind::ProductChanged => None,
        (None, product) => product.map(Cow::from),
    }
}

/// The longest product that is shown whole: no chat takes less for a value, escaped as it may be.
const LONGEST: usize = 200;

fn clipped(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(clipped("monthly"), "monthly");
        let long = "é".repeat(LONGEST);
        assert_eq!(clipped(&long), long);
        assert_eq!(clipped(&format!("{long}x")), format!("{long}…"));
    }
}
