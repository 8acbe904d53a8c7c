//! API keys.

use domain::{ApiKeyId, AppId, ProjectId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An API key. Only a digest of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The only project it reaches; `None` reaches all.
    pub project: Option<ProjectId>,
    /// For keys of clients: the app they are part of.
    #[serde(default)]
    pub app: Option<AppId>,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal.
    pub digest: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a key may do. Each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Only what client SDKs do: send purchases in, read and name a customer, write attributes. Not secret.
    Client,
    /// Read events, deliveries, customers and configuration.
    Read,
    /// Also resend, test, grant, and change configuration.
    Write,
}
