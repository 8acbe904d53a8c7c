//! Who is calling.

use crate::{
    described::{Answers, Asks, Description},
    problem::{Code, Problem},
    signed::signed,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{ApiKeyId, AppId, ProjectId, UserId};
use engine::Setup;
use ledger::{ApiKey, Role, Scope, User};

/// What whoever comes by the operator's link is called.
pub const OPERATOR: &str = "operator";

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For people.
    pub name: String,
    /// The only project it reaches.
    pub project: Option<ProjectId>,
    /// The app a public key is part of.
    pub app: Option<AppId>,
    /// How far it reaches.
    pub scope: Scope,
    /// As what somebody is signed in; `None` for keys.
    pub role: Option<Role>,
    /// Whose account it is; `None` for keys and the operator.
    pub user: Option<UserId>,
    /// By which key; `None` for people.
    pub key: Option<ApiKeyId>,
}

impl Caller {
    /// Whoever holds a key.
    pub fn of_key(key: &ApiKey) -> Self {
        Self {
            name: format!("key {}", key.name),
            project: key.project,
            app: key.app,
            scope: key.scope,
            role: None,
            user: None,
            key: Some(key.id),
        }
    }

    /// Whoever came by the operator's link.
    pub(super) fn operator() -> Self {
        Self {
            name: OPERATOR.into(),
            project: None,
            app: None,
            scope: Scope::Write,
            role: Some(Role::Owner),
            user: None,
            key: None,
        }
    }

    pub(super) fn of_user(user: &User) -> Self {
        Self {
            name: user.email.clone(),
            project: user.project,
            app: None,
            scope: if user.role >= Role::Developer {
                Scope::Write
            } else {
                Scope::Read
            },
            role: Some(user.role),
            user: Some(user.id),
            key: None,
        }
    }

    /// Whether it came by the operator's link.
    pub fn is_operator(&self) -> bool {
        self.role == Some(Role::Owner) && self.user.is_none()
    }

    /// For the audit log.
    pub fn signed(&self) -> String {
        self.user
            .map_or_else(|| self.name.clone(), |id| signed(&self.name, id))
    }

    /// Whether it is known still, and may do what it might when it was let in.
    pub fn is_still(&self, setup: &Setup) -> bool {
        let mut keys = setup.configuration.api_keys.iter();
        let now = match (self.user, self.key) {
            (Some(user), _) => setup.user(user).map(Self::of_user),
            (None, Some(id)) => keys.find(|key| key.id == id).map(Self::of_key),
            // The operator.
            (None, None) => return true,
        };
        now.as_ref() == Some(self)
    }

    /// Whether it may manage members and keys: an admin or owner, never a key.
    pub fn may_manage(&self) -> bool {
        self.role >= Some(Role::Admin)
    }

    /// The only project that it can mean where a path names none: its own, or the only one there is.
    pub fn only_project(&self, setup: &Setup) -> Option<ProjectId> {
        let mut all = setup.projects().map(|project| project.row.id);
        match (self.project, all.next(), all.next()) {
            (Some(own), ..) => Some(own),
            (None, only, None) => only,
            (None, ..) => None,
        }
    }

    /// Whether what reaches this far is its business: an account, a key, a link. What reaches every project is that of those who do so too.
    pub fn may_know(&self, reach: Option<ProjectId>) -> bool {
        self.reaches_all() || self.project == reach
    }

    /// Whether every project is open to it.
    pub const fn reaches_all(&self) -> bool {
        self.project.is_none()
    }

    /// What is one for all projects, exchange rates, is for those who reach them all.
    ///
    /// Errors: it reaches one only.
    pub fn must_reach_all(&self) -> Result<(), Problem> {
        match self.project {
            None => Ok(()),
            Some(_) => Err(Problem::new(
                Code::Forbidden,
                "it serves every project, and you reach one only",
            )),
        }
    }

    /// Whether a project is open to it.
    pub fn reaches(&self, project: ProjectId) -> bool {
        self.project.is_none_or(|only| only == project)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::new(Code::Internal, "this route has no access rule"))
    }
}

impl Asks for Caller {
    fn ask(of: &mut Description) {
        Problem::answer(of);
    }
}
