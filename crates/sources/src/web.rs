//! The way to a store's API, and to what it is checked with, as the sources see it.

use async_trait::async_trait;
use domain::Headers;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

/// What a request is for. Which internal networks may be reached is said for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To ask a store, and whoever gives out the tokens that it is asked with.
    Store,
    /// To read the keys that signatures are checked with, or whether a certificate was revoked.
    Keys,
    /// To read exchange rates.
    Rates,
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// What for.
    pub purpose: Purpose,
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Headers. Values may be secret.
    pub headers: Headers,
    /// Body.
    pub body: Vec<u8>,
}

impl Call {
    /// A `GET` with a bearer token, or without one.
    pub fn get(purpose: Purpose, url: String, bearer: Option<&str>) -> Self {
        let headers = bearer.map(|token| ("authorization", format!("Bearer {token}")));
        Self {
            purpose,
            method: Method::Get,
            url,
            headers: headers.into_iter().collect(),
            body: Vec::new(),
        }
    }

    /// A `POST` of `body`.
    pub fn post(
        purpose: Purpose,
        url: String,
        bearer: Option<&str>,
        content_type: &str,
        body: Vec<u8>,
    ) -> Self {
        let mut call = Self::get(purpose, url, bearer);
        call.method = Method::Post;
        call.headers.push("content-type", content_type);
        call.body = body;
        call
    }
}

impl Call {
    /// A `PUT` of `body`.
    pub fn put(purpose: Purpose, url: String, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            method: Method::Put,
            ..Self::post(purpose, url, None, content_type, body)
        }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers and form bodies carry credentials.
        f.debug_struct("Call")
            .field("purpose", &self.purpose)
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// `Cache-Control`, as it came.
    pub cache_control: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// Sends requests to stores.
#[async_trait]
pub trait Web: Send + Sync {
    /// One attempt. The error says what went wrong, for people.
    async fn call(&self, call: &Call) -> Result<Reply, String>;
}

/// Why a store's answer was not had. Texts are for people and hold nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It did not answer, or asked for patience.
    #[error("{detail}")]
    Unavailable {
        /// What happened.
        detail: String,
        /// When it wants to be asked again, where it says.
        again_at: Option<Timestamp>,
    },
    /// Our credentials are missing, wrong, or lack a right.
    #[error("{0}")]
    Credentials(String),
    /// It answered something that cannot be read.
    #[error("{0}")]
    Nonsense(String),
    /// It knows no such purchase.
    #[error("{0}")]
    Unknown(String),
    /// It does not answer what it was asked, for a reason that none of the above is.
    #[error("{0}")]
    Refused(String),
}

impl Trouble {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "store_unavailable",
            Self::Credentials(_) => "store_credentials_refused",
            Self::Nonsense(_) => "store_answer_unreadable",
            Self::Unknown(_) => "purchase_unknown_to_store",
            Self::Refused(_) => "store_refused_the_question",
        }
    }

    /// What whoever sent a message may read of it. The text of an error is for operators: it may quote the answer, and that of
    /// an internal host is nobody else's.
    pub const fn told(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "the store could not be asked",
            Self::Credentials(_) => "the store refused the app's credentials",
            Self::Nonsense(_) => "the store's answer cannot be read",
            Self::Unknown(_) => "the store knows no such purchase",
            Self::Refused(_) => "the store refused to answer",
        }
    }
}

/// Longest excerpt of an answer shown to people.
const EXCERPT: usize = 300;

impl Reply {
    /// The beginning of the body, for people.
    pub fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(EXCERPT)
            .collect()
    }

    /// Sorts the statuses that mean the same for every store. `who` is named in texts.
    pub fn check(self, who: &str, now: Timestamp) -> Result<Self, Trouble> {
        let said = || format!("{who} answered {}: {}", self.status, self.excerpt());
        match self.status {
            200..=299 => Ok(self),
            401 | 403 => Err(Trouble::Credentials(said())),
            404 | 410 => Err(Trouble::Unknown(said())),
            // Somebody else was at it, or it was too soon.
            408 | 409 | 425 | 429 | 500..=599 => Err(Trouble::Unavailable {
                detail: said(),
                again_at: self.again_at(now),
            }),
            400..=499 => Err(Trouble::Refused(said())),
            _ => Err(Trouble::Nonsense(said())),
        }
    }

    /// When to ask again: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or, from Apple, in milliseconds of UNIX
    /// time. Within a day from now; anything else says nothing.
    fn again_at(&self, now: Timestamp) -> Option<Timestamp> {
        const LONGEST_SECONDS: i64 = 86_400;
        let text = self.retry_after.as_ref()?.trim();
        let at = match text.parse::<i64>() {
            Ok(seconds @ ..=LONGEST_SECONDS) => {
                now.checked_add(SignedDuration::from_secs(seconds.max(0)))
            }
            Ok(millis) => Timestamp::from_millisecond(millis),
            Err(_) => Timestamp::try_from(httpdate::parse_http_date(text).ok()?),
        };
        at.ok()
            .filter(|at| (0..=LONGEST_SECONDS).contains(&now.duration_until(*at).as_secs()))
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self, who: &str) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Trouble::Nonsense(format!(
                "{who} answered {} with something that is not what its API documents ({error}): {}",
                self.status,
                self.excerpt()
            ))
        })
    }
}

/// One call, with its failure put into words.
pub(crate) async fn call(web: &dyn Web, call: &Call, who: &str) -> Result<Reply, Trouble> {
    web.call(call)
        .await
        .map_err(|problem| Trouble::Unavailable {
            detail: format!("{who} could not be reached: {problem}"),
            again_at: None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_retry_after_are_understood() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let reply = |status, retry_after: Option<&str>| Reply {
            status,
            retry_after: retry_after.map(str::to_owned),
            cache_control: None,
            body: b"{\"errorCode\":4290000}".to_vec(),
        };
        let again = |status, retry_after| match reply(status, retry_after).check("the store", now) {
            Err(Trouble::Unavailable { again_at, .. }) => again_at.map(Timestamp::as_second),
            other => panic!("{other:?}"),
        };
        assert_eq!(again(429, Some("30")), Some(1_800_000_030));
        assert_eq!(
            again(429, Some("1800000090000")),
            Some(1_800_000_090),
            "Apple's UNIX milliseconds"
        );
        for date in [
            "Fri, 15 Jan 2027 08:01:30 GMT",
            "Friday, 15-Jan-27 08:01:30 GMT",
            "Fri Jan 15 08:01:30 2027",
        ] {
            assert_eq!(again(503, Some(date)), Some(1_800_000_090), "{date}");
        }
        for nothing in [
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "Wed, 21 Oct 2028 07:28:00 GMT",
            "soon",
            "",
        ] {
            assert_eq!(again(503, Some(nothing)), None, "{nothing}");
        }
        assert_eq!(
            again(503, Some("9999999999999")),
            None,
            "an absurd time is no time"
        );
        assert_eq!(
            reply(404, None).check("the store", now).unwrap_err().code(),
            "purchase_unknown_to_store"
        );
        assert_eq!(
            reply(403, None).check("the store", now).unwrap_err().code(),
            "store_credentials_refused"
        );
        assert!(reply(200, None).check("the store", now).is_ok());
        let nonsense = reply(200, None).json::<Vec<u8>>("the store").unwrap_err();
        assert!(nonsense.to_string().contains("4290000"), "{nonsense}");
    }
}
