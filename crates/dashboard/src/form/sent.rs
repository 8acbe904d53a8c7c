//! What a form or an address sends, field by field, whatever the fields are called.

use axum::http::Uri;
use std::collections::BTreeMap;

/// What a form sent: every value of every field, in order.
#[derive(Debug, Default)]
pub(crate) struct Sent(BTreeMap<String, Vec<String>>);

impl Sent {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn read(body: &[u8]) -> Self {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            all.entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self(all)
    }

    /// Reads the query of an address.
    pub(crate) fn query(uri: &Uri) -> Self {
        Self::read(uri.query().unwrap_or_default().as_bytes())
    }

    /// A field's value without surrounding white space; empty when it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).first().map_or("", |value| value.trim())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// What its fields are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Every value of a field, as it came.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
