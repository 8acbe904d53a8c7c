//! PKCS#7 signed data as App Store receipts use it: the content inside, one signer, nothing signed beside the content.
//! Source: RFC 2315, section 9; Apple, "Validating receipts on the device".
//!
//! Nothing read here is to be believed before [`SignedData::chain`] has answered.

use super::{
    ber::{Malformed, Reader},
    certificate::{Chain, Untrusted, parse, signed_by},
    rejection::Rejection,
};
use x509_parser::{
    der_parser::Oid,
    oid_registry::{
        OID_HASH_SHA1, OID_NIST_HASH_SHA256, OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA1WITHRSA,
        OID_PKCS1_SHA256WITHRSA, OID_PKCS7_ID_DATA, OID_PKCS7_ID_SIGNED_DATA,
        OID_SIG_ECDSA_WITH_SHA256,
    },
};

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PARTS: u8 = 0x24;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// Certificates, the content behind its type, and attributes that are signed with it.
const ZERO: u8 = 0xa0;
/// Certificates that were revoked.
const ONE: u8 = 0xa1;

/// Certificates beyond this are no chain of Apple's, which has three.
const MOST_CERTIFICATES: usize = 8;

/// A receipt's envelope, taken apart.
#[derive(Debug)]
pub(super) struct SignedData<'a> {
    /// What was signed.
    pub(super) content: Vec<u8>,
    certificates: Vec<&'a [u8]>,
    /// Who issued the signer's certificate, and its number there.
    signer: (&'a [u8], &'a [u8]),
    algorithm: Oid<'static>,
    signature: &'a [u8],
}

impl<'a> SignedData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut outside = Reader(bytes);
        let mut info = Reader(outside.expect(SEQUENCE)?.content);
        require(outside.is_empty())?;
        require(info.expect(OID)?.content == OID_PKCS7_ID_SIGNED_DATA.as_bytes())?;
        let mut data = Reader(Reader(info.expect(ZERO)?.content).expect(SEQUENCE)?.content);
        data.expect(INTEGER)?;
        data.expect(SET)?;
        let content = content(data.expect(SEQUENCE)?.content)?;
        let certificates = certificates(data.expect(ZERO)?.content)?;
        data.optional(ONE);
        let mut signers = Reader(data.expect(SET)?.content);
        let mut signer = Reader(signers.expect(SEQUENCE)?.content);
        require(signers.is_empty())?;
        signer.expect(INTEGER)?;
        let mut name = Reader(signer.expect(SEQUENCE)?.content);
        let who = (name.expect(SEQUENCE)?.whole, name.expect(INTEGER)?.content);
        let digest = Reader(signer.expect(SEQUENCE)?.content).expect(OID)?;
        // Apple signs the content itself. Attributes that are signed in its place would be one more thing to get wrong.
        let scheme = Reader(signer.expect(SEQUENCE)?.content).expect(OID)?;
        let signature = signer.expect(OCTETS)?.content;
        Ok(Self {
            content,
            certificates,
            signer: who,
            algorithm: algorithm(digest.content, scheme.content).ok_or(Malformed)?,
            signature,
        })
    }

    /// Who signed it: a chain that leads to one of `roots`, or one of them itself where `single` allows it, whose leaf signed the
    /// content. Its validity in time is for the caller to check, who knows when it was signed.
    pub(super) fn chain(&self, roots: &[Vec<u8>], single: bool) -> Result<Chain, Rejection> {
        let chain = self.issued(roots, single)?;
        if signed_by(
            &chain.leaf_key,
            &self.algorithm,
            &self.content,
            self.signature,
        ) {
            Ok(chain)
        } else {
            Err(Rejection::Signature)
        }
    }

    fn issued(&self, roots: &[Vec<u8>], single: bool) -> Result<Chain, Untrusted> {
        let (issuer, serial) = self.signer;
        let mut leaf = None;
        for der in &self.certificates {
            let certificate = parse(der, "receipt's")?;
            if certificate.issuer().as_raw() == issuer && certificate.raw_serial() == serial {
                leaf = Some((*der, certificate));
                break;
            }
        }
        let (leaf_der, leaf) = leaf.ok_or(Untrusted::Signer)?;
        if single && self.certificates.len() == 1 {
            return Chain::pinned(&[leaf_der.to_vec()], roots);
        }
        let mut refused = Untrusted::Root;
        for der in &self.certificates {
            let intermediate = parse(der, "receipt's")?;
            if *der == leaf_der || intermediate.subject().as_raw() != leaf.issuer().as_raw() {
                continue;
            }
            match Chain::leading(leaf_der, der, roots) {
                Ok(chain) => return Ok(chain),
                Err(untrusted) => refused = untrusted,
            }
        }
        Err(refused)
    }
}

fn require(holds: bool) -> Result<(), Malformed> {
    holds.then_some(()).ok_or(Malformed)
}

/// The octets that were signed, in one part or several.
fn content(info: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut info = Reader(info);
    require(info.expect(OID)?.content == OID_PKCS7_ID_DATA.as_bytes())?;
    let mut octets = Reader(info.expect(ZERO)?.content);
    if octets.is_at(OCTETS) {
        return Ok(octets.expect(OCTETS)?.content.to_vec());
    }
    let mut parts = Reader(octets.expect(OCTETS_IN_PARTS)?.content);
    let mut content = Vec::new();
    while !parts.is_empty() {
        content.extend_from_slice(parts.expect(OCTETS)?.content);
    }
    Ok(content)
}

fn certificates(set: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut set = Reader(set);
    let mut all = Vec::new();
    while !set.is_empty() {
        require(all.len() < MOST_CERTIFICATES)?;
        all.push(set.expect(SEQUENCE)?.whole);
    }
    Ok(all)
}

/// The signature algorithm that a digest and a scheme make together: RSA with SHA-1 (until 2023) or SHA-256 as Apple signs, and
/// ECDSA with SHA-256.
fn algorithm(digest: &[u8], scheme: &[u8]) -> Option<Oid<'static>> {
    let is_sha1 = digest == OID_HASH_SHA1.as_bytes();
    let is_sha256 = digest == OID_NIST_HASH_SHA256.as_bytes();
    let is = |oid: &Oid<'_>| scheme == oid.as_bytes();
    if is_sha1 && (is(&OID_PKCS1_RSAENCRYPTION) || is(&OID_PKCS1_SHA1WITHRSA)) {
        Some(OID_PKCS1_SHA1WITHRSA)
    } else if is_sha256 && (is(&OID_PKCS1_RSAENCRYPTION) || is(&OID_PKCS1_SHA256WITHRSA)) {
        Some(OID_PKCS1_SHA256WITHRSA)
    } else if is_sha256 && is(&OID_SIG_ECDSA_WITH_SHA256) {
        Some(OID_SIG_ECDSA_WITH_SHA256)
    } else {
        None
    }
}
