//! A subscription: its legs, newest first, as one chain.

use super::{
    super::model::SubscriptionPurchase,
    about::{About, base_order, environment, unreadable},
    lines::Leg,
    refund::Taken,
};
use crate::{Part, Refusal, claim::carried};
use domain::{ChainKey, Observation, Store, fact::TransactionFact};
use std::collections::{BTreeMap, BTreeSet};

impl About<'_> {
    pub(super) fn subscription(
        &self,
        legs: &[(&Part, SubscriptionPurchase)],
    ) -> Result<Option<Observation>, Refusal> {
        let Some((newest, purchase)) = legs.first() else {
            return Err(unreadable("the answer holds no purchase"));
        };
        let oldest = legs.last().map_or(newest, |(part, _)| part);
        let root = legs
            .last()
            .and_then(|(_, purchase)| purchase.predecessor())
            .unwrap_or(&oldest.id);
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase.is_some()),
            id: root.clone(),
        });
        observation.user_token = legs.iter().find_map(|(_, purchase)| owner(purchase));
        observation.is_named_before = own_name(purchase).is_none();
        let legs: Vec<Leg<'_>> = legs
            .iter()
            .map(|(part, purchase)| (*part, purchase))
            .collect();
        let naming = self.naming(&legs);
        let mut charges: BTreeMap<String, TransactionFact> = BTreeMap::new();
        for leg in legs.iter().rev() {
            for fact in self.transactions(*leg, &naming) {
                // Shown by a later leg, too, it stays what it was paid for.
                let product = charges.get(&fact.key()).map(|paid| paid.product.clone());
                let fact = TransactionFact {
                    product: product.unwrap_or_else(|| fact.product.clone()),
                    ..fact
                };
                charges.insert(fact.key(), fact.clone());
                observation.transactions.push(fact);
            }
        }
        observation.renewals = self.renewals(&newest.id, purchase, &naming, &charges);
        let tokens = legs.iter().map(|(part, _)| part.id.as_str());
        let paid = observation.transactions.iter();
        let orders: BTreeSet<&str> = paid.map(|fact| base_order(&fact.id)).collect();
        observation.links = tokens.chain(orders).map(str::to_owned).collect();
        if observation.transactions.is_empty() {
            // Not paid yet, or never.
            return Ok(None);
        }
        // Which order a revocation is about, only the API of orders says.
        let mut voided: BTreeSet<&String> = self.prompt.voided.iter().collect();
        if voided.is_empty() && self.prompt.kind == Some(12) {
            voided.extend(self.revoked(purchase));
        }
        let refunds = self.refunds(&voided, Taken::Access, &self.orders_taken_back(purchase));
        observation.refunds = refunds
            .into_iter()
            .map(|refund| self.of_what_is_over(refund, purchase, &naming))
            .map(|refund| self.in_part(refund, purchase, &naming))
            .collect();
        observation.notes = self.notes();
        Ok(Some(observation))
    }
}

fn owner(purchase: &SubscriptionPurchase) -> Option<String> {
    let expired = purchase
        .out_of_app_purchase_context
        .as_ref()
        .and_then(|context| context.expired_external_account_identifiers.as_ref());
    let identifiers = purchase.external_account_identifiers.as_ref().or(expired);
    carried(identifiers?.obfuscated_external_account_id.as_deref())
}

/// Whom the app named when it was bought. What is bought outside of it repeats the name of what had expired.
fn own_name(purchase: &SubscriptionPurchase) -> Option<String> {
    let own = purchase.external_account_identifiers.as_ref();
    carried(own?.obfuscated_external_account_id.as_deref())
}
