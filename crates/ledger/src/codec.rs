//! What backends share: how values become columns, and what is shown of them.
//!
//! Whatever cannot be read back names its table, row and column. Backends that store the same bytes can be compared and copied.

mod prepared;
mod stored;

pub use prepared::*;
pub use stored::Stored;

use crate::{LedgerError, Result};
use domain::{
    CustomerId, Facts, ProjectId,
    customer::{Customer, FORGOTTEN_PREFIX},
    fact::{Note, RefundFact, RenewalFact, Transaction},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
};

/// Largest stored body that will be unpacked, in bytes; far above what is ever written.
const LARGEST_BODY: usize = 64 << 20;

thread_local! {
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Level of compression: signed messages are mostly base64, which only entropy coding shrinks, so searching harder for
/// repetitions costs time and saves nothing.
const LEVEL: i32 = -3;

/// Compresses a body.
///
/// Fails only where there is no memory to compress into, which may be otherwise later.
pub fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let packed = PACKER.with_borrow_mut(|packer| {
        let ready = match packer.take() {
            Some(ready) => ready,
            None => checked_compressor()?,
        };
        packer.insert(ready).compress(bytes)
    });
    packed.map_err(|error| {
        let size = bytes.len();
        LedgerError::Unavailable(format!("{size} bytes cannot be packed: {error}"))
    })
}

/// What it makes says when a bit of it was changed since.
fn checked_compressor() -> io::Result<zstd::bulk::Compressor<'static>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}

/// Reads back what [`pack`] wrote.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    // It is stated in whatever was packed here.
    let stated = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let size = stated
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= LARGEST_BODY)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not what was packed"))?;
    UNPACKER.with_borrow_mut(|unpacker| {
        let ready = match unpacker.take() {
            Some(ready) => ready,
            None => zstd::bulk::Decompressor::new()?,
        };
        unpacker.insert(ready).decompress(packed, size)
    })
}

/// A value as a column holds it.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| LedgerError::Refused(format!("cannot be stored: {error}")))
}

/// What can be read of rows that wait for something to be done with them. One that cannot is said and passed over, so that it holds up no
/// other; it comes up again.
pub fn readable<T>(rows: impl IntoIterator<Item = Result<T>>) -> Vec<T> {
    let say = |error: &LedgerError| {
        tracing::error!(%error, "something that waits cannot be read; it is passed over");
    };
    rows.into_iter()
        .filter_map(|row| row.inspect_err(say).ok())
        .collect()
}

/// Everything known about a chain but its transactions, as one column holds it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms<'a> {
    renewals: Cow<'a, BTreeMap<String, RenewalFact>>,
    refunds: Cow<'a, BTreeMap<String, RefundFact>>,
    notes: Cow<'a, BTreeSet<Note>>,
}

impl<'a> Terms<'a> {
    /// Of these facts.
    pub const fn of(facts: &'a Facts) -> Self {
        Self {
            renewals: Cow::Borrowed(&facts.renewals),
            refunds: Cow::Borrowed(&facts.refunds),
            notes: Cow::Borrowed(&facts.notes),
        }
    }

    /// The facts they make with the transactions of the chain.
    pub fn with(self, transactions: BTreeMap<String, Transaction>) -> Facts {
        Facts {
            transactions,
            renewals: self.renewals.into_owned(),
            refunds: self.refunds.into_owned(),
            notes: self.notes.into_owned(),
        }
    }
}

/// A customer of whom only facts are left.
pub fn anonymous(customer: &Customer) -> Customer {
    Customer {
        revenue_usd_micros: customer.revenue_usd_micros,
        ..Customer::new(
            customer.id,
            format!("{FORGOTTEN_PREFIX}{}", customer.id),
            customer.first_seen,
        )
    }
}

/// An event's customer, forgotten, under the id the event was told with.
pub fn anonymous_as(forgotten: &Customer, id: CustomerId) -> Customer {
    Customer {
        id,
        ..forgotten.clone()
    }
}

/// Replaces every text that is one of `names`, wherever it stands.
pub fn scrub(value: &mut Value, names: &[String], by: &str) {
    match value {
        Value::String(text) if names.iter().any(|name| name == text) => by.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| scrub(value, names, by)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| scrub(value, names, by)),
        _ => {}
    }
}

/// Fields that are never written to the audit log.
const SECRET: [&str; 4] = ["sealed_settings", "sealed_secrets", "digest", "password"];

/// What the audit log shows of a stored thing: everything but secrets, which are only said to differ.
pub fn shown(body: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    for (name, value) in &mut fields {
        if SECRET.contains(&name.as_str()) {
            *value = "***".into();
        }
    }
    Value::Object(fields).to_string()
}

/// The project that a stored thing says it belongs to.
pub fn concerned(body: &str) -> Option<ProjectId> {
    #[derive(Deserialize)]
    struct Belongs {
        project: Option<ProjectId>,
    }
    serde_json::from_str::<Belongs>(body).ok()?.project
}
