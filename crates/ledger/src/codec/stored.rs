//! Reading back what is stored. A value that cannot be read never becomes another: it says where it stands.

use super::column::unpack;
use crate::{DeliveryState, LedgerError, Origin, Result, Turn};
use domain::{Environment, EventKind, NotSent, Store};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// A row that is being read: its table, and what it is found by. Columns are named where one of them is read.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    table: &'static str,
    id: &'a dyn Display,
}

impl std::fmt::Debug for Stored<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.table, self.id)
    }
}

impl<'a> Stored<'a> {
    /// The row of `table` that is found by `id`.
    pub const fn new(table: &'static str, id: &'a dyn Display) -> Self {
        Self { table, id }
    }

    /// What is wrong with a column.
    pub fn corrupt(&self, column: impl Display, problem: impl Display) -> LedgerError {
        LedgerError::Corrupt {
            table: self.table,
            id: self.id.to_string(),
            column: column.to_string(),
            problem: problem.to_string(),
        }
    }

    /// Reads back what [`to_json`](super::to_json) wrote.
    pub fn json<T: DeserializeOwned>(&self, column: impl Display, text: &[u8]) -> Result<T> {
        serde_json::from_slice(text).map_err(|error| self.corrupt(column, error))
    }

    /// Reads back what [`pack`](super::pack) wrote.
    pub fn unpacked(&self, column: impl Display, packed: &[u8]) -> Result<Vec<u8>> {
        unpack(packed).map_err(|error| self.corrupt(column, error))
    }

    /// JSON that was packed.
    pub fn body<T: DeserializeOwned>(&self, column: impl Display, packed: &[u8]) -> Result<T> {
        let json = unpack(packed).map_err(|error| self.corrupt(&column, error))?;
        self.json(column, &json)
    }

    /// An instant, from microseconds since the epoch.
    pub fn time(&self, column: impl Display, micros: i64) -> Result<Timestamp> {
        Timestamp::from_microsecond(micros).map_err(|error| self.corrupt(column, error))
    }

    /// A number that is never negative, or has less room than its column.
    pub fn number<T: TryFrom<i64>>(
        &self,
        column: impl Display,
        value: impl Into<i64>,
    ) -> Result<T> {
        let value = value.into();
        T::try_from(value).map_err(|_| self.corrupt(column, format!("{value} is out of range")))
    }

    /// Where a delivery is.
    pub fn state(&self, column: impl Display, number: impl Into<i64>) -> Result<DeliveryState> {
        let number = number.into();
        DeliveryState::ALL
            .into_iter()
            .find(|state| i64::from(state.number()) == number)
            .ok_or_else(|| self.corrupt(column, format!("{number} is no state of a delivery")))
    }

    /// Where a delivery stands in its line.
    pub fn turn(&self, column: impl Display, number: impl Into<i64>) -> Result<Turn> {
        let number = number.into();
        Turn::ALL
            .into_iter()
            .find(|turn| i64::from(turn.number()) == number)
            .ok_or_else(|| self.corrupt(column, format!("{number} is no place in a line")))
    }

    /// Why something was not sent.
    pub fn reason(&self, column: impl Display, id: &str) -> Result<NotSent> {
        self.known(column, id, NotSent::from_id(id))
    }

    /// A store.
    pub fn store(&self, column: impl Display, id: &str) -> Result<Store> {
        self.known(column, id, Store::from_id(id))
    }

    /// Where a message comes from.
    pub fn origin(&self, column: impl Display, text: &str) -> Result<Origin> {
        self.known(column, text, Origin::from_text(text))
    }

    /// An environment.
    pub fn environment(&self, column: impl Display, id: &str) -> Result<Environment> {
        self.known(column, id, Environment::from_id(id))
    }

    /// A kind of event.
    pub fn kind(&self, column: impl Display, id: &str) -> Result<EventKind> {
        self.known(column, id, EventKind::from_id(id))
    }

    fn known<T>(&self, column: impl Display, id: &str, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| self.corrupt(column, format!("`{id}` is not known")))
    }
}
