//! Settings as they are stored, opened: one object for an app as for an integration, whatever is kept apart of it.

use crate::Vault;
use ledger::{App, Commission, Integration};
use serde_json::{Map, Value};

/// Settings as they are stored, with their secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What can be read of them.
    pub settings: Map<String, Value>,
    /// Why the secrets among them cannot be read, if they cannot.
    pub unreadable: Option<String>,
}

impl Stored {
    /// Settings of an app: what its store is asked with, its secrets, and what its store keeps.
    pub fn of_app(vault: &Vault, row: &App) -> Self {
        let mut stored = Self::opened(vault, &row.id.to_string(), &row.sealed_secrets);
        if let Ok(Value::Object(mut settings)) = serde_json::to_value(&row.settings) {
            settings.remove("store");
            settings.retain(|_, value| !value.is_null());
            stored.settings.append(&mut settings);
        }
        if let Some(commission) = row.commission {
            stored
                .settings
                .insert("commission".into(), written(commission).into());
        }
        stored
    }

    /// Settings of an integration.
    pub fn of_integration(vault: &Vault, row: &Integration) -> Self {
        Self::opened(vault, &row.id.to_string(), &row.sealed_settings)
    }

    fn opened(vault: &Vault, owner: &str, sealed: &[u8]) -> Self {
        if sealed.is_empty() {
            return Self::default();
        }
        let opened = vault
            .open_sealed(owner, sealed)
            .map_err(|error| error.to_string())
            .and_then(|json| serde_json::from_slice(&json).map_err(|error| error.to_string()));
        match opened {
            Ok(settings) => Self {
                settings,
                unreadable: None,
            },
            Err(problem) => Self {
                settings: Map::new(),
                unreadable: Some(problem),
            },
        }
    }
}

/// A commission as documents write it.
fn written(commission: Commission) -> String {
    match commission {
        Commission::Standard => "standard".into(),
        Commission::SmallBusiness => "small_business".into(),
        Commission::BasisPoints(points) => {
            let text = format!("{}.{:02}", points / 100, points % 100);
            text.trim_end_matches('0').trim_end_matches('.').into()
        }
    }
}
