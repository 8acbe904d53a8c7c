//! People: who may sign in, as what, and what was done by whom.

use domain::{ProjectId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person may do. Each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read everything that is not secret.
    Viewer,
    /// Resend, test, grant, and change configuration.
    Developer,
    /// Manage people and keys, owners excepted.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Admin, Self::Owner];

    /// The id used in SQL, the API and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Parses [`Role::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address, lower case, unique.
    pub email: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only project it reaches; `None` reaches all.
    pub project: Option<ProjectId>,
    /// A salted, slow hash of its password, with the means to check it.
    pub password: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A link that makes its bearer a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of the link's token, in hexadecimal.
    pub digest: String,
    /// For whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// The only project it will reach; `None` for all.
    pub project: Option<ProjectId>,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// Somebody signed in somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its token, in hexadecimal.
    pub digest: String,
    /// Who.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// In which browser, as it calls itself; at most 200 characters.
    pub agent: String,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its position; later entries have higher ones.
    pub position: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// What: `put integration`.
    pub what: String,
    /// To what.
    pub subject: String,
    /// What it was before, JSON without anything secret; empty when it was not there.
    pub before: String,
    /// What it was after; empty when it was removed.
    pub after: String,
}
