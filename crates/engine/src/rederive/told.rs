//! What is compared: what was told, and where both tell something else.

use domain::{Event, EventKind, ProjectId};
use jiff::Timestamp;
use ledger::{EventFilter, Ledger, LedgerError, Page};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows read at once.
pub(super) const AT_ONCE: usize = 500;

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

/// Events of a project by key and customer, each with its position in the feed.
pub(super) type Feed = BTreeMap<String, Placed>;

/// What is told, and where it stands in the feed.
pub(super) struct Placed {
    position: u64,
    told: Told,
}

/// All events of a project.
pub(super) fn filter(project: ProjectId) -> EventFilter {
    EventFilter {
        project: Some(project),
        ..EventFilter::default()
    }
}

/// The position of the newest event of a project; 0 without one.
pub(super) async fn newest(ledger: &dyn Ledger, project: ProjectId) -> Result<u64, LedgerError> {
    let page = ledger
        .events(&filter(project), Page::Before(None, 1))
        .await?;
    Ok(page.first().map_or(0, |row| row.position))
}

/// Events by key and customer. Tests are sent by hand, and "still active" events depend on settings of integrations: both
/// are left out.
pub(super) async fn told(ledger: &dyn Ledger, project: ProjectId) -> Result<Feed, LedgerError> {
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
                let key = format!("{} {}", row.event.key, row.event.customer.app_user_id);
                let told = told_of(&row.event);
                let position = row.position;
                all.insert(key, Placed { position, told });
            }
        }
    }
}

/// What differs. Of events recorded after `until` nothing was to be derived: their messages may have come since.
pub(super) fn compare(recorded: &Feed, derived: &Feed, until: u64) -> Vec<Difference> {
    let known = recorded
        .iter()
        .filter_map(|(key, was)| match derived.get(key) {
            None if was.position > until => None,
            None => Some(Difference::Missing(was.told.clone())),
            Some(is) if is.told != was.told => Some(Difference::Changed {
                recorded: was.told.clone(),
                derived: is.told.clone(),
            }),
            Some(_) => None,
        });
    let extra = derived
        .iter()
        .filter(|(key, _)| !recorded.contains_key(*key))
        .map(|(_, is)| Difference::Extra(is.told.clone()));
    known.chain(extra).collect()
}
