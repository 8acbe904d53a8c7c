//! Certificate chains: leaf, intermediate, pinned root.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    der_parser::{Oid, oid},
    oid_registry::{
        OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
    },
    prelude::FromDer,
};

/// Extension that marks a leaf as signing App Store receipts.
const RECEIPT_SIGNING: Oid<'static> = oid!(1.2.840.113635.100.6.11.1);
/// Extension that marks Apple's Worldwide Developer Relations intermediate.
const WWDR: Oid<'static> = oid!(1.2.840.113635.100.6.2.1);

/// Why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// `x5c` is not an array of three certificates.
    #[error("the certificate chain has {0} certificates, expected 3")]
    Length(usize),
    /// A certificate cannot be decoded.
    #[error("the {0} certificate cannot be decoded")]
    Undecodable(&'static str),
    /// A certificate lacks the extension that says what it is for.
    #[error("the {0} certificate lacks Apple's marker extension")]
    Purpose(&'static str),
    /// None of the certificates is the one that the signature names.
    #[error("the certificate that signed is not among those sent")]
    Signer,
    /// The chain does not lead to a pinned root.
    #[error("the certificate chain does not lead to a trusted root")]
    Root,
    /// The certificate was not valid when the payload was signed.
    #[error("the certificate chain was not valid when the payload was signed")]
    Validity,
}

/// A chain whose signatures lead to a pinned root. Its validity in time is checked for each payload.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Public key of the leaf: an uncompressed P-256 point, or an RSA key of a receipt's.
    pub(crate) leaf_key: Vec<u8>,
    not_before: i64,
    not_after: i64,
    /// Leaf, intermediate and root, DER, for revocation checks.
    pub(crate) certificates: [Vec<u8>; 3],
}

pub(super) fn parse<'a>(
    der: &'a [u8],
    which: &'static str,
) -> Result<X509Certificate<'a>, Untrusted> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Untrusted::Undecodable(which)),
    }
}

/// Whether `key`, an EC or RSA public key, signed `message` with the named algorithm. Apple signed receipts, and the certificates
/// they lead to, with SHA-1 until those certificates ended in 2023 and 2025; no other is issued any more.
pub(crate) fn signed_by(key: &[u8], algorithm: &Oid<'_>, message: &[u8], signature: &[u8]) -> bool {
    // An uncompressed point is 1 + 2 * 32 bytes on P-256 and 1 + 2 * 48 on P-384.
    let scheme: &'static dyn VerificationAlgorithm = match (key.len(), algorithm) {
        (65, name) if *name == OID_SIG_ECDSA_WITH_SHA256 => &ECDSA_P256_SHA256_ASN1,
        (65, name) if *name == OID_SIG_ECDSA_WITH_SHA384 => &ECDSA_P256_SHA384_ASN1,
        (97, name) if *name == OID_SIG_ECDSA_WITH_SHA256 => &ECDSA_P384_SHA256_ASN1,
        (97, name) if *name == OID_SIG_ECDSA_WITH_SHA384 => &ECDSA_P384_SHA384_ASN1,
        (_, name) if *name == OID_PKCS1_SHA256WITHRSA => &RSA_PKCS1_2048_8192_SHA256,
        (_, name) if *name == OID_PKCS1_SHA1WITHRSA => {
            &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        _ => return false,
    };
    UnparsedPublicKey::new(scheme, key)
        .verify(message, signature)
        .is_ok()
}

fn issued(issuer: &X509Certificate<'_>, subject: &X509Certificate<'_>) -> bool {
    let key = &issuer.public_key().subject_public_key.data;
    issuer.subject().as_raw() == subject.issuer().as_raw()
        && signed_by(
            key,
            &subject.signature_algorithm.algorithm,
            subject.tbs_certificate.as_ref(),
            &subject.signature_value.data,
        )
}

fn has(certificate: &X509Certificate<'_>, extension: &Oid<'_>) -> bool {
    certificate
        .extensions()
        .iter()
        .any(|found| found.oid == *extension)
}

impl Chain {
    /// Builds `leaf <- intermediate <- one of roots`. The third certificate that was sent is never trusted: Apple's own
    /// test payloads carry one that differs from the pinned root byte for byte. Source: Apple, "JWS data
    /// types", `x5c`; RFC 5280.
    pub fn build(sent: &[Vec<u8>], roots: &[Vec<u8>]) -> Result<Self, Untrusted> {
        let [leaf_der, intermediate_der, _] = sent else {
            return Err(Untrusted::Length(sent.len()));
        };
        Self::leading(leaf_der, intermediate_der, roots)
    }

    /// The same, of the two certificates that count.
    pub(super) fn leading(
        leaf_der: &[u8],
        intermediate_der: &[u8],
        roots: &[Vec<u8>],
    ) -> Result<Self, Untrusted> {
        let leaf = parse(leaf_der, "leaf")?;
        let intermediate = parse(intermediate_der, "intermediate")?;
        if !has(&leaf, &RECEIPT_SIGNING) {
            return Err(Untrusted::Purpose("leaf"));
        }
        if !has(&intermediate, &WWDR) || !intermediate.is_ca() {
            return Err(Untrusted::Purpose("intermediate"));
        }
        for root_der in roots {
            let root = parse(root_der, "root")?;
            if issued(&root, &intermediate) && issued(&intermediate, &leaf) {
                let validity =
                    [&leaf, &intermediate, &root].map(|certificate| certificate.validity());
                return Ok(Self {
                    leaf_key: leaf.public_key().subject_public_key.data.to_vec(),
                    not_before: validity
                        .iter()
                        .map(|validity| validity.not_before.timestamp())
                        .max()
                        .unwrap_or(i64::MAX),
                    not_after: validity
                        .iter()
                        .map(|validity| validity.not_after.timestamp())
                        .min()
                        .unwrap_or(i64::MIN),
                    certificates: [
                        leaf_der.to_vec(),
                        intermediate_der.to_vec(),
                        root_der.clone(),
                    ],
                });
            }
        }
        Err(Untrusted::Root)
    }

    /// A single self-signed certificate, accepted only when it *is* one of the configured roots, as Xcode signs locally.
    pub(crate) fn pinned(sent: &[Vec<u8>], roots: &[Vec<u8>]) -> Result<Self, Untrusted> {
        let [only] = sent else {
            return Err(Untrusted::Length(sent.len()));
        };
        if !roots.contains(only) {
            return Err(Untrusted::Root);
        }
        let certificate = parse(only, "leaf")?;
        Ok(Self {
            leaf_key: certificate.public_key().subject_public_key.data.to_vec(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            certificates: [only.clone(), only.clone(), only.clone()],
        })
    }

    /// Whether every certificate of the chain was valid at `at`.
    pub fn valid_at(&self, at: Timestamp) -> Result<(), Untrusted> {
        let second = at.as_second();
        if (self.not_before..=self.not_after).contains(&second) {
            Ok(())
        } else {
            Err(Untrusted::Validity)
        }
    }
}
