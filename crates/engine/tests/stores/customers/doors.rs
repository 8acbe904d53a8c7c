//! Every door that a name comes in by, with every kind of name: whoever speaks for the project knows its own ids, which may have a slash; clients and stores name
//! nobody so; what says nobody, and what only we give, makes nobody anywhere. Source: RevenueCat docs, "Identifying Customers".
//!
//! The doors of HTTP are in `crates/api/tests/resources/nobody.rs`.

use super::{after, push, sell, state, statement};
use crate::{
    stores::stripe,
    world::{Chain, World},
};
use domain::{Store, attribute::Write};
use engine::Grant;
use serde_json::json;
use simulator::StripeSubscription;
use sources::{Receipt, Sender};

/// Where a name comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Statement,
    Import,
    Grant,
    Transfer,
    Attributes,
    /// A receipt of a client.
    Receipt,
    /// The same, sent in with a secret key.
    VouchedReceipt,
    AppAccountToken,
    ObfuscatedAccountId,
    Metadata,
}

use Door::{
    AppAccountToken, Attributes, Import, Metadata, ObfuscatedAccountId, Statement, Transfer,
    VouchedReceipt,
};

const OURS: [Door; 5] = [Statement, Import, Door::Grant, Transfer, Attributes];
const THEIRS: [Door; 5] = [
    Door::Receipt,
    VouchedReceipt,
    AppAccountToken,
    ObfuscatedAccountId,
    Metadata,
];

impl Door {
    /// Comes in by it; whether that was refused.
    async fn enter(self, world: &World, name: &str) -> bool {
        let customers = world.engine.customers();
        match self {
            Statement => {
                let statement = statement(world, name, "s1", &json!({}));
                state(world, &statement).await.is_err()
            }
            Import => {
                sell(world, "t", "");
                let receipt = Receipt {
                    token: "t".into(),
                    product: None,
                    app_user_id: name.into(),
                    sender: Sender::Project,
                    offering: None,
                    claimed_price: None,
                };
                let app = world.app_of(Store::PlayStore);
                let imported = world.engine.intake().import(app, &receipt, false);
                imported.await.is_err()
            }
            Self::Grant => {
                let grant = Grant {
                    entitlement: "premium".into(),
                    ends_at: None,
                    duration: "lifetime".into(),
                    is_counted: false,
                    asked_as: None,
                };
                customers.grant(world.project, name, &grant).await.is_err()
            }
            Transfer => {
                let ann = statement(world, "ann", "s1", &json!({}));
                state(world, &ann).await.unwrap();
                let moved = customers.transfer(world.project, "ann", name);
                moved.await.is_err()
            }
            Attributes => {
                let writes = [Write {
                    key: "plan".into(),
                    value: Some("year".into()),
                    written_at: None,
                }];
                let written = customers.write_attributes(world.project, name, &writes);
                written.await.is_err()
            }
            Self::Receipt => {
                sell(world, "t", "");
                let sent = world.receipt(Store::PlayStore, name, "t").await;
                sent.is_err()
            }
            VouchedReceipt => {
                sell(world, "t", "");
                let sent = world.vouched_receipt(Store::PlayStore, name, "t").await;
                sent.is_err()
            }
            AppAccountToken | ObfuscatedAccountId | Metadata => {
                self.tell(world, name).await;
                false
            }
        }
    }

    /// A store carries the name.
    async fn tell(self, world: &World, name: &str) {
        match self {
            AppAccountToken => {
                let mut chain = Chain::purchase(1_000, "gold", Some(name), world.now());
                let told = chain.notify("SUBSCRIBED", world.now());
                world.tell(&told).await.unwrap();
            }
            ObfuscatedAccountId => {
                sell(world, "t", name);
                push(world, 4, "t").await;
            }
            _ => {
                let bought = StripeSubscription {
                    account: name.into(),
                    ..stripe::subscription("sub_n")
                };
                let (api, ends) = (&world.stores.stripe.api, after(world.now(), 30));
                api.subscribe(&bought, world.now(), ends, false);
                let span = (world.now(), ends);
                let first = "subscription_create";
                api.invoice("in_n_1", "sub_n", first, 999, span, world.now());
                stripe::tell(world, "customer.subscription.created", "sub_n").await;
            }
        }
    }
}

/// Comes in by each of these doors; whether somebody is called so then is what is expected, and one of our own doors says where nobody is.
async fn check(name: &str, doors: &[Door], is_somebody: bool) {
    for door in doors {
        let world = World::with_stores().await;
        let is_refused = door.enter(&world, name).await;
        world.catch_up().await;
        let found = world.engine.ledger().customer(world.project, name).await;
        assert_eq!(
            found.unwrap().is_some(),
            is_somebody,
            "{name:?} by {door:?}"
        );
        let is_of_store = matches!(door, AppAccountToken | ObfuscatedAccountId | Metadata);
        assert_eq!(
            is_refused,
            !is_somebody && !is_of_store,
            "{name:?} by {door:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_one_at_every_door() {
    for name in [
        "ann b@x.example|\u{e9}",
        "0f0e0d0c-0b0a-4908-8706-050403020100",
    ] {
        check(name, &OURS, true).await;
        check(name, &THEIRS, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_slash_is_one_by_whoever_speaks_for_the_project() {
    check("user/13", &OURS, true).await;
    check("user/13", &THEIRS, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nobody_and_what_only_we_give_makes_nobody_at_any_door() {
    let long = "a".repeat(256);
    for name in ["null", "a\nb", &long, "$deleted:x", "$anonymous:x"] {
        check(name, &OURS, false).await;
    }
    for name in ["null", "a\nb", &long] {
        check(name, &THEIRS, false).await;
    }
}
