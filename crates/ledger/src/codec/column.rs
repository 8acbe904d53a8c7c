//! Values as columns hold them: packed, as JSON, and what is known of a chain in one of them.

use crate::{LedgerError, Result};
use domain::{
    Facts,
    fact::{Note, RefundFact, RenewalFact, Transaction},
};
use serde::{Deserialize, Serialize};
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
