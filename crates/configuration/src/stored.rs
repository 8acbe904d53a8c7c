//! Settings as they are stored, opened: one object for an app as for an integration, whatever is kept apart of it.

use crate::{
    Vault,
    opened::{app_secrets, integration_settings},
};
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
        let mut stored = Self::of(app_secrets(vault, row));
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
        if row.sealed_settings.is_empty() {
            return Self::default();
        }
        Self::of(integration_settings(vault, row))
    }

    fn of(opened: Result<Map<String, Value>, String>) -> Self {
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
