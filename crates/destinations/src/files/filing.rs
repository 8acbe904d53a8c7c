//! What files are like: their shape, their names, and when one is full.

use super::format::Format;
use crate::{
    Field, FieldKind, Group, Invalid, Unsendable,
    batch::{Batching, Item, name},
    common::Common,
    encode,
};
use serde::Deserialize;
use std::time::Duration;

/// What files are like.
pub(crate) const FIELDS: &[Field] = &[
    Field::new(
        "prefix",
        FieldKind::Text,
        "Folder that all names begin with, `tidings` unless given.",
    ),
    Field::new(
        "format",
        FieldKind::Choice(&["jsonl.gz", "jsonl", "csv.gz", "csv"]),
        "One JSON object a line, or a table with a head; compressed with gzip or not.",
    ),
    Field::new(
        "max_bytes",
        FieldKind::Number,
        "Bytes of a file before it is compressed, at most. Default: 8388608.",
    )
    .of(Group::Delivery),
    Field::new(
        "max_age_seconds",
        FieldKind::Number,
        "How long the first event of a file waits for others. Default: 300.",
    )
    .of(Group::Delivery),
];

/// Bytes of a file that may be asked for.
const SIZES: std::ops::RangeInclusive<usize> = 1_000..=67_108_864;
/// Seconds that a file may be told to wait.
const AGES: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Rows of a file, at most.
const MOST: usize = 10_000;

/// What files are like, as it is set up.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filing {
    prefix: Option<String>,
    format: Format,
    max_bytes: Option<usize>,
    max_age_seconds: Option<u64>,
}

/// A file.
pub(crate) struct File {
    /// Its name, with the folders before it.
    pub(crate) name: String,
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// What is in it.
    pub(crate) body: Vec<u8>,
}

impl File {
    /// Its name as a URL has it: everything but what is unreserved is encoded, between the slashes.
    pub(crate) fn path(&self) -> String {
        let parts: Vec<_> = self.name.split('/').map(encode::percent).collect();
        parts.join("/")
    }
}

impl Filing {
    /// What cannot be used.
    pub(crate) fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        let is_odd = |part: &str| {
            part.is_empty() || part == "." || part == ".." || part.contains(char::is_control)
        };
        if self.prefix().split('/').any(is_odd) || self.prefix().len() > 400 {
            problems.push(Invalid::new(
                "prefix",
                "is folders with / between, such as exports/tidings",
            ));
        }
        if self.max_bytes.is_some_and(|bytes| !SIZES.contains(&bytes)) {
            problems.push(Invalid::new("max_bytes", "is from 1000 to 67108864"));
        }
        if self.max_age_seconds.is_some_and(|age| !AGES.contains(&age)) {
            problems.push(Invalid::new("max_age_seconds", "is from 1 to 3600"));
        }
        problems
    }

    fn prefix(&self) -> &str {
        let prefix = self.prefix.as_deref().map(|text| text.trim_matches('/'));
        prefix.filter(|text| !text.is_empty()).unwrap_or("tidings")
    }

    /// When a file is full.
    pub(crate) fn batching(&self) -> Batching {
        Batching {
            most: MOST,
            bytes: self.max_bytes.unwrap_or(8 << 20),
            linger: Duration::from_secs(self.max_age_seconds.unwrap_or(300)),
        }
    }

    /// The file of a batch.
    pub(crate) fn file(&self, common: &Common, items: &[Item<'_>]) -> Result<File, Unsendable> {
        let first = items
            .first()
            .ok_or_else(|| Unsendable::unsupported("an empty batch"))?;
        let rows: Vec<_> = items
            .iter()
            .map(|item| common.row(item.event, item.now))
            .collect();
        let hour = first.event.recorded_at.strftime("date=%Y-%m-%d/hour=%H");
        let (prefix, batch) = (self.prefix(), name(items));
        Ok(File {
            name: format!("{prefix}/v1/{hour}/{batch}.{}", self.format.extension()),
            media_type: self.format.media_type(),
            body: self.format.encode(&rows),
        })
    }
}
