//! StoreKit 1 receipts, signed by the authority's leaf as Apple's are by theirs: PKCS#7 signed data around a set of attributes.
//! Source: RFC 2315, section 9; Apple, "Receipt Fields".

use crate::authority::Authority;
use anyhow::{Context, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// A receipt, as it is to be.
#[derive(Debug, Clone)]
pub struct StoreReceipt<'a> {
    /// The app's bundle id.
    pub bundle_id: &'a str,
    /// As receipts name it: `Production`, `ProductionSandbox`, `Xcode`, `LocalTesting`.
    pub environment: &'a str,
    /// When it was signed.
    pub created_at: Timestamp,
    /// Id and original id of each transaction it lists.
    pub transactions: &'a [(&'a str, &'a str)],
}

/// One element: its tag, its length, its content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match length.as_slice() {
        [] => vec![tag, 0],
        [short @ 0..=127] => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or(8)], long].concat(),
    };
    [head.as_slice(), content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

fn algorithm(oid: &[u8]) -> Vec<u8> {
    sequence(&[&element(0x06, oid)])
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let kind = element(0x02, &kind.to_be_bytes());
    sequence(&[&kind, &element(0x02, &[1]), &element(0x04, value)])
}

fn utf8(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &element(0x0c, text.as_bytes()))
}

fn date(kind: u16, at: Timestamp) -> Vec<u8> {
    let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    attribute(kind, &element(0x16, text.as_bytes()))
}

impl StoreReceipt<'_> {
    fn content(&self) -> Vec<u8> {
        let mut all = vec![
            utf8(0, self.environment),
            utf8(2, self.bundle_id),
            utf8(3, "1"),
            // Of no use to a server, and no ASN.1 at all.
            attribute(4, &[0xff; 16]),
            date(12, self.created_at),
        ];
        for (id, original) in self.transactions {
            let purchase = [
                attribute(1701, &element(0x02, &[1])),
                utf8(1702, "com.example.monthly"),
                utf8(1703, id),
                date(1704, self.created_at),
                utf8(1705, original),
            ];
            all.push(attribute(17, &element(0x31, &purchase.concat())));
        }
        element(0x31, &all.concat())
    }
}

/// All of it, content, and what comes after the element that `bytes` begin with.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (head, length) = match *bytes.get(1)? {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let head = 2 + usize::from(long & 0x7f);
            let digits = bytes.get(2..head)?.iter();
            let length = digits.fold(0, |length, digit| (length << 8) | usize::from(*digit));
            (head, length)
        }
    };
    let whole = bytes.get(..head + length)?;
    Some((
        whole,
        bytes.get(head..head + length)?,
        bytes.get(head + length..)?,
    ))
}

/// Who issued a certificate, and its number there: issuer and serial number, as its signer is named.
fn issuer_and_serial(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, signed, _) = split(split(certificate)?.1)?;
    let (_version, _, rest) = split(signed)?;
    let (serial, _, rest) = split(rest)?;
    let (_algorithm, _, rest) = split(rest)?;
    let (issuer, ..) = split(rest)?;
    Some(sequence(&[issuer, serial]))
}

impl Authority {
    /// A signed receipt, base64, as a client sends it.
    pub fn sign_receipt(&self, receipt: &StoreReceipt<'_>) -> Result<String> {
        let (certificates, key) = self.of_receipts()?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key)
            .map_err(|error| anyhow::anyhow!("the signing key cannot be read: {error}"))?;
        let content = receipt.content();
        let signature = key
            .sign(&SystemRandom::new(), &content)
            .map_err(|_| anyhow::anyhow!("signing failed"))?;
        let signer = issuer_and_serial(&certificates[0]).context("the leaf cannot be read")?;
        let version = element(0x02, &[1]);
        let signer = sequence(&[
            &version,
            &signer,
            &algorithm(SHA256),
            &algorithm(ECDSA_WITH_SHA256),
            &element(0x04, signature.as_ref()),
        ]);
        let content = element(0xa0, &element(0x04, &content));
        let data = sequence(&[
            &version,
            &element(0x31, &algorithm(SHA256)),
            &sequence(&[&element(0x06, DATA), &content]),
            &element(0xa0, &certificates.concat()),
            &element(0x31, &signer),
        ]);
        let whole = sequence(&[&element(0x06, SIGNED_DATA), &element(0xa0, &data)]);
        Ok(BASE64_STANDARD.encode(whole))
    }
}
