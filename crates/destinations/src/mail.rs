//! A message of electronic mail: the server that takes it, and from whom to whom.

use domain::secret::Secret;
use lettre::Address;
use serde::Deserialize;

/// Where a message is handed in, as whom, and to whom it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The server that takes it: a host and a port.
    pub server: String,
    /// How the connection is encrypted.
    pub security: Security,
    /// Who hands it in, where the server asks for that.
    pub login: Option<Login>,
    /// The name that we say we have.
    pub hello: String,
    /// Whom it is from, and who is told what becomes of it.
    pub from: Address,
    /// Whom it goes to.
    pub to: Vec<Address>,
    /// Whether nobody gets it while one of them is refused for now.
    pub waits_for_all: bool,
}

/// What a server replied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// That we are there.
    Hello,
    /// Who we are.
    Login,
    /// Whom the message is from.
    Sender,
    /// Whom it goes to.
    Recipients,
    /// The message.
    Message,
}

impl Stage {
    /// By which command that is said. Source: RFC 5321, section 4.1.1; RFC 4954, section 4.
    pub(crate) const fn command(self) -> &'static str {
        match self {
            Self::Hello => "EHLO",
            Self::Login => "AUTH",
            Self::Sender => "MAIL",
            Self::Recipients => "RCPT",
            Self::Message => "DATA",
        }
    }
}

/// Who hands a message in.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// What the name is proved by; a token is empty until one is given.
    pub secret: Secret,
    /// What that is.
    pub proof: Proof,
}

/// What a name is proved by to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A password.
    #[default]
    Password,
    /// A token that somebody else gave. Source: Google, "OAuth 2.0 Mechanism" (`XOAUTH2`), which Microsoft follows.
    Oauth,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// It begins in the clear, and nothing is said before it is encrypted. Source: RFC 3207.
    #[default]
    Starttls,
    /// It is encrypted from the beginning. Source: RFC 8314.
    Tls,
    /// It is not.
    None,
}

impl Security {
    /// The port that is asked unless another is named.
    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }

    /// What stands before the host.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Tls => "smtps",
            Self::Starttls | Self::None => "smtp",
        }
    }
}
