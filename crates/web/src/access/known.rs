//! Browsers in which somebody signed in before: whoever guesses at their password from elsewhere does not keep them out.

use super::{cookies, digest};
use crate::{App, passwords::Asker};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::UserId;
use jiff::SignedDuration;
use std::{convert::Infallible, net::IpAddr, str::FromStr};

/// How long a browser is known without signing in.
const LASTS: SignedDuration = SignedDuration::from_hours(365 * 24);
/// What the vault seals it for.
const OWNER: &str = "known browser";

/// Where somebody who wants to sign in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    address: Option<IpAddr>,
    /// Who signed in there before, and the digest of what proves it.
    known: Option<(UserId, String)>,
}

impl Whereabouts {
    /// Where a request comes from.
    fn of(app: &App, head: &Parts) -> Self {
        Self {
            address: app.gate.proxies.asker(&head.extensions, &head.headers),
            known: known(app, &head.headers),
        }
    }

    /// Who tries, for somebody who says to be this user.
    pub fn asker(&self, said: UserId) -> Asker<'_> {
        match &self.known {
            Some((user, proof)) if *user == said => Asker::Known(proof),
            _ => self.stranger(),
        }
    }

    /// Who tries, for somebody who is not known here.
    pub const fn stranger(&self) -> Asker<'_> {
        Asker::Stranger(self.address)
    }
}

impl<S> FromRequestParts<S> for Whereabouts
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&App::from_ref(state), parts))
    }
}

fn known(app: &App, headers: &HeaderMap) -> Option<(UserId, String)> {
    let value = cookies::KNOWN.find(headers, app.engine.public_url())?;
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(&value).ok()?;
    let plain = app.engine.vault().open_sealed(OWNER, &sealed).ok()?;
    let user = UserId::from_str(str::from_utf8(&plain).ok()?).ok()?;
    Some((user, digest(&value)))
}

impl App {
    /// The cookie that makes a browser known to be a user's.
    pub fn known_cookie(&self, user: UserId) -> String {
        let sealed = self.engine.vault().seal(OWNER, user.to_string().as_bytes());
        let value = BASE64_URL_SAFE_NO_PAD.encode(sealed);
        cookies::KNOWN.set(self.engine.public_url(), &value, LASTS)
    }
}
