//! The key with which Google Play signs, and service accounts ask.

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::RsaKeyPair,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::{Arc, OnceLock};

/// A key pair, and its private key as files have it.
pub(super) struct Key {
    pub(super) pair: RsaKeyPair,
    pub(super) pem: String,
}

impl Key {
    /// One for all stores of this process: making one takes longer than a customer's life.
    pub(super) fn of_this_process() -> Result<Arc<Self>> {
        static KEY: OnceLock<Arc<Key>> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Ok(Arc::clone(key));
        }
        let made = Arc::new(Self::make()?);
        Ok(Arc::clone(KEY.get_or_init(|| made)))
    }

    fn make() -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)
            .map_err(|error| anyhow!("no key could be made: {error}"))?;
        let der: Pkcs8V1Der<'_> = pair
            .as_der()
            .map_err(|error| anyhow!("the key cannot be written: {error}"))?;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64_STANDARD.encode(der.as_ref())
        );
        Ok(Self { pair, pem })
    }
}
