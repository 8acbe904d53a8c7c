//! Access that is given, and purchases that are stated or imported.

use super::{DAY, access, after, push, sell, state, statement};
use crate::world::World;
use domain::{EventKind::*, Store};
use engine::{CustomerError, Grant, IntakeError};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn grants_give_access_end_by_themselves_and_are_revoked() {
    let world = World::with_stores().await;
    let grant = |ends_at| Grant {
        entitlement: "premium".into(),
        ends_at,
        duration: "custom".into(),
        is_counted: false,
        asked_as: None,
    };
    world
        .engine
        .customers()
        .grant(world.project, "ann", &grant(Some(after(world.now(), 3))))
        .await
        .unwrap();
    assert!(world.has_premium("ann").await);
    assert!(world.kinds().await.is_empty(), "a grant is no purchase");
    assert_eq!(access(&world, "ann").await, [true]);
    world.pass(3 * DAY + 1).await;
    world.catch_up().await;
    assert_eq!(
        access(&world, "ann").await,
        [true, false],
        "its end is told"
    );
    world
        .engine
        .customers()
        .grant(world.project, "ann", &grant(None))
        .await
        .unwrap();
    assert!(world.has_premium("ann").await);
    assert_eq!(
        world
            .engine
            .customers()
            .revoke_grants(world.project, "ann", "premium")
            .await
            .unwrap(),
        1
    );
    assert!(!world.has_premium("ann").await);
    assert_eq!(access(&world, "ann").await, [true, false, true, false]);
    // Beside a store subscription: revoking the grant leaves what was bought.
    sell(&world, "t", "bob");
    push(&world, 4, "t").await;
    world
        .engine
        .customers()
        .grant(world.project, "bob", &grant(None))
        .await
        .unwrap();
    world.pass(1).await;
    world
        .engine
        .customers()
        .revoke_grants(world.project, "bob", "premium")
        .await
        .unwrap();
    assert!(world.has_premium("bob").await);
    let unknown = world
        .engine
        .customers()
        .grant(
            world.project,
            "ann",
            &Grant {
                entitlement: "gold".into(),
                ends_at: None,
                duration: "lifetime".into(),
                is_counted: false,
                asked_as: None,
            },
        )
        .await;
    assert!(matches!(unknown, Err(CustomerError::UnknownEntitlement(_))));
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stated_purchases_follow_the_same_rules_and_older_statements_change_nothing() {
    let world = World::with_stores().await;
    let start = world.now();
    let first = statement(&world, "ann", "s1", &json!({}));
    state(&world, &first).await.unwrap();
    assert!(world.has_premium("ann").await);
    let with = |world: &World, extra: Value| {
        let mut it = first.clone();
        it["updated_at"] = json!(world.now());
        it.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        it
    };
    world.pass(DAY).await;
    state(
        &world,
        &with(
            &world,
            json!({ "will_renew": false, "renewal_cancelled_at": world.now() }),
        ),
    )
    .await
    .unwrap();
    let stale = first.clone();
    state(&world, &stale).await.unwrap();
    world.pass(DAY).await;
    state(&world, &with(&world, json!({ "will_renew": true })))
        .await
        .unwrap();
    world.pass(29 * DAY).await;
    let second = statement(
        &world,
        "ann",
        "s2",
        &json!({ "originally_purchased_at": start }),
    );
    state(&world, &second).await.unwrap();
    world.pass(31 * DAY).await;
    let mut failing = second.clone();
    failing["updated_at"] = json!(world.now());
    failing["billing_issue_detected_at"] = json!(world.now());
    state(&world, &failing).await.unwrap();
    world.pass(1).await;
    failing["updated_at"] = json!(world.now());
    failing["ended"] = json!({ "at": world.now(), "reason": "billing_error" });
    state(&world, &failing).await.unwrap();
    assert_eq!(
        world.kinds().await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
            SubscriptionRenewed,
            BillingIssueDetected,
            SubscriptionExpired
        ]
    );
    assert!(!world.has_premium("ann").await);
    for (extra, field) in [
        (json!({ "expires_at": null }), "expires_at"),
        (json!({ "expires_at": start }), "expires_at"),
        (
            json!({ "price": { "amount": "4,99", "currency": "USD" } }),
            "price.amount",
        ),
        (
            json!({ "price": { "amount": "4.99", "currency": "Dollar" } }),
            "price.currency",
        ),
        (
            json!({ "offer": { "category": "introductory", "type": "free_trial" } }),
            "price",
        ),
        (
            json!({ "grace_period_expires_at": after(start, 400) }),
            "billing_issue_detected_at",
        ),
        (json!({ "app_user_id": "" }), "app_user_id"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let refused = state(&world, &statement(&world, "ann", "s9", &extra)).await;
        let Err(IntakeError::Refused(refusal)) = refused else {
            panic!("{extra}: {refused:?}")
        };
        assert!(refusal.detail.contains(field), "{}", refusal.detail);
    }
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_tells_nothing_unless_asked_and_what_comes_after_is_told() {
    let world = World::with_stores().await;
    let import = |who: &'static str, token: &'static str, tell: bool| {
        let receipt = sources::Receipt {
            offering: None,
            claimed_price: None,
            token: token.into(),
            product: None,
            app_user_id: who.into(),
            sender: sources::Sender::Project,
        };
        let (engine, app) = (world.engine.clone(), world.app_of(Store::PlayStore));
        async move { engine.intake().import(app, &receipt, tell).await }
    };
    sell(&world, "t", "");
    assert_eq!(
        import("ann", "t", false).await.unwrap(),
        engine::Imported::Purchase
    );
    assert_eq!(
        import("ann", "t", false).await.unwrap(),
        engine::Imported::Purchase,
        "twice"
    );
    assert!(world.events().await.is_empty());
    assert!(world.has_premium("ann").await);
    push(&world, 4, "t").await;
    assert!(
        world.events().await.is_empty(),
        "the live notification of the same purchase is no news"
    );
    world.pass(30 * DAY).await;
    world
        .stores
        .play
        .api
        .renew("t", world.now(), after(world.now(), 30));
    push(&world, 2, "t").await;
    assert_eq!(world.kinds().await, [SubscriptionRenewed]);
    sell(&world, "u", "");
    import("bob", "u", true).await.unwrap();
    assert_eq!(world.kinds_of("bob").await, [SubscriptionStarted]);
    assert!(import("eve", "unknown", false).await.is_err());
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_products_one_entitlement_losing_one_keeps_access() {
    let world = World::with_stores().await;
    sell(&world, "t", "ann");
    push(&world, 4, "t").await;
    state(
        &world,
        &statement(&world, "ann", "s1", &json!({ "environment": "sandbox" })),
    )
    .await
    .unwrap();
    world
        .stores
        .play
        .api
        .expire("t", "userInitiatedCancellation", world.now());
    push(&world, 13, "t").await;
    assert!(
        world.has_premium("ann").await,
        "the other product still unlocks it"
    );
    let last = world.events().await.pop().unwrap();
    assert!(last.access["premium"].is_active, "and every event says so");
}
