//! Whether a key is the one that the secrets of an installation were sealed with.

use crate::Vault;
use ledger::Configuration;

/// What is sealed in a configuration: whose it is, and the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// Such as `integration backend`.
    pub name: String,
    owner: String,
    bytes: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// All that is sealed.
    pub fn all(configuration: &'a Configuration) -> Vec<Self> {
        let apps = configuration.apps.iter().map(|app| Self {
            name: format!("app {}", app.key),
            owner: app.id.to_string(),
            bytes: &app.sealed_secrets,
        });
        let integrations = configuration.integrations.iter().map(|row| Self {
            name: format!("integration {}", row.key),
            owner: row.id.to_string(),
            bytes: &row.sealed_settings,
        });
        let all = apps.chain(integrations);
        all.filter(|sealed| !sealed.bytes.is_empty()).collect()
    }

    /// Whether a vault opens it.
    pub fn opens_with(&self, vault: &Vault) -> bool {
        vault.open_sealed(&self.owner, self.bytes).is_ok()
    }
}
