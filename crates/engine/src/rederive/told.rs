//! What is compared: what was told, and where both tell something else.

use domain::{Event, EventId, EventKind, Present, ProjectId};
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
    /// The same thing, of which each has a key of its own.
    Renamed {
        /// As recorded.
        recorded: Told,
        /// As derived now.
        derived: Told,
    },
}

impl Difference {
    /// Why it is one, in a sentence.
    pub fn why(&self) -> String {
        match self {
            Self::Missing(told) => format!(
                "The rule {} told it, and of the messages that are kept none leads to it any more.",
                told.rule
            ),
            Self::Extra(told) => format!(
                "The rule {} tells it of messages that told nothing of it when they came.",
                told.rule
            ),
            Self::Changed { recorded, derived } => {
                let differs = recorded.differs(derived).join(", ");
                let (was, is) = (&recorded.rule, &derived.rule);
                format!("Another {differs}: the rule {was} told it, and {is} would.")
            }
            Self::Renamed { recorded, derived } => {
                let differs = recorded.differs(derived);
                let also = if differs.is_empty() {
                    String::new()
                } else {
                    format!(", with another {}", differs.join(", "))
                };
                format!(
                    "Told once, under a key that an earlier release made of the time of the answer that showed it; it would be {} now{also}.",
                    derived.key
                )
            }
        }
    }
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
    /// The rule that tells it. It may be called otherwise by another release, which is no difference.
    pub rule: String,
}

impl Told {
    /// What another one says otherwise, its key and its rule apart.
    fn differs(&self, other: &Self) -> Vec<&'static str> {
        let all = [
            ("kind", self.kind == other.kind),
            ("time", self.occurred_at == other.occurred_at),
            ("product", self.product == other.product),
            ("transaction", self.transaction == other.transaction),
            ("price", self.price == other.price),
            ("reason", self.reason == other.reason),
            ("age", self.historical == other.historical),
        ];
        all.into_iter()
            .filter_map(|(name, is_same)| (!is_same).then_some(name))
            .collect()
    }

    /// What it is about, of which one customer has as many as there are keys.
    fn subject(&self) -> (&'static str, Option<&String>, Option<&String>) {
        (self.kind, self.product.as_ref(), self.transaction.as_ref())
    }
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
        rule: event.cause.rule.clone(),
    }
}

/// Events of a project by customer and key.
pub(super) type Feed = BTreeMap<(String, String), Placed>;

/// What is told, and where it stands in the feed.
pub(super) struct Placed {
    position: u64,
    id: EventId,
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
            ) || Present::from_rule(&row.event.cause.rule).is_some();
            if !skipped {
                let key = (
                    row.event.customer.app_user_id.clone(),
                    row.event.key.clone(),
                );
                let placed = Placed {
                    position: row.position,
                    id: row.event.id,
                    told: told_of(&row.event),
                };
                all.insert(key, placed);
            }
        }
    }
}

/// What differs. Of events recorded after `until` nothing was to be derived: their messages may have come since.
pub(super) fn compare(recorded: &Feed, derived: &Feed, until: u64) -> Vec<Difference> {
    let mut extra: BTreeMap<_, _> = derived
        .iter()
        .filter(|(key, _)| !recorded.contains_key(*key))
        .collect();
    let mut all = Vec::new();
    for (key, was) in recorded {
        let (told, customer) = (&was.told, &key.0);
        if let Some(is) = derived.get(key) {
            if !told.differs(&is.told).is_empty() {
                all.push(Difference::Changed {
                    recorded: told.clone(),
                    derived: is.told.clone(),
                });
            }
            continue;
        }
        if was.position > until {
            continue;
        }
        let same = extra
            .iter()
            .filter(|((of, _), is)| of == customer && is.told.subject() == told.subject())
            .min_by_key(|(_, is)| is.told.differs(told).len())
            .map(|(key, _)| *key);
        all.push(match same.and_then(|key| extra.remove(key)) {
            Some(is) => Difference::Renamed {
                recorded: told.clone(),
                derived: is.told.clone(),
            },
            None => Difference::Missing(told.clone()),
        });
    }
    all.extend(extra.values().map(|is| Difference::Extra(is.told.clone())));
    all
}

/// How many are the same under an id that is dated otherwise.
pub(super) fn redated(recorded: &Feed, derived: &Feed) -> u64 {
    let differs = |(key, was): &(&(String, String), &Placed)| {
        derived.get(*key).is_some_and(|is| is.id != was.id)
    };
    recorded.iter().filter(differs).count() as u64
}
