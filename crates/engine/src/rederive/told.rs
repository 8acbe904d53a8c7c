//! What is compared: what was told, and where both tell something else.

use super::{AT_ONCE, filter};
use domain::{Event, EventKind, ProjectId};
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Page};
use serde::Serialize;
use std::collections::BTreeMap;

/// A difference between what is recorded and what the messages lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Recorded, but no longer derived.
    Missing(Told),
    /// Derived, but not recorded.
    Extra(Told),
    /// Both, but not alike.
    Changed {
        /// As recorded.
        recorded: Told,
        /// As derived now.
        derived: Told,
    },
}

/// What is compared of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Told {
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: &'static str,
    /// Business time.
    pub occurred_at: Timestamp,
    /// The product.
    pub product: Option<String>,
    /// The transaction.
    pub transaction: Option<String>,
    /// What was charged.
    pub price: Option<String>,
    /// Why.
    pub reason: Option<&'static str>,
    /// First seen long after it happened.
    pub historical: bool,
}

fn told_of(event: &Event) -> Told {
    Told {
        key: event.key.clone(),
        kind: event.kind.id(),
        occurred_at: event.occurred_at,
        product: event.product.clone(),
        transaction: event
            .transaction
            .as_ref()
            .map(|transaction| transaction.id.clone()),
        price: event
            .transaction
            .as_ref()
            .and_then(|transaction| transaction.price)
            .map(|price| price.to_string()),
        reason: event
            .cancellation_reason
            .map(domain::CancellationReason::id),
        historical: event.historical,
    }
}

/// Events by key and customer. Tests are sent by hand, and "still active" events depend on settings of integrations: both
/// are left out.
pub(super) async fn told(
    ledger: &dyn Ledger,
    project: ProjectId,
) -> Result<BTreeMap<String, Told>, LedgerError> {
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = ledger
            .events(&filter(project), Page::After(after, AT_ONCE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = last.position;
        for row in page {
            let skipped = matches!(
                row.event.kind,
                EventKind::Test | EventKind::TrialActive | EventKind::SubscriptionActive
            );
            if !skipped {
                all.insert(
                    format!("{} {}", row.event.key, row.event.customer.app_user_id),
                    told_of(&row.event),
                );
            }
        }
    }
}

pub(super) fn compare(
    recorded: &BTreeMap<String, Told>,
    derived: &BTreeMap<String, Told>,
) -> Vec<Difference> {
    let known = recorded
        .iter()
        .filter_map(|(key, was)| match derived.get(key) {
            None => Some(Difference::Missing(was.clone())),
            Some(is) if is != was => Some(Difference::Changed {
                recorded: was.clone(),
                derived: is.clone(),
            }),
            Some(_) => None,
        });
    let extra = derived
        .iter()
        .filter(|(key, _)| !recorded.contains_key(*key))
        .map(|(_, told)| Difference::Extra(told.clone()));
    known.chain(extra).collect()
}
