//! StoreKit 1 receipts: only a transaction id is read from them, and the App Store is asked about it.
//!
//! A receipt is a PKCS#7 envelope around a set of attributes; an in-app purchase is an attribute that is itself such a
//! set. Its signature is not checked: whoever knows a transaction id could send just that. Source: Apple,
//! "Receipt Validation Programming Guide".

use crate::Refusal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
// Receipts of Xcode use indefinite lengths, which are BER but not DER.
use x509_parser::der_parser::asn1_rs::{Any, FromBer, Tag};

const IN_APP: u64 = 17;
const TRANSACTION_ID: u64 = 1703;
const ORIGINAL_TRANSACTION_ID: u64 = 1705;
/// Nesting beyond this is no receipt.
const DEEPEST: usize = 12;

/// A transaction id found in a base64 receipt.
pub(super) fn transaction_id(receipt: &str) -> Result<String, Refusal> {
    let malformed = |what: &str| {
        Refusal::refuse(
            "malformed_receipt",
            format!(
                "expected a signed transaction (three parts with dots), a transaction id (digits) or a base64 App Store receipt: {what}"
            ),
        )
    };
    let compact: String = receipt.split_whitespace().collect();
    let der = STANDARD
        .decode(compact)
        .map_err(|_| malformed("this is none of them"))?;
    let mut found = Found::default();
    walk(&der, 0, &mut found);
    if !found.is_asn1 {
        return Err(malformed("the base64 holds something else"));
    }
    found
        .id
        .ok_or_else(|| Refusal::refuse("empty_receipt", "the receipt holds no purchase"))
}

#[derive(Default)]
struct Found {
    is_asn1: bool,
    id: Option<String>,
}

/// Visits every element; attributes are sequences of a number, a version and an octet string.
fn walk(mut bytes: &[u8], depth: usize, found: &mut Found) {
    while !bytes.is_empty() && depth < DEEPEST && found.id.is_none() {
        let Ok((rest, element)) = Any::from_ber(bytes) else {
            return;
        };
        found.is_asn1 = true;
        bytes = rest;
        if element.tag() == Tag::Sequence
            && let Some((kind, value)) = attribute(element.data)
        {
            match kind {
                IN_APP => walk(value, depth + 1, found),
                TRANSACTION_ID | ORIGINAL_TRANSACTION_ID => found.id = text(value),
                _ => {}
            }
        } else if element.header.is_constructed() || element.tag() == Tag::OctetString {
            walk(element.data, depth + 1, found);
        }
    }
}

fn attribute(sequence: &[u8]) -> Option<(u64, &[u8])> {
    let (rest, kind) = Any::from_ber(sequence).ok()?;
    let kind = kind.as_u64().ok()?;
    let (rest, version) = Any::from_ber(rest).ok()?;
    version.as_u64().ok()?;
    let (_, value) = Any::from_ber(rest).ok()?;
    (value.tag() == Tag::OctetString).then_some((kind, value.data))
}

fn text(value: &[u8]) -> Option<String> {
    let (_, text) = Any::from_ber(value).ok()?;
    let text = std::str::from_utf8(text.data).ok()?;
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One element of tag `tag`.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 128, "short forms only");
        [&[tag, length], content].concat()
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let kind = element(0x02, &kind.to_be_bytes());
        element(
            0x30,
            &[kind, element(0x02, &[1]), element(0x04, value)].concat(),
        )
    }

    #[test]
    fn the_id_of_a_purchase_is_found_and_nothing_else_is_taken_for_one() {
        let purchase = element(0x31, &attribute(1703, &element(0x0c, b"2000000123")));
        let receipt = element(0x31, &attribute(17, &purchase));
        assert_eq!(
            transaction_id(&STANDARD.encode(&receipt)).unwrap(),
            "2000000123"
        );
        let empty = element(0x31, &attribute(2, &element(0x0c, b"com.example")));
        assert_eq!(
            transaction_id(&STANDARD.encode(empty)).unwrap_err().code,
            "empty_receipt"
        );
        for garbage in ["", "not base64!", "aGVsbG8gd29ybGQ"] {
            let code = transaction_id(garbage).unwrap_err().code;
            assert!(
                ["malformed_receipt", "empty_receipt"].contains(&code),
                "{code}"
            );
        }
        let mut deep = receipt;
        for _ in 0..30 {
            deep = [vec![0x30, 0x80], deep, vec![0, 0]].concat();
        }
        assert!(transaction_id(&STANDARD.encode(deep)).is_err());
    }

    #[test]
    fn a_receipt_made_by_xcode_is_read() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/vectors/apple/xcode/xcode-app-receipt-with-transaction"
        );
        if let Ok(receipt) = std::fs::read_to_string(path) {
            assert_eq!(transaction_id(&receipt).unwrap(), "0");
        }
    }
}
