//! Which messages wait for which purchases that nobody has heard of.

use domain::{AppId, InboxId, Observation};
use guarded::Guarded;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that wait for purchases of each app, by every name that they have for them.
#[derive(Default)]
pub(super) struct Unheard(Guarded<BTreeMap<(AppId, String), BTreeSet<InboxId>>>);

impl Unheard {
    pub(super) fn note(&self, app: AppId, seen: &Observation, id: InboxId) {
        let mut waiting = self.0.lock();
        for name in names(seen) {
            let of_it = waiting.entry((app, name.to_owned())).or_default();
            of_it.insert(id);
        }
    }

    pub(super) fn take(&self, app: AppId, seen: &Observation) -> BTreeSet<InboxId> {
        let mut waiting = self.0.lock();
        if waiting.is_empty() {
            return BTreeSet::new();
        }
        let taken = names(seen).filter_map(|name| waiting.remove(&(app, name.to_owned())));
        taken.flatten().collect()
    }
}

/// Every name that is said of a purchase.
fn names(seen: &Observation) -> impl Iterator<Item = &str> {
    let links = seen.links.iter().map(String::as_str);
    let charges = seen.transactions.iter().map(|fact| fact.id.as_str());
    let refunds = seen.refunds.iter();
    let refunds = refunds.map(|refund| refund.transaction.as_str());
    let own = std::iter::once(seen.chain.id.as_str());
    own.chain(links).chain(charges).chain(refunds)
}
