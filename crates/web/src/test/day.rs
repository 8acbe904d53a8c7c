//! What happens in the shop: purchases that are stated, messages that wait, and a day with a bit of everything.

use super::{PUBLIC_URL, TestServer};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::AppId;
use engine::Accepted;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sources::Incoming;

impl TestServer {
    /// Somebody buys a month of `gold` in the shop, by a statement. Ids of the purchase are made of the name.
    pub async fn buys(&self, customer: &str) {
        let now = self.now();
        let month = SignedDuration::from_hours(30 * 24);
        self.states(json!({
            "app": "shop", "app_user_id": customer, "kind": "subscription", "product_id": "gold",
            "transaction_id": format!("{customer}-1"), "original_transaction_id": format!("{customer}-1"),
            "updated_at": now, "purchased_at": now, "originally_purchased_at": now,
            "expires_at": now.checked_add(month).unwrap(), "will_renew": true,
            "price": { "amount": "9.99", "currency": "EUR" },
        }))
        .await;
    }

    /// The id of an app of `acme`.
    pub fn app_id(&self, key: &str) -> AppId {
        let (project, setup) = (self.project("acme"), self.app.engine.setup());
        let mut apps = setup.apps();
        let found = apps.find(|app| app.row.project == project && app.row.key == key);
        found.unwrap().row.id
    }

    /// States a purchase in one of `acme`'s apps, `app`; see docs/stores.md for what else can be said.
    pub async fn states(&self, mut statement: Value) {
        self.clock.step();
        let key = statement.as_object_mut().unwrap().remove("app").unwrap();
        let app = self.app_id(key.as_str().unwrap());
        let statement = statement.to_string();
        self.app
            .engine
            .intake()
            .take_statement(app, statement.as_bytes())
            .await
            .unwrap();
    }

    /// Google tells of a purchase in `android`. What it is cannot be asked, so the message waits.
    pub async fn parks(&self, token: &str) {
        self.clock.step();
        let notice = json!({
            "version": "1.0", "packageName": "com.example.app", "eventTimeMillis": self.now().as_millisecond().to_string(),
            "subscriptionNotification": { "version": "1.0", "notificationType": 4, "purchaseToken": token },
        });
        let push = json!({ "message": { "messageId": token, "data": BASE64_STANDARD.encode(notice.to_string()) } });
        let push = push.to_string();
        let incoming = Incoming {
            body: push.as_bytes(),
            authorization: None,
            signature: None,
            url: PUBLIC_URL,
        };
        let engine = &self.app.engine;
        let accepted = engine
            .intake()
            .accept(self.app_id("android"), &incoming)
            .await;
        let Ok(Accepted::Pending { id }) = accepted else {
            panic!("{accepted:?} instead of waiting");
        };
        // The store is asked after the answer.
        engine.idle().await;
        let parked = self.ledger().inbox(id).await.unwrap().unwrap().parked;
        let why = parked.unwrap();
        assert!(!why.starts_with("waiting for the answer"), "{why}");
    }

    /// What a day leaves behind, of everything something: events that `hook` accepted, refused for good and will be sent
    /// again, others that `idle` holds, a purchase that was refunded, one in the sandbox, and messages that wait.
    pub async fn live(&self) {
        let (hook, minutes) = ("https://hook.example", SignedDuration::from_mins(10));
        self.buys("ann").await;
        self.catch_up().await;
        self.pass(minutes).await;
        self.endpoints.answer(hook, 400);
        self.buys("bob").await;
        self.catch_up().await;
        self.pass(minutes).await;
        self.endpoints.answer(hook, 200);
        let once = json!({
            "app": "shop", "app_user_id": "cleo", "kind": "one_time_purchase", "environment": "sandbox", "product_id": "silver",
            "transaction_id": "cleo-1", "original_transaction_id": "cleo-1", "updated_at": self.now(), "purchased_at": self.now(),
            "price": { "amount": "49", "currency": "USD" },
        });
        self.states(once.clone()).await;
        self.catch_up().await;
        self.pass(minutes).await;
        let mut refunded = once;
        refunded["updated_at"] = json!(self.now());
        refunded["refunded_at"] = json!(self.now());
        self.states(refunded).await;
        self.catch_up().await;
        self.pass(minutes).await;
        self.endpoints.answer(hook, 503);
        self.buys("dan").await;
        self.catch_up().await;
        self.parks("token-1").await;
        self.parks("token-2").await;
    }
}
