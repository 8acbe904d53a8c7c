//! Between values and columns.

use domain::{
    ApiKeyId, AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, ProjectId, ReplayId,
    UserId,
};
use jiff::Timestamp;
use ledger::LedgerError;
pub(crate) use ledger::codec::{corrupt, from_json, pack, to_json, unpack};
use rusqlite::{Row, types::Type};
use uuid::Uuid;

/// Every `SQLite` error but a violated constraint means that trying later may help: busy, full, I/O.
pub(crate) fn failed(error: rusqlite::Error) -> LedgerError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => LedgerError::Refused(error.to_string()),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            corrupt("database", "file", error)
        }
        _ => LedgerError::Unavailable(error.to_string()),
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let value = row.get(column)?;
    Timestamp::from_microsecond(value).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
    })
}

pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(Uuid::from_bytes(bytes))
}

/// Ids as they are bound to statements.
pub(crate) trait Key {
    fn key(&self) -> [u8; 16];
}

macro_rules! keys {
    ($($id:ident),*) => {$(impl Key for $id { fn key(&self) -> [u8; 16] { *self.uuid().as_bytes() } })*};
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
