//! What backends share: how values become columns, and what is shown of them.
//!
//! Whatever cannot be read back names its table and row. Backends that store the same bytes can be compared and copied.

use crate::{ChainWrite, Commit, LedgerError, Result};
use domain::{
    CustomerId, Facts,
    customer::{Customer, FORGOTTEN_PREFIX},
    fact::{Note, RefundFact, RenewalFact, Transaction},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
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
/// # Panics
///
/// When there is no memory to compress into.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
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
pub fn unpack(packed: &[u8], table: &'static str, id: impl Display) -> Result<Vec<u8>> {
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

/// A row that cannot be read.
pub fn corrupt(table: &'static str, id: impl Display, problem: impl Display) -> LedgerError {
    LedgerError::Corrupt {
        table,
        id: id.to_string(),
        problem: problem.to_string(),
    }
}

/// A value as a column holds it.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| LedgerError::Refused(format!("cannot be stored: {error}")))
}

/// Reads back what [`to_json`] wrote.
pub fn from_json<T: DeserializeOwned>(
    text: &[u8],
    table: &'static str,
    id: impl Display,
) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| corrupt(table, id, error))
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

/// A commit with everything serialized, by whoever asks for it: the writer only binds and steps.
#[derive(Debug)]
pub struct Prepared {
    /// What is committed.
    pub commit: Commit,
    /// The message's body.
    pub inbox_body: Option<Vec<u8>>,
    /// The customer.
    pub customer: Option<String>,
    /// The chain's snapshot and terms.
    pub snapshot: Option<(String, String)>,
    /// The customer a handover is from.
    pub from: Option<String>,
    /// Changed transactions of the chain by id.
    pub transactions: Vec<(String, String)>,
    /// Body of each event, and where it is not sent.
    pub events: Vec<(Vec<u8>, String)>,
    /// Message of each delivery.
    pub messages: Vec<String>,
}

impl Prepared {
    /// Serializes a commit.
    pub fn new(commit: Commit) -> Result<Self> {
        let chain = commit.chain.as_ref();
        let changed = |chain: &ChainWrite| -> Result<Vec<_>> {
            let changed = chain
                .changed
                .iter()
                .filter_map(|id| chain.facts.transactions.get_key_value(id));
            changed
                .map(|(id, transaction)| Ok((id.clone(), to_json(transaction)?)))
                .collect()
        };
        let snapshot = |chain: &ChainWrite| -> Result<_> {
            Ok((
                to_json(&chain.snapshot)?,
                to_json(&Terms::of(&chain.facts))?,
            ))
        };
        Ok(Self {
            inbox_body: commit.inbox.as_ref().map(|message| pack(&message.body)),
            customer: commit
                .customer
                .as_ref()
                .map(|write| to_json(&write.customer))
                .transpose()?,
            snapshot: chain.map(snapshot).transpose()?,
            from: commit
                .handover
                .as_ref()
                .map(|handover| to_json(&handover.from.customer))
                .transpose()?,
            transactions: chain.map(changed).transpose()?.unwrap_or_default(),
            events: commit
                .events
                .iter()
                .map(|new| {
                    Ok((
                        pack(to_json(&new.event)?.as_bytes()),
                        to_json(&new.not_sent)?,
                    ))
                })
                .collect::<Result<_>>()?,
            messages: commit
                .deliveries
                .iter()
                .map(|delivery| to_json(&delivery.message))
                .collect::<Result<_>>()?,
            commit,
        })
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
