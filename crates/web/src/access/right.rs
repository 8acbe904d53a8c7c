//! The right of a caller, asked again for what lasts.

use super::{Caller, Use};
use crate::{
    App,
    described::{Asks, Description},
    followers::Follower,
    problem::{Code, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};

/// By what somebody was let in, and may be asked again while the answer goes on.
#[derive(Clone)]
pub struct Right {
    pub(super) app: App,
    pub(super) caller: Caller,
    /// The digest of the session's token; `None` when a key came with the request.
    pub(super) session: Option<String>,
}

impl Right {
    /// The server that let them in.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// A place for the caller among those who follow what happens, if there is one.
    pub fn follow(&self) -> Result<Follower, Problem> {
        self.app.followers.join(&self.caller)
    }

    /// Whether the caller may still do what it might: the session goes on, the key is good, and role and reach are the same.
    pub async fn holds(&self) -> bool {
        match &self.session {
            Some(digest) => match self.app.signed_in_as(digest, Use::Page).await {
                Ok(caller) => caller.as_ref() == Some(&self.caller),
                Err(error) => {
                    tracing::warn!(%error, "whether a session goes on could not be read; what it was shown ends");
                    false
                }
            },
            None => self.caller.is_still(&self.app.engine.setup()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Right {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let right = parts.extensions.get::<Self>().cloned();
        right.ok_or_else(|| Problem::new(Code::Internal, "this route has no access rule"))
    }
}

impl Asks for Right {
    fn ask(of: &mut Description) {
        Caller::ask(of);
    }
}
