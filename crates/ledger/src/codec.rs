//! What backends share: how values become columns, and what is shown of them.
//!
//! Whatever cannot be read back names its table, row and column. Backends that store the same bytes can be compared and copied.

mod column;
mod prepared;
mod stored;

pub use column::*;
pub use prepared::*;
pub use stored::Stored;

use crate::{LedgerError, Result};
use domain::{
    CustomerId, ProjectId,
    customer::{Customer, FORGOTTEN_PREFIX},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What can be read of rows that wait for something to be done with them. One that cannot is said and passed over, so that it holds up no
/// other; it comes up again.
pub fn readable<T>(rows: impl IntoIterator<Item = Result<T>>) -> Vec<T> {
    let say = |error: &LedgerError| {
        tracing::error!(%error, "something that waits cannot be read; it is passed over");
    };
    rows.into_iter()
        .filter_map(|row| row.inspect_err(say).ok())
        .collect()
}

/// A customer of whom only facts are left.
pub fn anonymous(customer: &Customer) -> Customer {
    Customer {
        revenue_usd_micros: customer.revenue_usd_micros,
        ..Customer::new(
            customer.id,
            format!("{FORGOTTEN_PREFIX}{}", customer.id),
            customer.first_seen,
        )
    }
}

/// What stands in the row of a customer that was forgotten, and in no other: names are texts, in which a quotation mark is escaped.
pub const FORGOTTEN: &str = r#""app_user_id":"$deleted:"#;

/// An event's customer, forgotten, under the id the event was told with.
pub fn anonymous_as(forgotten: &Customer, id: CustomerId) -> Customer {
    Customer {
        id,
        ..forgotten.clone()
    }
}

/// Replaces every text that is one of `names`, wherever it stands.
pub fn scrub(value: &mut Value, names: &[String], by: &str) {
    match value {
        Value::String(text) if names.iter().any(|name| name == text) => by.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| scrub(value, names, by)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| scrub(value, names, by)),
        _ => {}
    }
}

/// Fields that are never written to the audit log.
const SECRET: [&str; 4] = ["sealed_settings", "sealed_secrets", "digest", "password"];

/// What the audit log shows of a stored thing: everything but secrets, which are only said to differ. What cannot be read is said to be so;
/// nothing of what is nothing.
pub fn shown(body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(body) else {
        return json!({ "unreadable": true }).to_string();
    };
    for (name, value) in &mut fields {
        if SECRET.contains(&name.as_str()) {
            *value = "***".into();
        }
    }
    Value::Object(fields).to_string()
}

/// The project that a stored thing says it belongs to.
pub fn concerned(body: &str) -> Option<ProjectId> {
    #[derive(Deserialize)]
    struct Belongs {
        project: Option<ProjectId>,
    }
    serde_json::from_str::<Belongs>(body).ok()?.project
}
