//! A message for an exchange of RabbitMQ: which server, as whom, and how it is routed.

use domain::secret::Secret;

/// Where a message is published, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Routed {
    /// The server: a host and a port.
    pub server: String,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// The virtual host.
    pub vhost: String,
    /// As whom.
    pub user: String,
    /// The password of the user.
    pub password: Secret,
    /// The exchange.
    pub exchange: String,
    /// By which queues find what they want.
    pub routing_key: String,
    /// What kind of thing it is, in a word.
    pub kind: &'static str,
}
