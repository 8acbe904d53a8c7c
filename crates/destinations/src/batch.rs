//! Several messages in one request, for those who want them so.

use crate::{Now, encode};
use domain::{Event, Message};
use std::time::Duration;

/// How many messages one request may carry, and how long the first waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Messages, at most.
    pub most: usize,
    /// Bytes of the body, at most, before it is compressed.
    pub bytes: usize,
    /// How long the first of them waits for others.
    pub linger: Duration,
}

/// One message of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The delivery that carries it, which is the same on every retry.
    pub delivery: &'a str,
    /// The message.
    pub message: &'a Message,
    /// Its event.
    pub event: &'a Event,
    /// What is known now.
    pub now: Now<'a>,
}

impl<'a> Item<'a> {
    /// A message that travels alone.
    pub(crate) const fn alone(message: &'a Message, event: &'a Event, now: Now<'a>) -> Self {
        Self {
            delivery: "",
            message,
            event,
            now,
        }
    }
}

/// What a batch is called: the id of its first event and, of more, a digest of all their ids. The same events in the same order have the same
/// name, and others have another: what is kept under a name is only ever replaced by the same.
pub(crate) fn name(items: &[Item<'_>]) -> String {
    let ids: Vec<_> = items.iter().map(|item| item.event.id.to_string()).collect();
    match ids.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, ..] => {
            let digest = encode::sha256(ids.join("\n"));
            let short: String = digest.chars().take(16).collect();
            format!("{first}-{short}")
        }
    }
}
