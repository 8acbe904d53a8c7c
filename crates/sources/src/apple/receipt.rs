//! StoreKit 1 receipts: an envelope that Apple signed around a set of attributes, an in-app purchase being an attribute that is
//! itself such a set.
//!
//! A verified receipt proves that whoever holds it bought what it lists. What became of that is not in it: the App Store is asked.
//! Source: Apple, "Receipt Fields" and "Validating receipts on the device".

use super::{App, Rejection, ber::Reader, notification::environment_of, pkcs7::SignedData};
use crate::{Refusal, RefusalCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Environment;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Kinds of attributes of a receipt.
const ENVIRONMENT: u32 = 0;
const BUNDLE_ID: u32 = 2;
const CREATED_AT: u32 = 12;
const IN_APP: u32 = 17;
/// Kinds of attributes of a purchase.
const TRANSACTION_ID: u32 = 1703;
const ORIGINAL_TRANSACTION_ID: u32 = 1705;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const UTF8: u8 = 0x0c;
const IA5: u8 = 0x16;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// What a verified receipt proves.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proven {
    pub(super) environment: Environment,
    /// One of its purchases, to ask about.
    pub(super) transaction: String,
    /// The chains it lists.
    pub(super) chains: BTreeSet<String>,
}

fn malformed(what: &str) -> Refusal {
    Refusal::refuse(
        RefusalCode::MalformedReceipt,
        format!(
            "expected a signed transaction (three parts with dots) or a base64 App Store receipt: {what}"
        ),
    )
}

/// Verifies a base64 receipt: who signed it, for which app, in which environment, with certificates that were valid then.
pub(super) fn verify(receipt: &str, app: &App) -> Result<Proven, Refusal> {
    let compact: String = receipt.split_whitespace().collect();
    let der = STANDARD
        .decode(compact)
        .map_err(|_| malformed("this is none of them"))?;
    let signed = SignedData::read(&der)
        .map_err(|_| malformed("the base64 holds something else, or only a part of one"))?;
    // Read before it is believed, only to choose what to verify it with; everything it says is used afterwards.
    let claim = Listed::read(&signed.content);
    let environment = claim.as_ref().map_or("Production", Listed::environment);
    let (verifier, environment) = environment_of(environment, app)?;
    let chain = verifier.verify_signed_data(&signed)?;
    let listed =
        claim.ok_or_else(|| malformed("it is signed, but lists nothing that can be read"))?;
    chain.valid_at(listed.created_at).map_err(Rejection::from)?;
    if listed.bundle_id != app.bundle_id {
        return Err(Rejection::WrongApp {
            found: format!("bundle id {}", listed.bundle_id),
            expected: format!("bundle id {}", app.bundle_id),
        }
        .into());
    }
    let transaction = listed.transaction.ok_or_else(|| {
        Refusal::refuse(RefusalCode::EmptyReceipt, "the receipt holds no purchase")
    })?;
    Ok(Proven {
        environment,
        transaction,
        chains: listed.chains,
    })
}

/// What the content of a receipt lists.
#[derive(Default)]
struct Listed {
    kind: Option<String>,
    bundle_id: String,
    created_at: Timestamp,
    transaction: Option<String>,
    chains: BTreeSet<String>,
}

impl Listed {
    /// `None` for what is no set of attributes, or lacks one that no receipt is without.
    fn read(content: &[u8]) -> Option<Self> {
        let mut listed = Self::default();
        let (mut bundle_id, mut created_at) = (None, None);
        for (kind, value) in attributes(content)? {
            match kind {
                ENVIRONMENT => listed.kind = Some(text(value)?),
                BUNDLE_ID => bundle_id = Some(text(value)?),
                CREATED_AT => created_at = Some(text(value)?.parse().ok()?),
                IN_APP => listed.add(value).unwrap_or_default(),
                _ => {}
            }
        }
        listed.bundle_id = bundle_id?;
        listed.created_at = created_at?;
        Some(listed)
    }

    /// A purchase without an id that can be read proves nothing, and harms no other.
    fn add(&mut self, purchase: &[u8]) -> Option<()> {
        let (mut transaction, mut original) = (None, None);
        for (kind, value) in attributes(purchase)? {
            match kind {
                TRANSACTION_ID => transaction = Some(id(value)?),
                ORIGINAL_TRANSACTION_ID => original = Some(id(value)?),
                _ => {}
            }
        }
        let transaction = transaction?;
        // Receipts of Xcode do not repeat it.
        let original = original.unwrap_or_else(|| transaction.clone());
        self.chains.insert(original);
        self.transaction.get_or_insert(transaction);
        Some(())
    }

    /// As signed transactions call it.
    fn environment(&self) -> &str {
        match self.kind.as_deref() {
            None | Some("ProductionVPP") => "Production",
            Some("ProductionSandbox" | "ProductionVPPSandbox") => "Sandbox",
            Some(other) => other,
        }
    }
}

/// The attributes of a set: sequences of a kind, a version and octets.
fn attributes(set: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    let mut outside = Reader(set);
    let mut set = Reader(outside.expect(SET).ok()?.content);
    let mut all = Vec::new();
    while !set.is_empty() {
        let mut attribute = Reader(set.expect(SEQUENCE).ok()?.content);
        let kind = attribute.expect(INTEGER).ok()?.content;
        attribute.expect(INTEGER).ok()?;
        let value = attribute.expect(OCTETS).ok()?.content;
        if let Some(kind) = number(kind) {
            all.push((kind, value));
        }
    }
    outside.is_empty().then_some(all)
}

/// A kind that is small enough to be one of those that are read.
fn number(bytes: &[u8]) -> Option<u32> {
    let is_small = bytes.len() <= 4 && bytes.first().is_some_and(|first| *first < 0x80);
    is_small.then(|| {
        bytes
            .iter()
            .fold(0, |number, byte| (number << 8) | u32::from(*byte))
    })
}

fn text(value: &[u8]) -> Option<String> {
    let mut value = Reader(value);
    let text = value.next()?;
    let is_text = matches!(text.tag, UTF8 | IA5) && value.is_empty();
    let text = is_text.then_some(text.content)?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

fn id(value: &[u8]) -> Option<String> {
    let id = text(value)?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(id)
}
