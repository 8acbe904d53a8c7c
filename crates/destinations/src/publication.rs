//! A message of a stream: where it is published, and as whom.

/// Where a message is published, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    /// Servers of one cluster, each `nats://host:port` or, encrypted, `tls://host:port`.
    pub servers: Vec<String>,
    /// The subject.
    pub subject: String,
    /// As whom.
    pub login: Login,
}

/// How a server knows us.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Login {
    /// It asks for nothing.
    Nobody,
    /// By a token.
    Token(String),
    /// By name and password.
    Password(String, String),
    /// By the content of a `.creds` file: a token signed by the account, and the key it names.
    Credentials(String),
}
