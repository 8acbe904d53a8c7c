//! What is sealed in rows, opened. Errors say why it cannot be: it was sealed with another key, or is damaged.

use crate::Vault;
use ledger::{App, Integration};
use serde_json::{Map, Value};

/// Secrets of an app, by name.
pub fn app_secrets(vault: &Vault, row: &App) -> Result<Map<String, Value>, String> {
    if row.sealed_secrets.is_empty() {
        return Ok(Map::new());
    }
    opened(vault, &row.id.to_string(), &row.sealed_secrets)
}

/// Settings of an integration, its secrets among them.
pub fn integration_settings(
    vault: &Vault,
    row: &Integration,
) -> Result<Map<String, Value>, String> {
    opened(vault, &row.id.to_string(), &row.sealed_settings)
}

fn opened(vault: &Vault, owner: &str, sealed: &[u8]) -> Result<Map<String, Value>, String> {
    let json = vault.open_sealed(owner, sealed);
    let json = json.map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}
