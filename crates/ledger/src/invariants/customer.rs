//! Customers: what is theirs, and what leads to them.

use super::{HeldChain, HeldTransaction, Invariant, finding::Findings};
use std::collections::BTreeSet;

pub(super) fn check(findings: &mut Findings<'_>) {
    let held = findings.held;
    let id = held.customer.id;
    let mut chains: BTreeSet<&HeldChain> = BTreeSet::new();
    for purchase in &held.purchases {
        let chain = &purchase.chain;
        chains.insert(chain);
        if purchase.leads_to.is_empty() {
            let what = format!("purchase {} is found by no id", chain.id);
            findings.note(Invariant::PurchasesAreFound, what);
        }
        for other in purchase.leads_to.iter().filter(|owner| **owner != id) {
            let what = format!("an id of purchase {} leads to {other}", chain.id);
            findings.note(Invariant::PurchasesAreFound, what);
        }
    }
    for HeldTransaction { chain, id } in &held.transactions {
        if !chains.contains(chain) {
            let what = format!(
                "transaction {id} is of {}, which is no purchase of it",
                chain.id
            );
            findings.note(Invariant::TransactionsBelong, what);
        }
    }
    if let Some(other) = held.merged_into {
        if !held.purchases.is_empty() || !held.names.is_empty() {
            let what = format!(
                "merged into {other}, with {} purchases and the names {:?}",
                held.purchases.len(),
                held.names
            );
            findings.note(Invariant::MergedIsEmpty, what);
        }
        return;
    }
    let own = std::iter::once(&held.customer.app_user_id).chain(&held.customer.aliases);
    let own: BTreeSet<&String> = own.collect();
    let leading: BTreeSet<&String> = held.names.iter().collect();
    if own != leading {
        // Names are personal: how many differ is enough to look.
        let what = format!(
            "{} of its names do not lead to it, {} lead to it that are not its",
            own.difference(&leading).count(),
            leading.difference(&own).count()
        );
        findings.note(Invariant::NamesLeadHome, what);
    }
}
