//! Rows of the configuration.

use ledger::configuration::{Column, Row};
use uuid::Uuid;

/// What a row is found by.
pub(super) type Key = Vec<Option<String>>;

/// A row: what else is said of it in columns, and what it is.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) others: Key,
    pub(super) body: String,
}

pub(super) fn values(row: &Row, columns: &[Column]) -> Key {
    let text = |id: Option<Uuid>| id.map(|id| id.to_string());
    let value = |column: &Column| match column {
        Column::Id => text(row.id),
        Column::Project => text(row.project),
        Column::Name(_) => Some(row.name.clone()),
    };
    columns.iter().map(value).collect()
}
