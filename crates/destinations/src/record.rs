//! A record for a topic of Kafka: which cluster, as whom, and under which key.

use domain::secret::Secret;
use jiff::Timestamp;

/// Where a record is produced, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Brokers of one cluster, each a host and a port. Any of them says who the others are.
    pub brokers: Vec<String>,
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
    /// How we sign in, where brokers ask for it.
    pub login: Option<Sasl>,
    /// The topic.
    pub topic: String,
    /// Records of one key are in one partition, in order.
    pub key: String,
    /// When it happened, as the log tells it.
    pub at: Timestamp,
}

/// A name and a password, and how they are proved.
#[derive(Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How.
    pub mechanism: Mechanism,
    /// The name.
    pub user: String,
    /// The password; or a token, which is empty until one is given.
    pub password: Secret,
}

/// How a name and a password are proved to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// They are told. Source: RFC 4616.
    Plain,
    /// The password is not told. Source: RFC 5802, RFC 7677.
    ScramSha256,
    /// The same with longer digests.
    ScramSha512,
    /// A token that somebody else gave is told. Source: RFC 7628.
    OauthBearer,
}

impl Mechanism {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}
