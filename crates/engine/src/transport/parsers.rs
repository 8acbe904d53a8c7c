//! What reads what servers say, for whoever gives it bytes that no server would say: nothing of it may panic, or go on for ever.

use super::{amqp, kafka, smtp};

/// Frames of AMQP, one after the other.
pub fn amqp(bytes: &[u8]) {
    amqp::read_all(bytes);
}

/// An answer of a broker of Kafka to any of the questions there are, and what it says of a proof.
pub fn kafka(bytes: &[u8]) {
    kafka::read_all(bytes);
}

/// A reply of a mail server before the connection is encrypted. Those after that are read by `lettre`.
pub fn smtp(bytes: &[u8]) {
    smtp::read_all(bytes);
}
