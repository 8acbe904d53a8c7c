//! Promotional offers, signed for an app that wants to make one. Source: Apple, "Generating a signature for promotional offers".

use super::Api;
use crate::{OfferAsked, SignedOffer, Trouble};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What stands between the parts of what is signed.
const SEPARATOR: &str = "\u{2063}";

impl Api {
    /// Signs an offer for whom it is made to, with the app's In-App Purchase key.
    pub(in crate::apple) fn sign_offer(
        &self,
        asked: &OfferAsked<'_>,
    ) -> Result<SignedOffer, Trouble> {
        let timestamp = asked.at.as_millisecond();
        let parts = [
            &self.bundle_id,
            self.key.id(),
            asked.product,
            asked.offer,
            asked.account,
            asked.nonce,
            &timestamp.to_string(),
        ];
        let signed = self.key.sign(parts.join(SEPARATOR).as_bytes());
        let signature = signed.map_err(Trouble::Credentials)?;
        Ok(SignedOffer {
            key_id: self.key.id().to_owned(),
            timestamp,
            signature: STANDARD.encode(der(&signature)),
        })
    }
}

/// A signature as ASN.1 has it: two numbers, each without zeros in front, but with one where it would look negative otherwise.
fn der(signature: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0);
        let bytes = bytes
            .get(start.unwrap_or(bytes.len())..)
            .unwrap_or_default();
        let is_high = bytes.first().is_none_or(|first| *first >= 0x80);
        let mut value = if is_high { vec![0] } else { Vec::new() };
        value.extend_from_slice(bytes);
        tagged(0x02, &value)
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    tagged(0x30, &[number(r), number(s)].concat())
}

/// Everything here is shorter than 128 bytes.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    [&[tag, length], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_short_as_they_are_and_never_negative() {
        let mut signature = [0; 64];
        signature[31] = 1;
        signature[32] = 0xff;
        let expected = [
            &[0x30, 38, 0x02, 1, 1, 0x02, 33, 0, 0xff],
            [0; 31].as_slice(),
        ]
        .concat();
        assert_eq!(der(&signature), expected);
    }
}
