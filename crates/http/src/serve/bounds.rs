//! How much a listener lets others hold.

use std::time::Duration;

/// The part of all connections that is kept for stores.
const OF_STORES: usize = 8;

/// How much a listener lets others hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at once.
    pub connections: usize,
    /// Of these, how many are kept for stores: what others ask for is never at work in more than the rest.
    pub of_stores: usize,
    /// How long somebody may keep the server waiting before others who come make it go, whatever address it is at.
    pub grace: Duration,
    /// How long a connection may be open without a request.
    pub idle: Duration,
    /// How long the head of a request may take, from its first byte.
    pub head: Duration,
    /// How long its body may take, from the end of the head.
    pub body: Duration,
    /// How long an answer may lie there of which the caller takes less than there is.
    pub answer: Duration,
    /// Bytes of all bodies together that are in memory, less the first 64 KiB of each.
    pub bodies: usize,
    /// How long what is under way may go on once the listener closes.
    pub last: Duration,
}

impl Bounds {
    /// Those of a server that may have so many connections.
    pub const fn of(connections: usize) -> Self {
        Self {
            connections,
            of_stores: connections / OF_STORES,
            grace: Duration::from_secs(2),
            // Load balancers keep connections for a minute, and take it amiss when they are closed before.
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            body: Duration::from_secs(60),
            answer: Duration::from_secs(30),
            bodies: 32 << 20,
            last: Duration::from_secs(3),
        }
    }

    /// Those of a listener with so many connections on which everybody asks for the same kind of thing.
    pub const fn of_one_kind(connections: usize) -> Self {
        Self {
            of_stores: 0,
            ..Self::of(connections)
        }
    }
}
