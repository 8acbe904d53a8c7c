//! Integrations.

use domain::{IntegrationId, ProjectId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A destination configured in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its project.
    pub project: ProjectId,
    /// Its key, unique in the project.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Key of the destination.
    pub destination: String,
    /// Settings, encrypted.
    pub sealed_settings: Vec<u8>,
    /// Paused by hand: deliveries are kept, none is sent.
    pub paused: bool,
    /// Whether its endpoint passed verification.
    pub verification: Verification,
}

/// Whether an endpoint has shown that it is the integration's, and takes its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verification {
    /// The destination needs none, or it passed.
    Passed,
    /// Not tried yet.
    Pending,
    /// Tried, and what was wrong with the answer.
    Failed {
        /// What was wrong.
        problem: String,
        /// When.
        at: Timestamp,
    },
    /// It refused the credentials twice in a row: nothing gets through until they change.
    Refused {
        /// What it said.
        problem: String,
        /// When.
        at: Timestamp,
    },
}
