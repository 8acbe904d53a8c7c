//! Between values and columns.

use domain::{Environment, EventKind, NotSent, Store};
use jiff::Timestamp;
use ledger::{DeliveryState, LedgerError, Result, codec::corrupt};

pub(crate) const PENDING: i16 = 0;
pub(crate) const DELIVERED: i16 = 1;
pub(crate) const FAILED: i16 = 2;

/// A violated constraint is refused; a value that cannot be read is corrupt; anything else means that trying later may help.
pub(crate) fn failed(error: sqlx::Error) -> LedgerError {
    match &error {
        sqlx::Error::Database(told) if told.constraint().is_some() => {
            LedgerError::Refused(error.to_string())
        }
        sqlx::Error::ColumnDecode { index, .. } => corrupt("database", index, &error),
        _ => LedgerError::Unavailable(error.to_string()),
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn time(micros: i64, table: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| corrupt(table, micros, error))
}

pub(crate) fn state_of(status: i16) -> DeliveryState {
    match status {
        DELIVERED => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        _ => DeliveryState::Pending,
    }
}

pub(crate) fn status_of(state: DeliveryState) -> i16 {
    match state {
        DeliveryState::Pending => PENDING,
        DeliveryState::Delivered => DELIVERED,
        DeliveryState::Failed => FAILED,
    }
}

pub(crate) fn store(id: &str) -> Result<Store> {
    Store::from_id(id).ok_or_else(|| corrupt("purchases", id, "unknown store"))
}

pub(crate) fn environment(id: &str, table: &'static str) -> Result<Environment> {
    Environment::from_id(id).ok_or_else(|| corrupt(table, id, "unknown environment"))
}

pub(crate) fn kind(id: &str, table: &'static str) -> Result<EventKind> {
    EventKind::from_id(id).ok_or_else(|| corrupt(table, id, "unknown kind of event"))
}

pub(crate) fn reason(id: Option<&str>) -> Option<NotSent> {
    id.and_then(NotSent::from_id)
}

/// Numbers that are never negative, as columns hold them.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// And back.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Small ones.
pub(crate) fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

/// How many rows at most.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
