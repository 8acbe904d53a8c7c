//! Several messages in one request, for those who want them so.

use crate::Now;
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
