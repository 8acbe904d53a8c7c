//! How much a listener lets others hold.

use std::time::Duration;

/// How much a listener lets others hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at once.
    pub connections: usize,
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
}
