//! The shapes of a file.

use crate::{common::Row, encode::gzip};
use serde::Deserialize;
use serde_json::Value;

/// Which shape a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum Format {
    #[default]
    #[serde(rename = "jsonl.gz")]
    LinesGzip,
    #[serde(rename = "jsonl")]
    Lines,
    #[serde(rename = "csv.gz")]
    TableGzip,
    #[serde(rename = "csv")]
    Table,
}

impl Format {
    /// What its name ends with.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::LinesGzip => "jsonl.gz",
            Self::Lines => "jsonl",
            Self::TableGzip => "csv.gz",
            Self::Table => "csv",
        }
    }

    /// Its media type. What is compressed says so by its type and not by `Content-Encoding`: stores would unpack it for whoever reads it, and the
    /// name would be wrong.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::LinesGzip | Self::TableGzip => "application/gzip",
            Self::Lines => "application/x-ndjson",
            Self::Table => "text/csv",
        }
    }

    pub(super) fn encode(self, rows: &[Row]) -> Vec<u8> {
        match self {
            Self::Lines => lines(rows),
            Self::Table => table(rows),
            Self::LinesGzip => gzip(&lines(rows)),
            Self::TableGzip => gzip(&table(rows)),
        }
    }
}

/// One JSON object a line, without what is null.
pub(crate) fn lines(rows: &[Row]) -> Vec<u8> {
    let mut all = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut all, row).expect("a row is a map with texts for keys");
        all.push(b'\n');
    }
    all
}

/// A head with every column, then a line for each row. Source: RFC 4180; lists are JSON in a cell, what is null is an empty one.
fn table(rows: &[Row]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let written = writer.write_record(record);
        written.expect("writing to memory does not fail, and all rows have the same columns");
    };
    if let Some(first) = rows.first() {
        write(head(first));
    }
    for row in rows {
        let cells = row.cells().iter();
        write(cells.map(|(_, value)| cell(value)).collect());
    }
    writer
        .into_inner()
        .expect("writing to memory does not fail")
}

fn head(row: &Row) -> Vec<String> {
    let cells = row.cells().iter();
    cells.map(|(name, _)| (*name).to_owned()).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
