//! Sessions: who is signed in to the pages.

use super::{Caller, digest, random_text};
use crate::App;
use axum::http::{HeaderMap, header};
use cookie::{Cookie, SameSite};
use jiff::SignedDuration;
use ledger::{LedgerError, Session, User};

/// Name of the session cookie over plain HTTP, and over HTTPS, where the browser itself guards it.
const COOKIE: &str = "tidings_session";
const GUARDED_COOKIE: &str = "__Host-tidings_session";
/// How long somebody stays signed in.
const SIGNED_IN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Characters kept of what a browser calls itself.
const LONGEST_AGENT: usize = 200;
impl App {
    /// Signs a user in, in the browser that calls itself `agent`; answers with the token of the session.
    pub async fn sign_in(&self, user: &User, agent: &str) -> Result<String, LedgerError> {
        let (system, ledger) = (self.engine.system(), self.engine.ledger());
        let (token, now) = (random_text(system), system.now());
        let session = Session {
            digest: digest(&token),
            user: user.id,
            created_at: now,
            expires_at: now.saturating_add(SIGNED_IN).unwrap_or(now),
            agent: agent.chars().take(LONGEST_AGENT).collect(),
        };
        ledger.open_session(session).await?;
        Ok(token)
    }

    /// Who is signed in with a session's token.
    pub async fn signed_in(&self, token: Option<String>) -> Result<Option<Caller>, LedgerError> {
        match token {
            Some(token) => self.signed_in_as(&digest(&token)).await,
            None => Ok(None),
        }
    }

    /// Who is signed in with the session whose token has this digest.
    pub(super) async fn signed_in_as(&self, digest: &str) -> Result<Option<Caller>, LedgerError> {
        let (now, setup) = (self.engine.system().now(), self.engine.setup());
        if let Some(caller) = self.sessions.find(digest, now, &setup) {
            return Ok(Some(caller));
        }
        let session = self.engine.ledger().session(digest, now).await?;
        let setup = self.engine.setup();
        let user = session.and_then(|session| setup.user(session.user));
        Ok(user.map(Caller::of_user))
    }

    /// The cookie that keeps a session; an empty token ends it.
    pub fn cookie(&self, token: &str) -> String {
        let name = cookie_name(self.engine.public_url());
        let lasts = if token.is_empty() {
            SignedDuration::ZERO
        } else {
            SIGNED_IN
        };
        Cookie::build((name, token))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(name == GUARDED_COOKIE)
            .max_age(cookie::time::Duration::seconds(lasts.as_secs()))
            .build()
            .to_string()
    }
}

/// What the session's cookie is called where people reach the server under this address.
pub(crate) fn cookie_name(public_url: &str) -> &'static str {
    if public_url.starts_with("https://") {
        GUARDED_COOKIE
    } else {
        COOKIE
    }
}

/// The session token of a request.
pub fn session_token(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let lines = lines.filter_map(|value| value.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    let found = cookies.find(|cookie| [COOKIE, GUARDED_COOKIE].contains(&cookie.name()))?;
    Some(found.value().to_owned())
}

/// What the browser calls itself.
pub fn agent(headers: &HeaderMap) -> String {
    let told = headers.get(header::USER_AGENT);
    let text = told.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn request(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        headers.iter().map(named).collect()
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(
            session_token(&request(&[("cookie", "a=1; tidings_session=abc; b=2")])).as_deref(),
            Some("abc")
        );
        assert_eq!(
            session_token(&request(&[("cookie", "xtidings_session=abc")])),
            None
        );
    }

    #[test]
    fn a_cookie_that_cannot_be_read_hides_no_other() {
        let found = session_token(&request(&[("cookie", "=; broken; tidings_session=abc")]));
        assert_eq!(found.as_deref(), Some("abc"));
    }
}
