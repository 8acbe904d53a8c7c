//! Where files are kept: what a store says of itself, and what is the same for all of them.

use super::filing::{FIELDS, File, Filing};
use crate::{
    Configured, Invalid, Now, Outcome, Plan, Request, Response, Unsendable,
    batch::{Batching, Item},
    common::Common,
    settings::{gather, take},
};
use domain::{Event, Message, pace::Rate, retry};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// A store of files, as it is set up.
pub(crate) trait Store: Sized + Send + Sync + 'static {
    /// Reads the settings that are not about the files themselves.
    fn read(settings: &Value) -> Result<(Self, Common), Vec<Invalid>>;
    /// The request that puts a file there.
    fn put(&self, common: &Common, file: File) -> Result<Request, Unsendable>;
    /// Adds what depends on the moment.
    fn sign(&self, _request: &mut Request, _at: Timestamp) {}
    /// What an answer means for the file.
    fn classify(&self, response: &Response) -> Outcome;
}

struct Ready<S> {
    store: S,
    filing: Filing,
    common: Common,
}

/// Checks the settings of a store.
pub(crate) fn configure<S: Store>(settings: &Value) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    let mut problems = Vec::new();
    let (filing, own) = take::<Filing>(settings, FIELDS);
    let filing = gather(filing, &mut problems);
    let own = gather(S::read(&own), &mut problems);
    problems.extend(filing.iter().flat_map(Filing::problems));
    match (filing, own) {
        (Some(filing), Some((store, common))) if problems.is_empty() => Ok(Box::new(Ready {
            store,
            filing,
            common,
        })),
        _ => Err(problems),
    }
}

impl<S: Store> Configured for Ready<S> {
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
        self.store.sign(request, at);
    }

    fn classify(&self, response: &Response) -> Outcome {
        self.store.classify(response)
    }

    fn batching(&self) -> Option<Batching> {
        Some(self.filing.batching())
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let file = self.filing.file(&self.common, items)?;
        self.store.put(&self.common, file)
    }

    /// Rights are given, and buckets made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    /// A file may be large.
    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
