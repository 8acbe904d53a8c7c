//! Certificates with Apple's marker extensions, and signatures in Apple's wire format.

use anyhow::{Context, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Apple's marker of receipt-signing leaves and of its intermediate.
const RECEIPT_SIGNING: &[u64] = &[1, 2, 840, 113_635, 100, 6, 11, 1];
const WWDR: &[u64] = &[1, 2, 840, 113_635, 100, 6, 2, 1];
/// DER of NULL, the content Apple gives its markers.
const NULL: [u8; 2] = [5, 0];

/// A root, an intermediate and a leaf that signs.
#[derive(Clone)]
pub struct Authority {
    stored: Stored,
    key: Arc<EcdsaKeyPair>,
    header: String,
}

/// What is kept in a file, base64.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    root: String,
    intermediate: String,
    leaf: String,
    leaf_key: String,
}

fn params(name: &str, is_ca: bool, marker: Option<&[u64]>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Tidings simulator");
    params.is_ca = if is_ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::ExplicitNoCa
    };
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2050, 1, 1);
    params.custom_extensions = marker
        .map(|oid| CustomExtension::from_oid_content(oid, NULL.to_vec()))
        .into_iter()
        .collect();
    params
}

impl Authority {
    /// Makes fresh certificates.
    pub fn create() -> Result<Self> {
        let (root_key, intermediate_key, leaf_key) = (
            KeyPair::generate()?,
            KeyPair::generate()?,
            KeyPair::generate()?,
        );
        let root_params = params("Simulated Root CA", true, None);
        let root = root_params.self_signed(&root_key)?;
        let root_issuer = Issuer::new(root_params, root_key);
        let intermediate_params = params("Simulated Developer Relations CA", true, Some(WWDR));
        let intermediate = intermediate_params.signed_by(&intermediate_key, &root_issuer)?;
        let intermediate_issuer = Issuer::new(intermediate_params, intermediate_key);
        let leaf = params("Simulated Receipt Signing", false, Some(RECEIPT_SIGNING))
            .signed_by(&leaf_key, &intermediate_issuer)?;
        let text = |der: &[u8]| BASE64_STANDARD.encode(der);
        Self::from_stored(Stored {
            root: text(root.der()),
            intermediate: text(intermediate.der()),
            leaf: text(leaf.der()),
            leaf_key: text(&leaf_key.serialize_der()),
        })
    }

    /// Reads what [`Authority::to_json`] wrote.
    pub fn from_json(json: &str) -> Result<Self> {
        Self::from_stored(
            serde_json::from_str(json).context("the file holds no simulator certificates")?,
        )
    }

    /// Certificates and signing key, to use the same ones again.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.stored)?)
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        let key = BASE64_STANDARD.decode(&stored.leaf_key)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key)
            .map_err(|error| anyhow::anyhow!("the signing key cannot be read: {error}"))?;
        let header = serde_json::json!({ "alg": "ES256", "x5c": [stored.leaf, stored.intermediate, stored.root] }).to_string();
        Ok(Self {
            key: Arc::new(key),
            header: BASE64_URL_SAFE_NO_PAD.encode(header),
            stored,
        })
    }

    /// The root certificate, base64 DER, as `local_roots` wants it.
    pub fn root(&self) -> &str {
        &self.stored.root
    }

    /// Leaf, intermediate and root, and the leaf's private key, for what is signed in another form than JWS.
    pub(crate) fn of_receipts(&self) -> Result<([Vec<u8>; 3], Vec<u8>)> {
        let der = |text: &str| BASE64_STANDARD.decode(text);
        let Stored {
            root,
            intermediate,
            leaf,
            leaf_key,
        } = &self.stored;
        let certificates = [der(leaf)?, der(intermediate)?, der(root)?];
        Ok((certificates, der(leaf_key)?))
    }

    /// A compact JWS of `payload`.
    pub fn sign(&self, payload: &serde_json::Value) -> Result<String> {
        let signed = format!(
            "{}.{}",
            self.header,
            BASE64_URL_SAFE_NO_PAD.encode(payload.to_string())
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|_| anyhow::anyhow!("signing failed"))?;
        Ok(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}
