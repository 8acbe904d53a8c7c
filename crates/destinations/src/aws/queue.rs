//! A queue of AWS's: what a service says of itself, and what is the same for all of them.

use super::{
    account::{Account, FIELDS},
    entries::{Entry, entries},
    errors::outcome,
};
use crate::{
    Configured, Invalid, Now, Outcome, Plan, Request, Response, Spec, Unsendable,
    batch::{Batching, Item},
    common::{self, Common},
    settings::{gather, take},
};
use domain::{Event, Message, pace::Rate, retry};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Messages in a request. Source: the quotas of all three.
const MOST: usize = 10;
/// Bytes of a request.
const BYTES: usize = 256 << 10;

/// What one service of AWS's has of its own: its settings, and these.
pub(crate) trait Queue: DeserializeOwned + Send + Sync + 'static {
    /// Its name where requests are signed, and in its address.
    const SERVICE: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// What it is.
    fn spec() -> &'static Spec;
    /// What cannot be used of its settings.
    fn problems(&self) -> Vec<Invalid> {
        Vec::new()
    }
    /// The request for these messages, at least one.
    fn request(&self, url: &str, entries: &[Entry<'_>]) -> Result<Request, Unsendable>;
    /// What an answer of 200 means for each of so many messages.
    fn each(&self, response: &Response, many: usize) -> Vec<Outcome>;
}

struct Ready<Q> {
    queue: Q,
    account: Account,
    common: Common,
}

/// Checks the settings of a queue.
pub(crate) fn configure<Q: Queue>(settings: &Value) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    let mut problems = Vec::new();
    let (account, own) = take::<Account>(settings, FIELDS);
    let account = gather(account, &mut problems);
    let own = gather(common::read::<Q>(&own, Q::spec()), &mut problems);
    problems.extend(account.iter().flat_map(Account::problems));
    problems.extend(own.iter().flat_map(|(queue, _)| queue.problems()));
    match (account, own) {
        (Some(account), Some((queue, common))) if problems.is_empty() => Ok(Box::new(Ready {
            queue,
            account,
            common,
        })),
        _ => Err(problems),
    }
}

impl<Q: Queue> Configured for Ready<Q> {
    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.handed_on(event)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        self.render_batch(&[Item::alone(message, event, now)])
    }

    fn sign(&self, request: &mut Request, _: &str, at: Timestamp) {
        self.account.sign(request, Q::SERVICE, at);
    }

    fn classify(&self, response: &Response) -> Outcome {
        match outcome(response, Q::TITLE) {
            Outcome::Delivered => self
                .queue
                .each(response, 1)
                .pop()
                .unwrap_or(Outcome::Delivered),
            other => other,
        }
    }

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            most: MOST,
            bytes: BYTES,
            linger: Duration::from_millis(200),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        self.account.check()?;
        let entries = entries(&self.common, items)?;
        let url = self.common.url(&self.account.host(Q::SERVICE), "/");
        self.queue.request(&url, &entries)
    }

    fn classify_batch(&self, response: &Response, items: &[Item<'_>]) -> Option<Vec<Outcome>> {
        let is_taken = outcome(response, Q::TITLE) == Outcome::Delivered;
        is_taken.then(|| self.queue.each(response, items.len()))
    }

    /// Rights are given, and queues made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
