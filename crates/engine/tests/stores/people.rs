//! Customers through a whole engine: names, transfers, merges, attributes, grants, deletion, stated purchases.

use crate::world::World;
use domain::{EventKind::*, Store, attribute::Write};
use engine::{CustomerError, CustomerUpdate, Grant, IntakeError, WriteError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Subscription;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

/// A running Play subscription of this account.
pub(crate) fn sell(world: &World, token: &str, account: &str) {
    let new = Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: account.into(),
        is_trial: false,
        linked: None,
    };
    world
        .stores
        .play
        .api
        .subscribe(&new, world.now(), after(world.now(), 30));
}

async fn restore(world: &World, who: &str, token: &str) -> Result<(), IntakeError> {
    world.pass(1).await;
    world.receipt(Store::PlayStore, who, token).await
}

pub(crate) async fn push(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

/// Changes of access told to a customer: whether each gave or took.
async fn access(world: &World, who: &str) -> Vec<bool> {
    world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == AccessLevelUpdated && event.customer.answers_to(who))
        .map(|event| event.level.unwrap().is_active)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_moves_a_purchase_and_tells_both_sides() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    restore(&world, "bob", "t").await.unwrap();
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(world.kinds().await, [SubscriptionStarted, Transfer]);
    let moved = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == Transfer)
        .unwrap();
    assert_eq!(
        (
            moved.customer.app_user_id.as_str(),
            moved.transferred_from.unwrap().app_user_id.as_str()
        ),
        ("bob", "ann")
    );
    assert_eq!(moved.product.as_deref(), Some("gold:monthly"));
    assert_eq!(access(&world, "ann").await, [true, false]);
    assert_eq!(access(&world, "bob").await, [true]);
    // Told again, and told by the store: nothing is doubled, and it stays where it is.
    restore(&world, "bob", "t").await.unwrap();
    push(&world, 4, "t").await;
    assert_eq!(world.kinds().await, [SubscriptionStarted, Transfer]);
    world.pass(30 * DAY).await;
    world
        .stores
        .play
        .api
        .renew("t", world.now(), after(world.now(), 30));
    push(&world, 2, "t").await;
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
    // And back: what was told to Ann before is not told again.
    restore(&world, "ann", "t").await.unwrap();
    assert_eq!(world.kinds_of("ann").await, [SubscriptionStarted, Transfer]);
    let seqs: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.customer.answers_to("ann"))
        .map(|event| event.customer_seq)
        .collect();
    assert_eq!(
        seqs,
        (1..=seqs.len() as u64).collect::<Vec<_>>(),
        "without gaps"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_is_claimed_over_and_over_in_one_moment_passes_each_time() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    // No time passes from here on.
    for who in ["bob", "ann", "bob"] {
        world.receipt(Store::PlayStore, who, "t").await.unwrap();
        assert!(world.has_premium(who).await, "{who}");
    }
    assert!(!world.has_premium("ann").await);
    assert_eq!(world.kinds_of("bob").await, [Transfer, Transfer]);
    assert_eq!(access(&world, "bob").await, [true, false, true]);
    assert_eq!(access(&world, "ann").await, [true, false, true, false]);
    world.settled().await;
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_while_in_billing_retry_gives_no_access_until_it_recovers() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    world.pass(30 * DAY).await;
    world.stores.play.api.set_state("t", "ON_HOLD", None);
    push(&world, 5, "t").await;
    restore(&world, "bob", "t").await.unwrap();
    assert!(!world.has_premium("bob").await);
    world
        .stores
        .play
        .api
        .renew("t", world.now(), after(world.now(), 30));
    push(&world, 1, "t").await;
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_refuses_and_share_makes_one_customer_of_two() {
    let keep = World::with_stores_and(
        &json!({ "transfer_behaviour": "share", "sandbox_transfer_behaviour": "keep" }),
    )
    .await;
    sell(&keep, "t", "");
    restore(&keep, "ann", "t").await.unwrap();
    let refused = restore(&keep, "bob", "t").await;
    assert!(
        matches!(refused, Err(IntakeError::OwnedByAnother)),
        "{refused:?}"
    );
    assert!(keep.has_premium("ann").await && !keep.has_premium("bob").await);
    assert_eq!(
        keep.parked().await,
        0,
        "a refusal is an answer: nothing waits"
    );
    let share = World::with_stores_and(&json!({ "transfer_behaviour": "share" })).await;
    sell(&share, "t", "");
    restore(&share, "ann", "t").await.unwrap();
    restore(&share, "bob", "t").await.unwrap();
    assert!(share.has_premium("ann").await && share.has_premium("bob").await);
    assert_eq!(share.kinds().await, [SubscriptionStarted]);
    let inactive =
        World::with_stores_and(&json!({ "transfer_behaviour": "transfer_if_inactive" })).await;
    sell(&inactive, "t", "");
    restore(&inactive, "ann", "t").await.unwrap();
    assert!(restore(&inactive, "bob", "t").await.is_err());
    let end = inactive.now();
    inactive
        .stores
        .play
        .api
        .expire("t", "userInitiatedCancellation", end);
    push(&inactive, 13, "t").await;
    restore(&inactive, "bob", "t").await.unwrap();
    assert!(inactive.kinds_of("bob").await.contains(&Transfer));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_owner_always_becomes_an_alias() {
    let world = World::with_stores_and(&json!({ "transfer_behaviour": "keep" })).await;
    sell(&world, "t", "");
    push(&world, 4, "t").await;
    restore(&world, "ann", "t").await.unwrap();
    assert!(world.has_premium("ann").await);
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted],
        "no transfer: it is the same person"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_merges_an_anonymous_customer_once() {
    let world = World::with_stores().await;
    let anonymous = |digit: char| format!("$RCAnonymousID:{}", String::from(digit).repeat(32));
    sell(&world, "t", "");
    restore(&world, &anonymous('a'), "t").await.unwrap();
    let write = |value: &str| {
        [Write {
            key: "color".into(),
            value: Some(value.into()),
            written_at: None,
        }]
    };
    world
        .engine
        .customers()
        .write_attributes(world.project, &anonymous('a'), &write("red"))
        .await
        .unwrap();
    let merged = world
        .engine
        .customers()
        .identify(world.project, &anonymous('a'), "ann")
        .await
        .unwrap();
    assert!(merged.is_alias && merged.profile.is_new);
    assert!(world.has_premium("ann").await && world.has_premium(&anonymous('a')).await);
    assert_eq!(merged.profile.record.customer.attributes["color"], "red");
    let second = world
        .engine
        .customers()
        .identify(world.project, &anonymous('b'), "ann")
        .await
        .unwrap();
    assert!(
        !second.is_alias && !second.profile.is_new,
        "Ann has an anonymous alias already: only a switch"
    );
    let named = world
        .engine
        .customers()
        .identify(world.project, "ann", "bob")
        .await
        .unwrap();
    assert!(
        !named.is_alias && named.profile.is_new,
        "two named customers are never merged"
    );
    assert!(!world.has_premium("bob").await);
    for nobody in ["", "null", "a/b", "anonymous"] {
        assert!(
            matches!(
                world
                    .engine
                    .customers()
                    .profile(world.project, nobody)
                    .await,
                Err(CustomerError::Intake(IntakeError::Name(_)))
            ),
            "{nobody:?}"
        );
    }
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_name_of_somebody_named_merges_nobody() {
    let world = World::with_stores().await;
    let customers = world.engine.customers();
    let device = format!("$RCAnonymousID:{}", "a".repeat(32));
    let ann = customers.identify(world.project, &device, "ann").await;
    assert!(ann.unwrap().is_alias);
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    for expected_new in [true, false] {
        let bob = customers.identify(world.project, &device, "bob").await;
        let bob = bob.unwrap();
        assert_eq!((bob.is_alias, bob.profile.is_new), (false, expected_new));
        assert_eq!(bob.profile.record.customer.app_user_id, "bob");
        assert!(bob.profile.record.purchases.is_empty());
    }
    assert!(world.has_premium("ann").await && !world.has_premium("bob").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_an_anonymous_customer_is_to_become_it_becomes_one() {
    let world = World::with_stores().await;
    let device = format!("$RCAnonymousID:{}", "a".repeat(32));
    let names: Vec<_> = (0..8).map(|number| format!("customer-{number}")).collect();
    for name in names.iter().chain([&device]) {
        let made = world.engine.customers().profile(world.project, name).await;
        made.unwrap();
    }
    let asked = names.clone().into_iter().map(|name| {
        let (engine, project, device) = (world.engine.clone(), world.project, device.clone());
        tokio::spawn(async move { engine.customers().identify(project, &device, &name).await })
    });
    for answer in asked.collect::<Vec<_>>() {
        // Whoever came between is told to ask again, and then switches.
        if let Err(error) = answer.await.unwrap() {
            let contended = CustomerError::Intake(IntakeError::Contended);
            assert_eq!(error.to_string(), contended.to_string());
        }
    }
    let mut became = 0;
    for name in &names {
        let profile = world.engine.customers().profile(world.project, name).await;
        let customer = profile.unwrap().record.customer;
        assert_eq!(&customer.app_user_id, name, "it is still itself");
        became += usize::from(customer.answers_to(&device));
    }
    assert_eq!(became, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_give_access_end_by_themselves_and_are_revoked() {
    let world = World::with_stores().await;
    let grant = |ends_at| Grant {
        entitlement: "premium".into(),
        ends_at,
        duration: "custom".into(),
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
            },
        )
        .await;
    assert!(matches!(unknown, Err(CustomerError::UnknownEntitlement(_))));
    world.rederives().await;
}

fn statement(world: &World, who: &str, transaction: &str, extra: &Value) -> Value {
    let mut statement = json!({
        "app_user_id": who, "kind": "subscription", "product_id": "shop_gold", "transaction_id": transaction, "original_transaction_id": "s1",
        "updated_at": world.now(), "purchased_at": world.now(), "expires_at": after(world.now(), 30), "price": { "amount": "4.99", "currency": "USD" },
    });
    statement
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    statement
}

async fn state(world: &World, statement: &Value) -> Result<engine::Accepted, IntakeError> {
    world
        .engine
        .intake()
        .take_statement(
            world.app_of(Store::External),
            statement.to_string().as_bytes(),
        )
        .await
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
async fn a_forgotten_customer_is_gone_and_what_it_bought_is_still_known() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann@example.com", "t").await.unwrap();
    world
        .engine
        .customers()
        .forget(world.project, "ann@example.com")
        .await
        .unwrap();
    assert!(
        world
            .engine
            .ledger()
            .customer(world.project, "ann@example.com")
            .await
            .unwrap()
            .is_none()
    );
    let events = world.events().await;
    assert!(
        !serde_json::to_string(&events).unwrap().contains("ann@"),
        "{events:?}"
    );
    for event in &events {
        if let Some(inbox) = event.cause.inbox {
            let message = world
                .engine
                .ledger()
                .inbox(inbox)
                .await
                .unwrap()
                .unwrap()
                .message;
            assert!(
                !String::from_utf8_lossy(&message.body).contains("ann@"),
                "{}",
                message.title
            );
        }
    }
    // The purchase can be claimed again.
    restore(&world, "bob", "t").await.unwrap();
    assert!(world.has_premium("bob").await);
    assert!(matches!(
        world
            .engine
            .customers()
            .forget(world.project, "nobody-here")
            .await,
        Err(CustomerError::Unknown(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_keep_what_is_good_and_name_what_is_not_and_opt_out_silences() {
    let world = World::with_stores().await;
    let write = |key: &str, value: &str| Write {
        key: key.into(),
        value: Some(value.into()),
        written_at: None,
    };
    let outcome = world
        .engine
        .customers()
        .write_attributes(
            world.project,
            "ann",
            &[write("good", "1"), write("$bad", "2")],
        )
        .await;
    let Err(WriteError::Refused(refused)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((refused.len(), refused[0].key.as_str()), (1, "$bad"));
    let record = world
        .engine
        .customers()
        .profile(world.project, "ann")
        .await
        .unwrap()
        .record;
    assert_eq!(record.customer.attributes["good"], "1");
    world
        .engine
        .customers()
        .update(
            world.project,
            "ann",
            &CustomerUpdate {
                analytics_disabled: Some(true),
                ..CustomerUpdate::default()
            },
        )
        .await
        .unwrap();
    state(&world, &statement(&world, "ann", "s1", &json!({})))
        .await
        .unwrap();
    let rows = world
        .engine
        .ledger()
        .events(&ledger::EventFilter::default(), ledger::Page::After(0, 10))
        .await
        .unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        for (_, state) in row.integrations {
            assert_eq!(
                state,
                ledger::IntegrationState::NotSent(domain::NotSent::AnalyticsDisabled)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offering_a_client_names_stays_with_its_purchase() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    let send = async |offering: &str| {
        let receipt = sources::Receipt {
            offering: Some(offering.into()),
            claimed_price: Some("0.01 USD".into()),
            token: "t".into(),
            product: None,
            app_user_id: "ann".into(),
            sender: sources::Sender::Client,
        };
        let app = world.app_of(Store::PlayStore);
        world
            .engine
            .intake()
            .take_receipt(app, &receipt)
            .await
            .unwrap();
    };
    send("autumn").await;
    world.pass(1).await;
    send("winter").await;
    world.pass(30 * DAY).await;
    let play = &world.stores.play.api;
    play.renew("t", world.now(), after(world.now(), 30));
    push(&world, 2, "t").await;
    let told: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.transaction.is_some() && event.kind != AccessLevelUpdated)
        .map(|event| {
            let purchase = event.purchase.unwrap();
            let price = event.transaction.unwrap().price.unwrap();
            (purchase.offering, price.to_string())
        })
        .collect();
    let expected = (Some("autumn".to_owned()), "$9.99".to_owned());
    assert_eq!(
        told,
        [expected.clone(), expected],
        "the first one, and the store's price"
    );
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
async fn transfers_to_b_and_on_to_c_delivered_reversed_still_tell_the_truth() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    restore(&world, "bob", "t").await.unwrap();
    restore(&world, "cat", "t").await.unwrap();
    // Whatever the order of arrival: per customer the highest number carries the access that results.
    let mut events = world.events().await;
    events.reverse();
    let mut known: std::collections::BTreeMap<String, (u64, bool)> =
        std::collections::BTreeMap::new();
    for event in &events {
        let active = event
            .access
            .get("premium")
            .is_some_and(|level| level.is_active);
        let entry = known
            .entry(event.customer.app_user_id.clone())
            .or_insert((0, false));
        if event.customer_seq > entry.0 {
            *entry = (event.customer_seq, active);
        }
    }
    let access: Vec<_> = known
        .iter()
        .map(|(who, (_, active))| (who.as_str(), *active))
        .collect();
    assert_eq!(access, [("ann", false), ("bob", false), ("cat", true)]);
    let moves: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == Transfer)
        .map(|event| {
            (
                event.transferred_from.unwrap().app_user_id,
                event.customer.app_user_id,
            )
        })
        .collect();
    assert_eq!(
        moves,
        [("ann".into(), "bob".into()), ("bob".into(), "cat".into())]
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_carries_for_nobody_is_nobodys_name() {
    let long = "a".repeat(256);
    for nobody in ["null", "undefined", "0", " ", "a/b", "a\nb", &long] {
        let world = World::with_stores().await;
        sell(&world, "t", nobody);
        push(&world, 4, "t").await;
        let owner = world.events().await.remove(0).customer;
        assert!(owner.is_anonymous(), "{nobody:?}: {owner:?}");
        // Nobody else bought it: whoever has the purchase may have it.
        restore(&world, "ann", "t").await.unwrap();
        assert!(world.has_premium("ann").await, "{nobody:?}");
        world.rederives().await;
    }
}

/// `purchases-android` sends the hash of the customer's name, in base64, which may have a slash: that of ann has.
#[tokio::test(flavor = "multi_thread")]
async fn a_hash_with_a_slash_stands_for_its_customer_and_is_no_name() {
    const HASH: &str = "SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=";
    let world = World::with_stores().await;
    for token in ["t", "u"] {
        sell(&world, token, HASH);
        push(&world, 4, token).await;
    }
    let owners: std::collections::BTreeSet<_> = world
        .events()
        .await
        .into_iter()
        .map(|event| event.customer.app_user_id)
        .collect();
    assert!(
        owners.len() == 1 && owners.iter().all(|owner| owner.starts_with("$anonymous:")),
        "{owners:?}"
    );
    let refused = restore(&world, "bob", "t").await;
    assert!(
        matches!(refused, Err(IntakeError::OwnedByAnother)),
        "{refused:?}"
    );
    restore(&world, "ann", "t").await.unwrap();
    assert!(world.has_premium("ann").await);
    world.rederives().await;
}
