//! Members: who may sign in, as what, and what was done by whom.

use crate::{FactorCode, Result};
use async_trait::async_trait;
use domain::{ProjectId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Sessions, and the log of what was done.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Writes down something that was done beside configuring.
    async fn note(&self, deed: Deed<'_>) -> Result<()>;
    /// What was done, newest first, before a position.
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>>;
    /// Keeps a session where its user still is who was let in, and uses up the code that was shown: both, or neither. Forgets those that have ended,
    /// and of the user's the oldest beyond [`MOST_SESSIONS`], however many are opened at once.
    async fn open_session(&self, session: Session, by: LetInBy) -> Result<Opened>;
    /// A session that has not ended.
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>>;
    /// A user's sessions that have not ended, the newest first.
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>>;
    /// Lets a session that has not ended end later; one that has, or ends later anyway, stays as it is.
    async fn prolong_session(&self, digest: &str, until: Timestamp, now: Timestamp) -> Result<()>;
    /// Ends one session, and all of a user.
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()>;
}

/// A subject of the log before and after what was done, as it may be shown; empty where there was none, or nothing is told of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// What it was.
    pub before: &'a str,
    /// What it became.
    pub after: &'a str,
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address, lower case; unique among those with the same reach.
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

/// What of a user changes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPart {
    /// What it may do.
    Role(Role),
    /// The hash of its password.
    Password(String),
    /// The hash of the password it has already, made another way.
    Rehashed(String),
}

/// What a member may do. Each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read everything that is not secret.
    Viewer,
    /// Resend, test, grant, and change configuration.
    Developer,
    /// Manage members and keys, owners excepted.
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

/// Most bytes of an e-mail address, and of a name.
pub const LONGEST_EMAIL: usize = 200;

/// Most sessions of one user; the oldest end when another begins.
pub const MOST_SESSIONS: usize = 20;

/// A link that opens something once.
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
    /// What the link is good for.
    #[serde(default)]
    pub opens: Opens,
    /// Who made it.
    #[serde(default)]
    pub made_by: String,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// It makes an account.
    #[default]
    Account,
    /// It sets a new password for the account of this user, as long as role and reach are those that the invitation states.
    Password(UserId),
    /// It signs the operator in.
    Operator,
}

/// By what somebody is let in. It was compared a while ago, and is held against the account at the moment at which the session is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetInBy {
    /// The hash of the password, as it was compared.
    pub password: String,
    /// What came after the password.
    pub second: SecondStep,
}

/// What somebody showed beside the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondStep {
    /// Nothing: the account had no second factor.
    NotAsked,
    /// Nothing anew: they were signed in, and are signed in again with what they have changed.
    TakenBefore,
    /// A code, which is used up.
    Code(FactorCode),
}

/// What became of a session that was to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is kept.
    Kept,
    /// The user is gone, has another password, or was given a second factor meanwhile: nothing was written.
    Changed,
    /// The code was used before, or is none of the user's: nothing was written.
    CodeRefused,
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

/// Which entries of the log are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of this project.
    pub project: ProjectId,
    /// And those of none: for whoever reaches everything.
    pub with_common: bool,
}

/// Something that is done, to be written down.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: &'a str,
    /// What: `resend delivery`.
    pub what: &'a str,
    /// To what.
    pub subject: &'a str,
    /// In which project, if in one.
    pub project: Option<ProjectId>,
    /// What it is about.
    pub about: About,
}

/// What an entry of the log is about: how long it is kept, and whether its subject goes with a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Configuration, accounts and operations.
    Installation,
    /// A customer, its subject, of whom a member changed something.
    Customer,
    /// The same, by a program: there are as many of these as customers do things.
    CustomerByProgram,
}

impl About {
    /// As it is stored; the statements of retention and of forgetting name these.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Customer => "customer",
            Self::CustomerByProgram => "customer_by_program",
        }
    }
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
