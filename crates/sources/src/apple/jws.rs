//! Compact JWS with an `x5c` header, ES256 only.

use super::{
    certificate::{Chain, Untrusted},
    pkcs7::SignedData,
    rejection::Rejection,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use guarded::Guarded;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard},
};

/// Chains remembered; the number Apple's own libraries use. Source: App Store Server Library.
const REMEMBERED: usize = 32;

/// Apple Root CA - G3, to which signed transactions and notifications lead.
const APPLE_ROOT_CA_G3: &[u8] = include_bytes!("AppleRootCA-G3.der");
/// Apple Root CA (2006 to 2035, RSA), to which StoreKit 1 receipts lead. Source: Apple, "Apple PKI", Apple Inc. Root.
const APPLE_ROOT_CA: &[u8] = include_bytes!("AppleRootCA.der");

/// Verified chains, by the certificates that were checked.
type Chains = BTreeMap<Vec<Vec<u8>>, Arc<Chain>>;

/// Verifies JWS against pinned roots. Remembers verified chains, so that a JWS costs one signature check.
///
/// The memory is keyed by the certificates that were checked, so a chain vouches for no other leaf, and whatever else stands in a
/// header costs no memory. What it holds (signatures between certificates) does not change with time; validity in time is checked
/// for every payload.
#[derive(Debug)]
pub struct Verifier {
    roots: Vec<Vec<u8>>,
    receipt_roots: Vec<Vec<u8>>,
    single_certificate: bool,
    chains: Guarded<Chains>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
}

/// The signing time a payload carries.
#[derive(Deserialize)]
struct Signed {
    #[serde(
        default,
        deserialize_with = "super::model::instant",
        rename = "signedDate"
    )]
    signed_date: Option<Timestamp>,
    #[serde(
        default,
        deserialize_with = "super::model::instant",
        rename = "receiptCreationDate"
    )]
    receipt_creation_date: Option<Timestamp>,
}

/// The three parts of a JWS, still encoded.
pub(crate) struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(jws: &'a str) -> Result<Self, Rejection> {
        let mut parts = jws.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(payload), Some(signature), None) => Ok(Self {
                header,
                payload,
                signature,
            }),
            _ => Err(Rejection::Malformed("not a compact JWS of three parts")),
        }
    }

    /// The payload as JSON, *before* verification: only to choose how to verify it.
    pub(crate) fn unverified(&self) -> Result<Vec<u8>, Rejection> {
        BASE64_URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| Rejection::Malformed("the payload is not base64url"))
    }
}

impl Verifier {
    /// Trusts Apple's pinned roots and nothing else: Apple Root CA - G3 for JWS, Apple Root CA for receipts.
    pub fn apple() -> Self {
        Self {
            receipt_roots: vec![APPLE_ROOT_CA.to_vec()],
            ..Self::with_roots(vec![APPLE_ROOT_CA_G3.to_vec()])
        }
    }

    /// Trusts the given roots (DER) instead: for local testing only, see [`super::App`].
    pub fn with_roots(roots: Vec<Vec<u8>>) -> Self {
        Self {
            receipt_roots: roots.clone(),
            roots,
            single_certificate: false,
            chains: Guarded::default(),
        }
    }

    /// Also accepts a payload signed by one of the roots itself, as Xcode does.
    #[must_use]
    pub fn accepting_single_certificate(mut self) -> Self {
        self.single_certificate = true;
        self
    }

    /// Checks shape, chain, validity at signing time and signature, and decodes the payload.
    /// Source: Apple, "JWS data types"; RFC 7515.
    pub fn verify<T: DeserializeOwned>(&self, jws: &str) -> Result<(T, Arc<Chain>), Rejection> {
        let parts = Parts::split(jws)?;
        let chain = self.chain(parts.header)?;
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(parts.signature)
            .map_err(|_| Rejection::Malformed("the signature is not base64url"))?;
        let signed = jws
            .get(..parts.header.len() + 1 + parts.payload.len())
            .ok_or(Rejection::Malformed("not a compact JWS of three parts"))?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &chain.leaf_key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| Rejection::Signature)?;
        let payload = parts.unverified()?;
        let time: Signed = serde_json::from_slice(&payload).map_err(|_| {
            Rejection::Malformed("the payload is not a JSON object with a signedDate")
        })?;
        let signed_at = time
            .signed_date
            .or(time.receipt_creation_date)
            .ok_or(Rejection::Malformed("the payload has no signedDate"))?;
        chain.valid_at(signed_at)?;
        let value = serde_json::from_slice(&payload)
            .map_err(|error| Rejection::Unreadable(error.to_string()))?;
        Ok((value, chain))
    }

    /// The chain that signed a receipt.
    pub(super) fn verify_signed_data(&self, signed: &SignedData<'_>) -> Result<Chain, Rejection> {
        signed.chain(&self.receipt_roots, self.single_certificate)
    }

    fn chain(&self, header: &str) -> Result<Arc<Chain>, Rejection> {
        let json = BASE64_URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| Rejection::Malformed("the header is not base64url"))?;
        let Header { alg, x5c } = serde_json::from_slice(&json).map_err(|_| {
            Rejection::Malformed("the header is not a JSON object with alg and x5c")
        })?;
        if alg != "ES256" {
            return Err(Rejection::Malformed("alg is not ES256"));
        }
        let certificates = x5c
            .iter()
            .map(|text| BASE64_STANDARD.decode(text))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Rejection::Untrusted(Untrusted::Undecodable("x5c")))?;
        // What is checked of them: of three, the last is never trusted.
        let checked = match certificates.as_slice() {
            [only] if self.single_certificate => vec![only.clone()],
            [leaf, intermediate, _] => vec![leaf.clone(), intermediate.clone()],
            others => return Err(Rejection::Untrusted(Untrusted::Length(others.len()))),
        };
        if let Some(known) = self.chains().get(&checked) {
            return Ok(Arc::clone(known));
        }
        let chain = match checked.len() {
            1 => Chain::pinned(&certificates, &self.roots)?,
            _ => Chain::build(&certificates, &self.roots)?,
        };
        let chain = Arc::new(chain);
        let mut chains = self.chains();
        if chains.len() >= REMEMBERED {
            chains.clear();
        }
        chains.insert(checked, Arc::clone(&chain));
        Ok(chain)
    }

    fn chains(&self) -> MutexGuard<'_, Chains> {
        self.chains.lock()
    }
}
