//! Secrets at rest: AES-256-GCM with a key from a file that is created on first start, when nothing is sealed yet.
//!
//! The key file is the only secret outside the database; without it settings cannot be read, so it belongs into backups
//! of its own.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac, rand,
};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

/// Opens and seals secrets.
#[derive(Clone)]
pub struct Vault {
    key: Arc<LessSafeKey>,
    fingerprint: u64,
}

/// Why the vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or created.
    #[error("key file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a key.
    #[error("{0} must be 64 hexadecimal digits, such as `openssl rand -hex 32` makes")]
    Key(String),
    /// Sealed with another key, or damaged.
    #[error("a stored secret cannot be opened with this key")]
    Sealed,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(***)")
    }
}

impl Vault {
    /// Uses a key of 32 bytes.
    pub fn with_key(key: [u8; 32]) -> Self {
        let fingerprint = fingerprint(&key);
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("a key of 32 bytes fits AES-256");
        Self {
            key: Arc::new(LessSafeKey::new(key)),
            fingerprint,
        }
    }

    /// Which key it is: of two keys hardly ever the same, and nothing that leads to the key. 63 bits, so that a column of numbers holds it.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Reads the key file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::with_digits(&text)
                .map(Some)
                .map_err(|_| VaultError::Key(format!("key file {}", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, error)),
        }
    }

    /// Makes a key and the file it is kept in, readable by its owner only. There must be none.
    pub fn create(path: &Path) -> Result<Self, VaultError> {
        let mut key = [0_u8; 32];
        rand::fill(&mut key).expect("the operating system's random source answers");
        let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let created = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let written = created.and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        });
        written.map_err(|error| unusable(path, error))?;
        Ok(Self::with_key(key))
    }

    /// Uses a key of 64 hexadecimal digits.
    pub fn with_digits(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        let mut key = [0_u8; 32];
        let wrong = || VaultError::Key("the secret key".into());
        if text.len() != 64 {
            return Err(wrong());
        }
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = text
                .get(2 * index..2 * index + 2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or_else(wrong)?;
        }
        Ok(Self::with_key(key))
    }

    /// Seals `plain` for one owner: it opens for that owner only.
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the operating system's random source answers");
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut sealed,
            )
            .expect("settings are far smaller than AES-GCM's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for `owner`.
    pub fn open_sealed(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (nonce, rest) = sealed
            .split_at_checked(NONCE_LEN)
            .ok_or(VaultError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Sealed)?;
        let mut plain = rest.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(owner.as_bytes()), &mut plain)
            .map_err(|_| VaultError::Sealed)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

fn fingerprint(key: &[u8]) -> u64 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, b"which key of Tidings this is");
    let (first, _) = tag.as_ref().split_at(8);
    let bytes = first.try_into().expect("eight bytes are eight bytes");
    u64::from_be_bytes(bytes) >> 1
}

fn unusable(path: &Path, source: std::io::Error) -> VaultError {
    VaultError::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_one_key() {
        let of = |key: u8| Vault::with_key([key; 32]).fingerprint();
        // By `openssl dgst -sha256 -mac HMAC -macopt hexkey:0707...`: its first eight bytes, less the last bit.
        assert_eq!(of(7), 0x0378_fa78_c11e_4548);
        assert_ne!(of(7), of(8));
        assert!(i64::try_from(of(7)).is_ok() && i64::try_from(of(8)).is_ok());
    }

    #[test]
    fn opens_for_its_owner_with_its_key_only() {
        let vault = Vault::with_key([7; 32]);
        let sealed = vault.seal("itg_a", b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(vault.open_sealed("itg_a", &sealed).unwrap(), b"secret");
        assert!(vault.open_sealed("itg_b", &sealed).is_err());
        assert!(
            Vault::with_key([8; 32])
                .open_sealed("itg_a", &sealed)
                .is_err()
        );
        assert!(vault.open_sealed("itg_a", &sealed[..5]).is_err());
    }
}
