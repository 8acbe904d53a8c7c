//! What responders answer about revoked certificates.

use super::moment::now;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use sources::apple::{Chain, ocsp::Check};
use std::sync::LazyLock;

const BASIC_RESPONSE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

fn checks(certificates: [&[u8]; 3]) -> Vec<Check> {
    let certificates = certificates.map(<[u8]>::to_vec);
    let chain = Chain::build(&certificates, &certificates[2..]);
    chain.expect("it leads to its root").revocation_checks()
}

static OF_APPLE: LazyLock<Vec<Check>> = LazyLock::new(|| {
    checks([
        include_bytes!("../../certificates/receipt-signing-2025.der"),
        include_bytes!("../../certificates/wwdr-g6.der"),
        include_bytes!("../../../crates/sources/src/apple/AppleRootCA-G3.der"),
    ])
});

static OF_OURS: LazyLock<Vec<Check>> = LazyLock::new(|| {
    checks([
        include_bytes!("../../certificates/fuzzed-leaf.der"),
        include_bytes!("../../certificates/fuzzed-intermediate.der"),
        include_bytes!("../../certificates/fuzzed-root.der"),
    ])
});

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let key = include_bytes!("../../certificates/fuzzed-intermediate.pk8");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key).expect("it is a key")
});

/// One element: its tag, its length in two bytes, its content.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&[tag, 0x82][..], &length.to_be_bytes(), &content].concat()
}

/// An answer that says what it is given, signed by the issuer.
fn signed(data: &[u8]) -> Option<Vec<u8>> {
    let data = element(0x30, &[data]);
    let signature = KEY.sign(&SystemRandom::new(), &data).ok()?;
    let algorithm = element(0x30, &[&element(0x06, &[ECDSA_WITH_SHA256])]);
    let signature = element(0x03, &[&[0], signature.as_ref()]);
    let basic = element(0x30, &[&data, &algorithm, &signature]);
    let kind = element(0x06, &[BASIC_RESPONSE]);
    let bytes = element(0x30, &[&kind, &element(0x04, &[&basic])]);
    let status = element(0x0a, &[&[0]]);
    Some(element(0x30, &[&status, &element(0xa0, &[&bytes])]))
}

/// An answer of Apple's responder, and what one signs.
pub(super) fn ocsp(bytes: &[u8]) {
    for check in OF_APPLE.iter() {
        drop(check.judge(bytes, now()));
    }
    if let Some(signed) = signed(bytes) {
        for check in OF_OURS.iter() {
            drop(check.judge(&signed, now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sources::apple::ocsp::Doubt;

    #[test]
    fn what_is_signed_here_is_believed() {
        let verdict = |data: &[u8]| OF_OURS[0].judge(&signed(data).unwrap(), now());
        let good = include_bytes!("../../seeds/ocsp/good-data.der");
        assert_eq!(verdict(good), Ok(()));
        let revoked = include_bytes!("../../seeds/ocsp/revoked-data.der");
        assert_eq!(verdict(revoked), Err(Doubt::Revoked));
    }
}
