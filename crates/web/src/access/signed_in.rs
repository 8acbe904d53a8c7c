//! Who is signed in, and signing in.

use super::{Caller, cookies, digest, random_text, session::Use};
use crate::App;
use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use ledger::{LedgerError, LetInBy, Opened, SecondStep, Session, User};
use std::fmt;

/// Characters kept of what a browser calls itself.
const LONGEST_AGENT: usize = 200;
/// Which part of the idle time has to pass before it is written that a session goes on.
const WRITTEN_EVERY: i32 = 20;

/// What came of signing somebody in.
#[derive(Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// The token of the session.
    As(String),
    /// The account is gone, has another password, or was given a second factor since it was looked at.
    Changed,
    /// The code was used before, or is none of the account's.
    CodeRefused,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever has the token is signed in.
        f.write_str(match self {
            Self::As(_) => "As(..)",
            Self::Changed => "Changed",
            Self::CodeRefused => "CodeRefused",
        })
    }
}

impl App {
    /// Signs a user in, in the browser that calls itself `agent`, where the account is still as it is known to be here.
    pub async fn sign_in(
        &self,
        user: &User,
        second: SecondStep,
        agent: &str,
    ) -> Result<SignedIn, LedgerError> {
        let (system, ledger) = (self.engine.system(), self.engine.ledger());
        let (token, now) = (random_text(system), system.now());
        let session = Session {
            digest: digest(&token),
            user: user.id,
            created_at: now,
            expires_at: self.sessions.lasting.until(now, now),
            agent: agent.chars().take(LONGEST_AGENT).collect(),
        };
        let by = LetInBy {
            password: user.password.clone(),
            second,
        };
        Ok(match ledger.open_session(session, by).await? {
            Opened::Kept => SignedIn::As(token),
            Opened::Changed => SignedIn::Changed,
            Opened::CodeRefused => SignedIn::CodeRefused,
        })
    }

    /// Who is signed in with a session's token.
    pub async fn signed_in(&self, token: Option<String>) -> Result<Option<Caller>, LedgerError> {
        match token {
            Some(token) => self.signed_in_as(&digest(&token), Use::Page).await,
            None => Ok(None),
        }
    }

    /// Who is signed in with the session whose token has this digest. What somebody uses goes on.
    pub(super) async fn signed_in_as(
        &self,
        digest: &str,
        by: Use,
    ) -> Result<Option<Caller>, LedgerError> {
        let (now, setup) = (self.engine.system().now(), self.engine.setup());
        if let Some(caller) = self.sessions.find(digest, by, now, &setup) {
            return Ok(Some(caller));
        }
        let session = self.engine.ledger().session(digest, now).await?;
        let lasting = self.sessions.lasting;
        // The server may have been told since that sessions end sooner.
        let session = session.filter(|session| now < lasting.end(session.created_at));
        let setup = self.engine.setup();
        let known = session.and_then(|session| Some((setup.user(session.user)?, session)));
        let Some((user, session)) = known else {
            return Ok(None);
        };
        if by == Use::Person {
            self.go_on(&session, now).await;
        }
        Ok(Some(Caller::of_user(user)))
    }

    /// Writes that a session is used, from time to time.
    async fn go_on(&self, session: &Session, now: Timestamp) {
        let lasting = self.sessions.lasting;
        let until = lasting.until(session.created_at, now);
        if session.expires_at.duration_until(until) < lasting.idle / WRITTEN_EVERY {
            return;
        }
        let ledger = self.engine.ledger();
        if let Err(error) = ledger.prolong_session(&session.digest, until, now).await {
            tracing::warn!(%error, "that a session is used could not be written; it may end sooner than it should");
        }
    }

    /// The session token of a request.
    pub fn session_token(&self, headers: &HeaderMap) -> Option<String> {
        cookies::SESSION.find(headers, self.engine.public_url())
    }

    /// The cookie that keeps a session; an empty token ends it.
    pub fn cookie(&self, token: &str) -> String {
        let lasts = if token.is_empty() {
            SignedDuration::ZERO
        } else {
            self.sessions.lasting.longest
        };
        cookies::SESSION.set(self.engine.public_url(), token, lasts)
    }
}
