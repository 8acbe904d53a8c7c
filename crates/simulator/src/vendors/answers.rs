//! What vendors answer, and how they want to be asked.

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How a vendor behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Takes what it is sent.
    #[default]
    Accepted,
    /// Takes part of it, or takes it with a reservation.
    Partly,
    /// Does not take it.
    Refused,
    /// Does not take the key.
    LockedOut,
    /// Wants to be left alone for a while: once, then it takes what it is sent.
    Throttled,
    /// Is out of order.
    Failing,
    /// Wants no more of it.
    Gone,
    /// Takes it, and answers after longer than anybody waits.
    Slow,
    /// Takes it, and closes the connection in the middle of its answer.
    Cut,
}

/// A vendor: how it wants to be asked, and what it answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vendor {
    pub(super) asks: Asks,
    answers: BTreeMap<Mode, Answer>,
}

/// How a vendor wants to be asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    pub(super) methods: Vec<String>,
    /// Of its body; without one there is a query and no body.
    pub(super) media: Option<String>,
    /// Where the key stands: `header NAME`, `query NAME`, `body /POINTER`, or `path`.
    pub(super) key: Option<String>,
}

/// An answer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    status: u16,
    /// A value of `now+N` is the second, counted since 1970, that lies N ahead.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text as it is, anything else as JSON, where `KEY` alone is what vendors take for their key.
    #[serde(default)]
    body: Value,
    /// What it is instead where several come in one request.
    several: Option<Several>,
}

/// How several in one request are answered: each by itself.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    /// A text that stands in the request once for each.
    counted: String,
    /// The body, with `EACH` where what is said of them stands.
    body: Value,
    /// What is said of one, with `PLACE` for its number, from 0.
    each: Value,
}

impl Several {
    /// The body of an answer to so many.
    fn body(&self, many: usize) -> String {
        let each = written(&self.each);
        let each = (0..many).map(|place| each.replace("PLACE", &place.to_string()));
        let (mark, between) = match self.body {
            Value::String(_) => ("EACH", ""),
            _ => ("\"EACH\"", ","),
        };
        let each: Vec<_> = each.collect();
        written(&self.body).replace(mark, &each.join(between))
    }
}

/// Text as it is, anything else as JSON.
fn written(body: &Value) -> String {
    match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    }
}

/// All of them.
pub(super) fn documented() -> Result<BTreeMap<String, Vendor>> {
    serde_json::from_str(include_str!("vendors.json")).context("vendors.json cannot be read")
}

impl Vendor {
    pub(super) fn has(&self, mode: Mode) -> bool {
        matches!(mode, Mode::Slow | Mode::Cut) || self.answers.contains_key(&mode)
    }

    /// What it answers in a mode: as if it accepted, where its documents say nothing of it.
    pub(super) fn answer(&self, mode: Mode) -> Answer {
        let answer = self.answers.get(&mode);
        let answer = answer.or_else(|| self.answers.get(&Mode::Accepted));
        answer
            .cloned()
            .unwrap_or_else(|| Answer::of(StatusCode::OK))
    }
}

impl Answer {
    /// A status alone.
    pub(super) const fn of(status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            headers: BTreeMap::new(),
            body: Value::Null,
            several: None,
        }
    }

    /// As it travels, at a moment, to who asked so. Who gives tokens gives the key.
    pub(super) fn at(
        &self,
        now: Timestamp,
        key: &str,
        asked: &[u8],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
        let asked = String::from_utf8_lossy(asked);
        let several = self.several.as_ref().and_then(|several| {
            let many = asked.matches(several.counted.as_str()).count();
            (many > 1).then(|| several.body(many))
        });
        let body = several.unwrap_or_else(|| written(&self.body));
        let (media_type, body) = match &self.body {
            Value::Null | Value::String(_) => ("text/plain", body),
            _ => {
                let key = Value::from(key).to_string();
                ("application/json", body.replace("\"KEY\"", &key))
            }
        };
        let body = body.into_bytes();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        for (name, value) in &self.headers {
            let value = moment(value, now).unwrap_or_else(|| value.clone());
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                headers.insert(name, value);
            }
        }
        (status, headers, body)
    }
}

/// The second that `now+2` means.
fn moment(value: &str, now: Timestamp) -> Option<String> {
    let ahead = value.strip_prefix("now+")?.parse().ok()?;
    let moment = now.checked_add(SignedDuration::from_secs(ahead)).ok()?;
    Some(moment.as_second().to_string())
}
