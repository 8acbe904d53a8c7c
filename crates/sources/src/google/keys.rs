//! The keys that Google signs push tokens with, as known from its key server.
//!
//! A push whose key is known waits for nobody. One whose key is not may be from anybody: such pushes wait in a row while one of
//! them asks, so many of them and no more, and what was asked a moment ago is not asked again.

use crate::{
    Call, Purpose, Refusal, RefusalCode, Trouble, Web,
    jwt::{self, TokenProblem},
    web,
};
use domain::time::{after, is_recent};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};

/// How long keys are kept when the answer does not say.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Shortest time between two reads of the keys: unknown key ids must not make us hammer Google.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// The same, after one in vain.
const PAUSE_IN_VAIN: SignedDuration = SignedDuration::from_secs(5);

/// Pushes that wait for the keys: each has a connection meanwhile.
const MOST_WAITING: usize = 16;

const WHO: &str = "Google's key server";

/// Keys that were read.
#[derive(Debug)]
struct Read {
    set: JwkSet,
    read_at: Timestamp,
    kept_until: Timestamp,
}

/// What is known of the keys.
#[derive(Debug, Default, Clone)]
struct Known {
    read: Option<Arc<Read>>,
    /// When they were last asked for in vain, and why.
    in_vain: Option<(Timestamp, Refusal)>,
}

/// Verifies push tokens.
#[derive(Debug)]
pub(super) struct Keys {
    /// Read and replaced, never held while somebody is asked.
    known: Guarded<Known>,
    waiting: Semaphore,
    /// Whose turn it is to ask.
    asking: Mutex<()>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            known: Guarded::default(),
            waiting: Semaphore::new(MOST_WAITING),
            asking: Mutex::default(),
        }
    }
}

fn refuse(detail: impl Into<String>) -> Refusal {
    Refusal::refuse(RefusalCode::PushNotAuthenticated, detail)
}

impl Keys {
    /// The claims of a token, verified with the keys known; with fresh ones when they are old or the key is unknown.
    pub(super) async fn claims<T: DeserializeOwned>(
        &self,
        token: &str,
        url: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<T, Refusal> {
        if let Some(claims) = self.by_known(token, now)? {
            return Ok(claims);
        }
        let Ok(_place) = self.waiting.try_acquire() else {
            let why = "so many pushes wait for Google's keys that this one has to be sent again";
            return Err(Refusal::again(RefusalCode::PushKeysUnavailable, why));
        };
        let _turn = self.asking.lock().await;
        if let Some(claims) = self.by_known(token, now)? {
            return Ok(claims);
        }
        match fetch(url, web, now).await {
            Ok(read) => {
                let read = Arc::new(read);
                self.replace(Known {
                    read: Some(Arc::clone(&read)),
                    in_vain: None,
                });
                verify(token, &read.set)?.map_err(unpublished)
            }
            Err(refusal) => {
                let read = self.known().read;
                let in_vain = Some((now, refusal.clone()));
                self.replace(Known { read, in_vain });
                Err(refusal)
            }
        }
    }

    /// The claims, if the keys known say; `None` when Google is to be asked.
    fn by_known<T: DeserializeOwned>(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<T>, Refusal> {
        let Known { read, in_vain } = self.known();
        if let Some(read) = read.filter(|read| now < read.kept_until) {
            match verify(token, &read.set)? {
                Ok(claims) => return Ok(Some(claims)),
                Err(id) if is_recent(read.read_at, now, PAUSE) => return Err(unpublished(id)),
                Err(_) => {}
            }
        }
        match in_vain {
            Some((at, refusal)) if is_recent(at, now, PAUSE_IN_VAIN) => Err(refusal),
            _ => Ok(None),
        }
    }

    fn known(&self) -> Known {
        let known = self.known.lock();
        known.clone()
    }

    fn replace(&self, known: Known) {
        *self.known.lock() = known;
    }
}

fn unpublished(id: String) -> Refusal {
    refuse(format!("Google publishes no key {id:?}"))
}

/// The claims, or the id of the key that is not among these.
fn verify<T: DeserializeOwned>(token: &str, keys: &JwkSet) -> Result<Result<T, String>, Refusal> {
    match jwt::verify(token, keys) {
        Ok(claims) => Ok(Ok(claims)),
        Err(TokenProblem::UnknownKey(id)) => Ok(Err(id)),
        Err(TokenProblem::Malformed(what)) => {
            Err(refuse(format!("the push token cannot be read: {what}")))
        }
        Err(TokenProblem::Forged) => Err(refuse("the push token's signature does not match")),
    }
}

async fn fetch(url: &str, web: &dyn Web, now: Timestamp) -> Result<Read, Refusal> {
    let fetched = async {
        let reply = web::call(web, &Call::get(Purpose::Keys, url.to_owned(), None), WHO).await?;
        let reply = reply.check(WHO, now)?;
        let kept = max_age(reply.cache_control.as_deref()).unwrap_or(KEPT);
        Ok::<_, Trouble>((reply.json::<JwkSet>(WHO)?, kept))
    };
    let (set, kept) = fetched.await.map_err(|trouble| {
        // Anybody may send a push, and is answered with this.
        Refusal::again(RefusalCode::PushKeysUnavailable, trouble.told())
    })?;
    Ok(Read {
        set,
        read_at: now,
        kept_until: after(now, kept),
    })
}

/// `max-age` of a `Cache-Control` header, at most a day.
fn max_age(header: Option<&str>) -> Option<SignedDuration> {
    let seconds: i64 = header?
        .split(',')
        .find_map(|part| part.trim().strip_prefix("max-age="))?
        .parse()
        .ok()?;
    Some(SignedDuration::from_secs(seconds.clamp(0, 86_400)))
}
