//! How long sessions last, and what they are used by.

use axum::http::{HeaderMap, Method, header, request::Parts};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Without anybody using one.
    pub idle: SignedDuration,
    /// However much it is used.
    pub longest: SignedDuration,
}

impl Lasting {
    /// What is usual.
    pub const DEFAULT: Self = Self {
        idle: SignedDuration::from_hours(3 * 24),
        longest: SignedDuration::from_hours(14 * 24),
    };

    /// When a session that began at `began` and is used `now` ends, unless it is used again.
    pub(super) fn until(self, began: Timestamp, now: Timestamp) -> Timestamp {
        let idle = after(now, self.idle);
        idle.min(self.end(began))
    }

    pub(super) fn end(self, began: Timestamp) -> Timestamp {
        after(began, self.longest)
    }
}

impl Default for Lasting {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a session is used by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Somebody who opens a page or sends a form: the session goes on.
    Person,
    /// A page that asks for more by itself, with nobody before it, or a program that asks whether there is one.
    Page,
}

impl Use {
    /// As browsers tell of a request; what does not say so is somebody's.
    pub(super) fn of(head: &Parts) -> Self {
        let dest = head.headers.get("sec-fetch-dest");
        let asks_for_more = head.method == Method::GET && dest.is_some_and(|dest| dest == "empty");
        if asks_for_more || head.method == Method::HEAD {
            Self::Page
        } else {
            Self::Person
        }
    }
}

/// What the browser calls itself.
pub fn agent(headers: &HeaderMap) -> String {
    let told = headers.get(header::USER_AGENT);
    let text = told.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_owned()
}
