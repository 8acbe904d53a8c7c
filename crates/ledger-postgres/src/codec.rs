//! Between values and columns.

use jiff::Timestamp;
use ledger::{LedgerError, codec::Stored};
use sqlx::error::DatabaseError;

/// What PostgreSQL says of an error. Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Class 23: a constraint is violated.
    Violated,
    /// `deadlock_detected`, `serialization_failure`: two transactions were in each other's way.
    Contended,
    /// Anything else.
    Other,
}

fn told(code: Option<&str>) -> Told {
    match code {
        Some("40P01" | "40001") => Told::Contended,
        Some(code) if code.starts_with("23") => Told::Violated,
        _ => Told::Other,
    }
}

/// A violated constraint is refused; a value that cannot be read is corrupt; anything else means that trying later may help.
pub(crate) fn failed(error: sqlx::Error) -> LedgerError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    match told(code.as_deref()) {
        Told::Violated => return LedgerError::Refused(error.to_string()),
        Told::Contended => return LedgerError::Contended(error.to_string()),
        Told::Other => {}
    }
    match &error {
        sqlx::Error::ColumnDecode { index, .. } => {
            Stored::new("database", &"row").corrupt(index, &error)
        }
        _ => LedgerError::Unavailable(error.to_string()),
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Numbers that are never negative, as columns hold them.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// How many rows at most.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// What `count` answers, which is never negative.
pub(crate) const fn counted(count: i64) -> u64 {
    count.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_their_codes() {
        for (code, expected) in [
            (Some("23505"), Told::Violated),
            (Some("23503"), Told::Violated),
            (Some("40P01"), Told::Contended),
            (Some("40001"), Told::Contended),
            (Some("57014"), Told::Other),
            (None, Told::Other),
        ] {
            assert_eq!(told(code), expected, "{code:?}");
        }
    }
}
