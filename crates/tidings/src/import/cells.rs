//! Tables and JSON of others, read by the names of what is in them.

use super::{
    entry::{Bought, Line, Shop},
    rows::whole,
};
use domain::Store;
use serde_json::Value;
use sources::table::{self, Table};

/// A row, by the names of its columns.
pub(super) struct Cells<'a> {
    header: &'a [String],
    cells: &'a [String],
}

impl Cells<'_> {
    /// What stands in the first of these columns that says something.
    pub(super) fn first(&self, columns: &[&str]) -> Option<&str> {
        let found = columns.iter().filter_map(|column| {
            let place = self.header.iter().position(|name| name == column)?;
            let cell = self.cells.get(place).map(|cell| cell.trim());
            cell.filter(|cell| !matches!(*cell, "" | "null" | "NULL"))
        });
        found.into_iter().next()
    }

    /// What stands in columns of which the name begins so.
    pub(super) fn beginning<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.header.iter().zip(self.cells);
        named
            .filter(move |(name, cell)| name.starts_with(prefix) && !cell.is_empty())
            .map(|(name, cell)| (name.as_str(), cell.as_str()))
    }

    /// A cell that holds an object of JSON. Some exports put it in quotation marks once more.
    pub(super) fn object(&self, column: &str) -> Option<Value> {
        let text = self.first(&[column])?;
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        let value = read(text).or_else(|| read(text.trim_matches('"')))?;
        match value {
            Value::String(inner) => read(&inner),
            other => Some(other),
        }
    }
}

/// The rows of a table, each read by `entry`; nothing where the file has none.
pub(super) fn of_table(
    text: &str,
    entry: impl Fn(&Cells<'_>) -> Result<super::entry::Entry, String>,
) -> Vec<Line> {
    let Some(Table { header, rows }) = table::read(text) else {
        return Vec::new();
    };
    let columns = header.cells.len();
    let lines = rows.iter().map(|row| {
        let cells = Cells {
            header: &header.cells,
            cells: &row.cells,
        };
        Line {
            number: row.line,
            entry: whole(row, columns).and_then(|()| entry(&cells)),
        }
    });
    lines.collect()
}

/// The header of a table.
pub(super) fn header(text: &str) -> Vec<String> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    first
        .and_then(table::read)
        .map_or_else(Vec::new, |table| table.header.cells)
}

/// What is said in JSON: one value, or one in each line.
pub(super) fn of_json(text: &str) -> Vec<Result<Value, String>> {
    if let Ok(whole) = serde_json::from_str(text) {
        return vec![Ok(whole)];
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect()
}

/// Attributes, each as a text or with a `value` beside when it was written.
pub(super) fn attributes(object: Option<Value>) -> Vec<(String, String)> {
    let Some(Value::Object(object)) = object else {
        return Vec::new();
    };
    let named = object.into_iter().filter_map(|(key, value)| {
        let value = value.get("value").cloned().unwrap_or(value);
        Some((key, text(&value)?))
    });
    named.collect()
}

/// A text, or what a number or a switch is as one.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A purchase as its store can be asked about it, or why it cannot.
pub(super) fn bought(store: &str, ids: &[Option<&str>]) -> Result<Bought, String> {
    let id = |fits: fn(&str) -> bool| {
        let given = ids.iter().flatten().copied();
        given.into_iter().find(|id| !id.is_empty() && fits(id))
    };
    let (shop, token) = match store.to_ascii_lowercase().as_str() {
        "app_store" | "mac_app_store" => (Store::AppStore, id(|_| true)),
        "play_store" => (Store::PlayStore, id(|id| !id.starts_with("GPA."))),
        "stripe" => (Store::Stripe, id(is_of_stripe)),
        "promotional" | "adapty" => {
            return Err("access given by hand is no purchase of a store: grant it anew".into());
        }
        other => {
            return Err(format!(
                "there is no asking the store {other:?}: state its purchases by the API"
            ));
        }
    };
    let token = token.ok_or_else(|| match shop {
        Store::PlayStore => "Google is asked by purchase token, and there is only its order: take the token from what your app or backend kept".to_owned(),
        Store::Stripe => "Stripe is asked by an id that begins with sub_, cs_, in_ or pi_".to_owned(),
        _ => "there is no id of the store".to_owned(),
    })?;
    Ok(Bought {
        shop: Shop::Of(shop),
        token: token.to_owned(),
    })
}

fn is_of_stripe(id: &str) -> bool {
    ["sub_", "cs_", "in_", "pi_"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
}
