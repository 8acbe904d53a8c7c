//! Secrets in settings: masked where settings are shown, merged where they come back.

use destinations::Spec;
use serde_json::{Map, Value};

/// Settings as they may be shown: every secret replaced by `"***"`.
pub fn masked_settings(spec: &Spec, settings: &Value) -> Value {
    let mut shown = settings.clone();
    for field in spec.fields.iter().filter(|field| field.kind.is_secret()) {
        match shown.get_mut(field.name) {
            Some(Value::Array(values)) => values.iter_mut().for_each(|value| *value = "***".into()),
            Some(value) if !value.is_null() && value.as_str() != Some("") => *value = "***".into(),
            _ => {}
        }
    }
    shown
}

/// New settings in which a secret given as `"***"` means the one already stored.
pub fn merged_settings(spec: &Spec, stored: Option<&Value>, given: &Value) -> Value {
    let mut merged = given.clone();
    let Some(object) = merged.as_object_mut() else {
        return merged;
    };
    let stored = stored
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_else(Map::new);
    for field in spec.fields.iter().filter(|field| field.kind.is_secret()) {
        let known = stored.get(field.name).cloned();
        match (object.get_mut(field.name), known) {
            (Some(Value::Array(values)), Some(Value::Array(known))) => {
                for (value, known) in values
                    .iter_mut()
                    .zip(known)
                    .filter(|(value, _)| value.as_str() == Some("***"))
                {
                    *value = known;
                }
            }
            (Some(value), Some(known)) if value.as_str() == Some("***") => *value = known,
            _ => {}
        }
    }
    merged
}
