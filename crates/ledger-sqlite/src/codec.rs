//! Between values and columns.

use domain::{
    ApiKeyId, AppId, CustomerId, DeliveryId, Environment, EventId, EventKind, InboxId,
    IntegrationId, NotSent, ProjectId, ReplayId, Store, UserId,
};
use jiff::Timestamp;
pub(crate) use ledger::codec::{pack, to_json};
use ledger::{
    DeliveryState, LedgerError, Origin, Result, Turn,
    codec::{Stored, unpack},
};
use rusqlite::{
    Row,
    types::{FromSql, ValueRef},
};
use serde::de::DeserializeOwned;
use std::fmt;
use uuid::Uuid;

/// Every `SQLite` error but a violated constraint means that trying later may help: busy, full, I/O.
pub(crate) fn failed(error: rusqlite::Error) -> LedgerError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => LedgerError::Refused(error.to_string()),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            Stored::new("database", &"file").corrupt("pages", error)
        }
        _ => LedgerError::Unavailable(error.to_string()),
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Ids as they are bound to statements, and back.
pub(crate) trait Key {
    fn key(&self) -> [u8; 16];
    fn of(key: [u8; 16]) -> Self;
}

macro_rules! keys {
    ($($id:ident),*) => {$(impl Key for $id {
        fn key(&self) -> [u8; 16] { *self.uuid().as_bytes() }
        fn of(key: [u8; 16]) -> Self { Self::new(Uuid::from_bytes(key)) }
    })*};
}
keys!(
    ApiKeyId,
    AppId,
    CustomerId,
    DeliveryId,
    EventId,
    InboxId,
    IntegrationId,
    ProjectId,
    UserId,
    ReplayId
);

/// Ids as one value: with those that `hex` makes of columns, they can be compared.
pub(crate) fn any_of<T: Key>(ids: &[T]) -> Result<String> {
    let hex = |id: &T| -> String { id.key().iter().map(|byte| format!("{byte:02X}")).collect() };
    to_json(&ids.iter().map(hex).collect::<Vec<_>>())
}

/// A row that was found. Its first column is what it is known by; whatever cannot be read says so with table, row and column.
pub(crate) struct Found<'r> {
    table: &'static str,
    row: First<'r>,
}

/// The first column of a row, as people read it.
struct First<'r>(&'r Row<'r>);

impl fmt::Display for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get_ref(0) {
            Ok(ValueRef::Integer(number)) => write!(f, "{number}"),
            Ok(ValueRef::Text(text)) => f.write_str(&String::from_utf8_lossy(text)),
            Ok(ValueRef::Blob(bytes)) => match Uuid::from_slice(bytes) {
                Ok(id) => write!(f, "{id}"),
                Err(_) => write!(f, "{bytes:02x?}"),
            },
            Ok(ValueRef::Null | ValueRef::Real(_)) | Err(_) => f.write_str("without a key"),
        }
    }
}

/// The name of a column, looked up when it is told.
struct Name<'r>(&'r Row<'r>, usize);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref().column_name(self.1) {
            Ok(name) => f.write_str(name),
            Err(_) => write!(f, "column {}", self.1),
        }
    }
}

impl<'r> Found<'r> {
    pub(crate) const fn new(table: &'static str, row: &'r Row<'r>) -> Self {
        Self {
            table,
            row: First(row),
        }
    }

    /// The same row, for columns that come from another table.
    pub(crate) const fn of(&self, table: &'static str) -> Self {
        Self::new(table, self.row.0)
    }

    /// What the row is known by, as people read it.
    pub(crate) fn key(&self) -> String {
        self.row.to_string()
    }

    fn stored(&self) -> Stored<'_> {
        Stored::new(self.table, &self.row)
    }

    fn name(&self, column: usize) -> Name<'r> {
        Name(self.row.0, column)
    }

    pub(crate) fn corrupt(&self, column: usize, problem: impl fmt::Display) -> LedgerError {
        self.stored().corrupt(self.name(column), problem)
    }

    pub(crate) fn get<T: FromSql>(&self, column: usize) -> Result<T> {
        let value = self.row.0.get(column);
        value.map_err(|error| self.corrupt(column, error))
    }

    fn bytes(&self, column: usize) -> Result<&'r [u8]> {
        let value = self.row.0.get_ref(column).map_err(failed)?;
        value
            .as_bytes()
            .map_err(|error| self.corrupt(column, error))
    }

    fn text(&self, column: usize) -> Result<&'r str> {
        let value = self.row.0.get_ref(column).map_err(failed)?;
        value.as_str().map_err(|error| self.corrupt(column, error))
    }

    fn is_null(&self, column: usize) -> Result<bool> {
        let value = self.row.0.get_ref(column).map_err(failed)?;
        Ok(value == ValueRef::Null)
    }

    /// What a reader makes of a column, where there is something in it.
    pub(crate) fn maybe<T>(
        &self,
        column: usize,
        read: impl FnOnce(&Self, usize) -> Result<T>,
    ) -> Result<Option<T>> {
        if self.is_null(column)? {
            Ok(None)
        } else {
            read(self, column).map(Some)
        }
    }

    pub(crate) fn id<I: Key>(&self, column: usize) -> Result<I> {
        self.get(column).map(I::of)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp> {
        self.stored().time(self.name(column), self.get(column)?)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        self.stored().json(self.name(column), self.bytes(column)?)
    }

    pub(crate) fn unpacked(&self, column: usize) -> Result<Vec<u8>> {
        unpack(self.bytes(column)?).map_err(|error| self.corrupt(column, error))
    }

    /// JSON that was packed.
    pub(crate) fn body<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        self.stored().body(self.name(column), self.bytes(column)?)
    }

    pub(crate) fn state(&self, column: usize) -> Result<DeliveryState> {
        self.stored()
            .state(self.name(column), self.get::<i64>(column)?)
    }

    pub(crate) fn turn(&self, column: usize) -> Result<Turn> {
        self.stored()
            .turn(self.name(column), self.get::<i64>(column)?)
    }

    pub(crate) fn reason(&self, column: usize) -> Result<NotSent> {
        self.stored().reason(self.name(column), self.text(column)?)
    }

    pub(crate) fn store(&self, column: usize) -> Result<Store> {
        self.stored().store(self.name(column), self.text(column)?)
    }

    pub(crate) fn origin(&self, column: usize) -> Result<Origin> {
        self.stored().origin(self.name(column), self.text(column)?)
    }

    pub(crate) fn environment(&self, column: usize) -> Result<Environment> {
        self.stored()
            .environment(self.name(column), self.text(column)?)
    }

    pub(crate) fn kind(&self, column: usize) -> Result<EventKind> {
        self.stored().kind(self.name(column), self.text(column)?)
    }
}
