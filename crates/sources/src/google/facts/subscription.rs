//! A subscription: its legs, newest first, as one chain.

use super::{
    super::model::{LineItem, SubscriptionPurchase},
    about::{About, environment, main_line, unreadable},
};
use crate::{Part, Refusal};
use domain::{ChainKey, Observation, Store, fact::Note};

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
        observation.links = legs.iter().map(|(part, _)| part.id.clone()).collect();
        observation.user_token = legs.iter().find_map(|(_, purchase)| owner(purchase));
        for (part, purchase) in legs {
            observation
                .transactions
                .extend(self.transactions(&part.id, purchase));
        }
        observation.renewals = self.renewal(&newest.id, purchase).into_iter().collect();
        if observation.transactions.is_empty() {
            // Not paid yet, or never.
            return Ok(None);
        }
        let latest = main_line(purchase).and_then(LineItem::paid_order);
        let voided = match (&self.prompt.voided, self.prompt.kind, latest) {
            (Some(order), ..) => Some(order),
            (None, Some(12), latest) => latest,
            _ => None,
        };
        observation.refunds = self.refunds(voided, true);
        let at = self.prompt.at.unwrap_or(self.version());
        match self.prompt.kind {
            Some(11) => observation.notes.push(Note::PauseRequested { at }),
            Some(9) => observation.notes.push(Note::Deferred { at }),
            _ => {}
        }
        Ok(Some(observation))
    }
}

fn owner(purchase: &SubscriptionPurchase) -> Option<String> {
    let expired = purchase
        .out_of_app_purchase_context
        .as_ref()
        .and_then(|context| context.expired_external_account_identifiers.as_ref());
    purchase
        .external_account_identifiers
        .as_ref()
        .or(expired)
        .and_then(|identifiers| identifiers.obfuscated_external_account_id.clone())
        .filter(|id| !id.is_empty())
}
