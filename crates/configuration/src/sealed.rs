//! Whether a key is the one that the secrets of an installation were sealed with.

use crate::Vault;
use ledger::Configuration;
use std::borrow::Cow;

/// What is sealed: whose it is, and the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// Such as `integration backend`.
    pub name: String,
    owner: String,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Sealed<'a> {
    /// All that is sealed in it.
    pub fn all(configuration: &'a Configuration) -> Vec<Self> {
        let apps = configuration.apps.iter().map(|app| Self {
            name: format!("app {}", app.key),
            owner: app.id.to_string(),
            bytes: Cow::Borrowed(&app.sealed_secrets),
        });
        let integrations = configuration.integrations.iter().map(|row| Self {
            name: format!("integration {}", row.key),
            owner: row.id.to_string(),
            bytes: Cow::Borrowed(&row.sealed_settings),
        });
        let all = apps.chain(integrations);
        all.filter(|sealed| !sealed.bytes.is_empty()).collect()
    }

    /// What is sealed for `owner`, and kept beside the configuration.
    pub fn beside(name: String, owner: String, bytes: Vec<u8>) -> Self {
        Self {
            name,
            owner,
            bytes: Cow::Owned(bytes),
        }
    }

    /// Whether a vault opens it.
    pub fn opens_with(&self, vault: &Vault) -> bool {
        vault.open_sealed(&self.owner, &self.bytes).is_ok()
    }
}
