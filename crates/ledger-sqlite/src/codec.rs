//! Between values and columns. Whatever cannot be read back names its table and row.

use domain::{
    ApiKeyId, AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, ProjectId, ReplayId,
    UserId,
};
use jiff::Timestamp;
use ledger::LedgerError;
use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, fmt::Display};
use uuid::Uuid;

/// Largest stored body that will be unpacked; far above what is ever written.
const LARGEST_BODY: usize = 64 << 20;

thread_local! {
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Level of compression: signed messages are mostly base64, which only entropy coding shrinks, so searching harder for
/// repetitions costs time and saves nothing.
const LEVEL: i32 = -3;

/// Compresses a body.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        let packed = packer
            .as_mut()
            .and_then(|packer| packer.compress(bytes).ok());
        packed.expect("zstd compresses into memory it sized itself")
    })
}

/// Reads back what [`pack`] wrote.
pub(crate) fn unpack(
    packed: &[u8],
    table: &'static str,
    id: impl Display,
) -> Result<Vec<u8>, LedgerError> {
    let size = usize::try_from(
        zstd::zstd_safe::get_frame_content_size(packed)
            .ok()
            .flatten()
            .unwrap_or_default(),
    )
    .unwrap_or(usize::MAX)
    .min(LARGEST_BODY);
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = zstd::bulk::Decompressor::new().ok();
        }
        let unpacker = unpacker
            .as_mut()
            .ok_or_else(|| LedgerError::Unavailable("no memory to decompress".into()))?;
        unpacker
            .decompress(packed, size)
            .map_err(|error| corrupt(table, id, error))
    })
}

pub(crate) fn corrupt(table: &'static str, id: impl Display, problem: impl Display) -> LedgerError {
    LedgerError::Corrupt {
        table,
        id: id.to_string(),
        problem: problem.to_string(),
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value)
        .map_err(|error| LedgerError::Refused(format!("cannot be stored: {error}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(
    text: &[u8],
    table: &'static str,
    id: impl Display,
) -> Result<T, LedgerError> {
    serde_json::from_slice(text).map_err(|error| corrupt(table, id, error))
}

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
