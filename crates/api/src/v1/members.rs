//! The members of a JSON body, each read by itself.
//!
//! Client SDKs take a 4xx for the last word: they finish the transaction, and the purchase is lost. So a member that only advises
//! never refuses a request: one that is absent, null, of another type or out of range is passed over, and what stands beside it
//! is read all the same. Not even a number that no type holds or half a surrogate pair spoils the rest, because nothing is
//! decoded before somebody asks for it.

use super::{Error, error::Code};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Number, value::RawValue};
use std::{collections::BTreeMap, fmt};

/// Members of one object that are kept: a body that is full of them takes ten times its length. No SDK sends as many.
pub(super) const MOST: usize = 1000;

/// A JSON object whose members are not decoded yet. Of members of one name the last counts, and of more names than [`MOST`] the first.
#[derive(Debug, Default)]
pub(super) struct Members {
    kept: BTreeMap<String, Box<RawValue>>,
    has_more: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = from.next_key::<String>()? {
            if members.kept.len() < MOST || members.kept.contains_key(&name) {
                members.kept.insert(name, from.next_value()?);
            } else {
                members.has_more = true;
                from.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

impl Members {
    /// Whether there are more than are kept.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// What a member says, if it is there and can be read.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        read(self.kept.get(name)?)
    }

    /// A member without which the request means nothing.
    ///
    /// Errors: [`Code::BadRequest`] when it is absent, null or no text.
    pub(super) fn required(&self, name: &str) -> Result<String, Error> {
        let bad = |why: String| Error::new(Code::BadRequest).because(why);
        match self.kept.get(name) {
            None => Err(bad(format!("{name} is required"))),
            Some(value) => read(value).ok_or_else(|| bad(format!("{name}: expected a text"))),
        }
    }

    /// A text that says something.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get::<String>(name)
            .filter(|text| !text.trim().is_empty())
    }

    /// A number, or a text that is one: clients write decimals as texts to keep their digits. As it is written.
    pub(super) fn decimal(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Text(text) => Some(text.trim().to_owned()),
            Scalar::Flag(_) => None,
        }
    }

    /// A whole number, also when it is written as a text or with a fraction of nothing.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        let text = self.decimal(name)?;
        let whole = text
            .split_once('.')
            .map_or(Some(&*text), |(whole, fraction)| {
                fraction.bytes().all(|digit| digit == b'0').then_some(whole)
            })?;
        whole.parse().ok()
    }

    /// The texts of a list that say something.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list: Vec<Box<RawValue>> = self.get(name).unwrap_or_default();
        let texts = list.iter().filter_map(|value| read::<String>(value));
        texts.filter(|text| !text.trim().is_empty()).collect()
    }

    /// Whether a member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.kept
            .get(name)
            .is_some_and(|value| value.get() != "null")
    }

    /// Its members by name, in order; those that are no objects themselves are `None`.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&str, Option<Self>)> {
        self.kept
            .iter()
            .map(|(name, value)| (name.as_str(), read(value)))
    }
}

/// A value that is neither list nor object nor null.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    /// `true`.
    Flag(bool),
    /// `9.99`.
    Number(Number),
    /// `"9.99"`.
    Text(String),
}

impl Scalar {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

fn read<T: DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}
