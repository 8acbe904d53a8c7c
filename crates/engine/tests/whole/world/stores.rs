//! Stores that act on command, through a whole engine.

use super::World;
use domain::{AccessLevel, AppId, Store};
use engine::{Accepted, IntakeError};
use serde_json::Value;
use simulator::{Channel, Message};
use sources::{Incoming, Receipt, Sender};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// Holds back what stores answer, or lets it go.
    pub(crate) fn silence_stores(&self, silent: bool) {
        self.internet.silence(silent);
    }

    /// The app of a store.
    pub(crate) fn app_of(&self, store: Store) -> AppId {
        let setup = self.engine.setup();
        let mut apps = setup.apps();
        apps.find(|app| app.row.store() == store).unwrap().row.id
    }

    /// A store sends a message.
    pub(crate) async fn deliver(&self, message: &Message) -> Result<Accepted, IntakeError> {
        let url = "https://t.example/callbacks/google/app";
        // Where whoever pushes is believed, nothing is signed for it.
        let is_believed = self.memory.is_some() && message.channel == Channel::Google;
        let proof = if is_believed {
            None
        } else {
            message.proof(&self.stores, url, self.now()).unwrap()
        };
        let header = |wanted| {
            let (name, value) = proof.as_ref()?;
            (*name == wanted).then_some(value.as_str())
        };
        let incoming = Incoming {
            body: message.body.as_bytes(),
            authorization: header("authorization"),
            signature: header("stripe-signature"),
            url,
        };
        let app = self.app_of(match message.channel {
            Channel::Apple => Store::AppStore,
            Channel::Google => Store::PlayStore,
            Channel::Stripe => Store::Stripe,
        });
        self.engine.intake().accept(app, &incoming).await
    }

    async fn deliver_body(&self, channel: Channel, body: String) -> Result<Accepted, IntakeError> {
        let subject = String::new();
        let message = Message {
            channel,
            body,
            subject,
        };
        self.deliver(&message).await
    }

    /// Google pushes.
    pub(crate) async fn push(&self, body: &str) -> Result<Accepted, IntakeError> {
        self.deliver_body(Channel::Google, body.into()).await
    }

    /// Stripe calls.
    pub(crate) async fn hook(&self, kind: &str, object: &Value) -> Result<Accepted, IntakeError> {
        let body = self.stores.stripe.api.tell(kind, object, self.now());
        self.deliver_body(Channel::Stripe, body).await
    }

    /// A client sends a purchase in, with the public key that every copy of the app has.
    pub(crate) async fn receipt(
        &self,
        store: Store,
        who: &str,
        token: &str,
    ) -> Result<(), IntakeError> {
        self.receipt_from(Sender::Client, store, who, token).await
    }

    /// The app's own server sends one in, with a secret key.
    pub(crate) async fn vouched_receipt(
        &self,
        store: Store,
        who: &str,
        token: &str,
    ) -> Result<(), IntakeError> {
        self.receipt_from(Sender::Project, store, who, token).await
    }

    async fn receipt_from(
        &self,
        sender: Sender,
        store: Store,
        who: &str,
        token: &str,
    ) -> Result<(), IntakeError> {
        let receipt = Receipt {
            offering: None,
            claimed_price: None,
            token: token.into(),
            product: None,
            app_user_id: who.into(),
            sender,
        };
        let app = self.app_of(store);
        self.engine.intake().take_receipt(app, &receipt).await
    }

    /// Whether a customer has premium now.
    pub(crate) async fn has_premium(&self, who: &str) -> bool {
        self.has(who, "premium").await
    }

    /// Whether a customer has an entitlement now.
    pub(crate) async fn has(&self, who: &str, entitlement: &str) -> bool {
        self.access(who).await.contains(entitlement)
    }

    /// Which entitlements a customer has now.
    pub(crate) async fn access(&self, who: &str) -> BTreeSet<String> {
        let levels = self.levels(who).await.into_iter();
        let active = levels.filter(|(_, level)| level.is_active_at(self.now()));
        active.map(|(entitlement, _)| entitlement).collect()
    }

    /// What is known of a customer's access, by entitlement.
    pub(crate) async fn levels(&self, who: &str) -> BTreeMap<String, AccessLevel> {
        let setup = self.engine.setup();
        let unlocks = &setup.project(self.project).unwrap().unlocks;
        let known = self.engine.ledger().customer(self.project, who).await;
        let Some(record) = known.unwrap() else {
            return BTreeMap::new();
        };
        let purchases = record
            .purchases
            .iter()
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        domain::access::access(purchases, unlocks)
    }
}
