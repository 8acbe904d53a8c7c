//! Customers through a whole engine: names, transfers, merges, attributes, grants, deletion, stated purchases.

use crate::shop::Shop;
use domain::{EventKind::*, Store, attribute::Write};
use engine::{CustomerError, Grant, IntakeError, WriteError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Subscription;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

/// A running Play subscription that names nobody.
fn sell(shop: &Shop, token: &str, account: &str) {
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
    shop.stores
        .play
        .api
        .subscribe(&new, shop.now(), after(shop.now(), 30));
}

async fn restore(shop: &Shop, who: &str, token: &str) -> Result<(), IntakeError> {
    shop.pass(1);
    shop.receipt(Store::PlayStore, who, token).await
}

async fn push(shop: &Shop, kind: u8, token: &str) {
    shop.pass(1);
    let body = shop.stores.play.api.tell(kind, token, shop.now());
    shop.push(&body).await.unwrap();
    shop.settled().await;
}

/// Changes of access told to a customer: whether each gave or took.
async fn access(shop: &Shop, who: &str) -> Vec<bool> {
    shop.events()
        .await
        .into_iter()
        .filter(|event| event.kind == AccessLevelUpdated && event.customer.answers_to(who))
        .map(|event| event.level.unwrap().is_active)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_moves_a_purchase_and_tells_both_sides() {
    let shop = Shop::open().await;
    sell(&shop, "t", "");
    restore(&shop, "ann", "t").await.unwrap();
    restore(&shop, "bob", "t").await.unwrap();
    assert!(shop.has_premium("bob").await && !shop.has_premium("ann").await);
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted, Transfer]);
    let moved = shop
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
    assert_eq!(access(&shop, "ann").await, [true, false]);
    assert_eq!(access(&shop, "bob").await, [true]);
    // Told again, and told by the store: nothing is doubled, and it stays where it is.
    restore(&shop, "bob", "t").await.unwrap();
    push(&shop, 4, "t").await;
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted, Transfer]);
    shop.pass(30 * DAY);
    shop.stores
        .play
        .api
        .renew("t", shop.now(), after(shop.now(), 30));
    push(&shop, 2, "t").await;
    assert_eq!(
        shop.kinds(Some("bob")).await,
        [Transfer, SubscriptionRenewed]
    );
    // And back: what was told to Ann before is not told again.
    restore(&shop, "ann", "t").await.unwrap();
    assert_eq!(
        shop.kinds(Some("ann")).await,
        [SubscriptionStarted, Transfer]
    );
    let seqs: Vec<_> = shop
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
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_while_in_billing_retry_gives_no_access_until_it_recovers() {
    let shop = Shop::open().await;
    sell(&shop, "t", "ann");
    push(&shop, 4, "t").await;
    shop.pass(30 * DAY);
    shop.stores.play.api.set_state("t", "ON_HOLD", None);
    push(&shop, 5, "t").await;
    restore(&shop, "bob", "t").await.unwrap();
    assert!(!shop.has_premium("bob").await);
    shop.stores
        .play
        .api
        .renew("t", shop.now(), after(shop.now(), 30));
    push(&shop, 1, "t").await;
    assert!(shop.has_premium("bob").await && !shop.has_premium("ann").await);
    assert_eq!(
        shop.kinds(Some("bob")).await,
        [Transfer, SubscriptionRenewed]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_refuses_and_share_makes_one_customer_of_two() {
    let keep = Shop::open_with(
        &json!({ "transfer_behaviour": "share", "sandbox_transfer_behaviour": "keep" }),
    )
    .await;
    sell(&keep, "t", "ann");
    push(&keep, 4, "t").await;
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
    let share = Shop::open_with(&json!({ "transfer_behaviour": "share" })).await;
    sell(&share, "t", "ann");
    push(&share, 4, "t").await;
    restore(&share, "bob", "t").await.unwrap();
    assert!(share.has_premium("ann").await && share.has_premium("bob").await);
    assert_eq!(share.kinds(None).await, [SubscriptionStarted]);
    let inactive = Shop::open_with(&json!({ "transfer_behaviour": "transfer_if_inactive" })).await;
    sell(&inactive, "t", "ann");
    push(&inactive, 4, "t").await;
    assert!(restore(&inactive, "bob", "t").await.is_err());
    let end = inactive.now();
    inactive
        .stores
        .play
        .api
        .expire("t", "userInitiatedCancellation", end);
    push(&inactive, 13, "t").await;
    restore(&inactive, "bob", "t").await.unwrap();
    assert!(inactive.kinds(Some("bob")).await.contains(&Transfer));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_owner_always_becomes_an_alias() {
    let shop = Shop::open_with(&json!({ "transfer_behaviour": "keep" })).await;
    sell(&shop, "t", "");
    push(&shop, 4, "t").await;
    restore(&shop, "ann", "t").await.unwrap();
    assert!(shop.has_premium("ann").await);
    assert_eq!(
        shop.kinds(None).await,
        [SubscriptionStarted],
        "no transfer: it is the same person"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_merges_an_anonymous_customer_once() {
    let shop = Shop::open().await;
    let anonymous = |digit: char| format!("$RCAnonymousID:{}", String::from(digit).repeat(32));
    sell(&shop, "t", "");
    restore(&shop, &anonymous('a'), "t").await.unwrap();
    let write = |value: &str| {
        [Write {
            key: "color".into(),
            value: Some(value.into()),
            written_at: None,
        }]
    };
    shop.engine
        .customers()
        .write_attributes(shop.project, &anonymous('a'), &write("red"))
        .await
        .unwrap();
    let merged = shop
        .engine
        .customers()
        .identify(shop.project, &anonymous('a'), "ann")
        .await
        .unwrap();
    assert!(merged.is_alias && merged.profile.is_new);
    assert!(shop.has_premium("ann").await && shop.has_premium(&anonymous('a')).await);
    assert_eq!(merged.profile.record.customer.attributes["color"], "red");
    let second = shop
        .engine
        .customers()
        .identify(shop.project, &anonymous('b'), "ann")
        .await
        .unwrap();
    assert!(
        !second.is_alias && !second.profile.is_new,
        "Ann has an anonymous alias already: only a switch"
    );
    let named = shop
        .engine
        .customers()
        .identify(shop.project, "ann", "bob")
        .await
        .unwrap();
    assert!(
        !named.is_alias && named.profile.is_new,
        "two named customers are never merged"
    );
    assert!(!shop.has_premium("bob").await);
    for nobody in ["", "null", "a/b", "anonymous"] {
        assert!(
            matches!(
                shop.engine.customers().profile(shop.project, nobody).await,
                Err(CustomerError::Intake(IntakeError::Name(_)))
            ),
            "{nobody:?}"
        );
    }
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_give_access_end_by_themselves_and_are_revoked() {
    let shop = Shop::open().await;
    let grant = |ends_at| Grant {
        entitlement: "premium".into(),
        ends_at,
        duration: "custom".into(),
    };
    shop.engine
        .customers()
        .grant(shop.project, "ann", &grant(Some(after(shop.now(), 3))))
        .await
        .unwrap();
    assert!(shop.has_premium("ann").await);
    assert!(shop.kinds(None).await.is_empty(), "a grant is no purchase");
    assert_eq!(access(&shop, "ann").await, [true]);
    shop.pass(3 * DAY + 1);
    for _ in 0..300 {
        if access(&shop, "ann").await.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(access(&shop, "ann").await, [true, false], "its end is told");
    shop.engine
        .customers()
        .grant(shop.project, "ann", &grant(None))
        .await
        .unwrap();
    assert!(shop.has_premium("ann").await);
    assert_eq!(
        shop.engine
            .customers()
            .revoke_grants(shop.project, "ann", "premium")
            .await
            .unwrap(),
        1
    );
    assert!(!shop.has_premium("ann").await);
    assert_eq!(access(&shop, "ann").await, [true, false, true, false]);
    // Beside a store subscription: revoking the grant leaves what was bought.
    sell(&shop, "t", "bob");
    push(&shop, 4, "t").await;
    shop.engine
        .customers()
        .grant(shop.project, "bob", &grant(None))
        .await
        .unwrap();
    shop.pass(1);
    shop.engine
        .customers()
        .revoke_grants(shop.project, "bob", "premium")
        .await
        .unwrap();
    assert!(shop.has_premium("bob").await);
    let unknown = shop
        .engine
        .customers()
        .grant(
            shop.project,
            "ann",
            &Grant {
                entitlement: "gold".into(),
                ends_at: None,
                duration: "lifetime".into(),
            },
        )
        .await;
    assert!(matches!(unknown, Err(CustomerError::UnknownEntitlement(_))));
    shop.rederives().await;
}

fn statement(shop: &Shop, who: &str, transaction: &str, extra: &Value) -> Value {
    let mut statement = json!({
        "app_user_id": who, "kind": "subscription", "product_id": "shop_gold", "transaction_id": transaction, "original_transaction_id": "s1",
        "updated_at": shop.now(), "purchased_at": shop.now(), "expires_at": after(shop.now(), 30), "price": { "amount": "4.99", "currency": "USD" },
    });
    statement
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    statement
}

async fn state(shop: &Shop, statement: &Value) -> Result<engine::Accepted, IntakeError> {
    shop.engine
        .intake()
        .take_statement(shop.app(Store::External), statement.to_string().as_bytes())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stated_purchases_follow_the_same_rules_and_older_statements_change_nothing() {
    let shop = Shop::open().await;
    let start = shop.now();
    let first = statement(&shop, "ann", "s1", &json!({}));
    state(&shop, &first).await.unwrap();
    assert!(shop.has_premium("ann").await);
    let with = |shop: &Shop, extra: Value| {
        let mut it = first.clone();
        it["updated_at"] = json!(shop.now());
        it.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        it
    };
    shop.pass(DAY);
    state(
        &shop,
        &with(
            &shop,
            json!({ "will_renew": false, "renewal_cancelled_at": shop.now() }),
        ),
    )
    .await
    .unwrap();
    let stale = first.clone();
    state(&shop, &stale).await.unwrap();
    shop.pass(DAY);
    state(&shop, &with(&shop, json!({ "will_renew": true })))
        .await
        .unwrap();
    shop.pass(29 * DAY);
    let second = statement(
        &shop,
        "ann",
        "s2",
        &json!({ "originally_purchased_at": start }),
    );
    state(&shop, &second).await.unwrap();
    shop.pass(31 * DAY);
    let mut failing = second.clone();
    failing["updated_at"] = json!(shop.now());
    failing["billing_issue_detected_at"] = json!(shop.now());
    state(&shop, &failing).await.unwrap();
    shop.pass(1);
    failing["updated_at"] = json!(shop.now());
    failing["ended"] = json!({ "at": shop.now(), "reason": "billing_error" });
    state(&shop, &failing).await.unwrap();
    assert_eq!(
        shop.kinds(None).await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
            SubscriptionRenewed,
            BillingIssueDetected,
            SubscriptionExpired
        ]
    );
    assert!(!shop.has_premium("ann").await);
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
        let refused = state(&shop, &statement(&shop, "ann", "s9", &extra)).await;
        let Err(IntakeError::Refused(refusal)) = refused else {
            panic!("{extra}: {refused:?}")
        };
        assert!(refusal.detail.contains(field), "{}", refusal.detail);
    }
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_customer_is_gone_and_what_it_bought_is_still_known() {
    let shop = Shop::open().await;
    sell(&shop, "t", "");
    restore(&shop, "ann@example.com", "t").await.unwrap();
    shop.engine
        .customers()
        .forget(shop.project, "ann@example.com")
        .await
        .unwrap();
    assert!(
        shop.engine
            .ledger()
            .customer(shop.project, "ann@example.com")
            .await
            .unwrap()
            .is_none()
    );
    let events = shop.events().await;
    assert!(
        !serde_json::to_string(&events).unwrap().contains("ann@"),
        "{events:?}"
    );
    for event in &events {
        if let Some(inbox) = event.cause.inbox {
            let message = shop
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
    restore(&shop, "bob", "t").await.unwrap();
    assert!(shop.has_premium("bob").await);
    assert!(matches!(
        shop.engine
            .customers()
            .forget(shop.project, "nobody-here")
            .await,
        Err(CustomerError::Unknown(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_keep_what_is_good_and_name_what_is_not_and_opt_out_silences() {
    let shop = Shop::open().await;
    let write = |key: &str, value: &str| Write {
        key: key.into(),
        value: Some(value.into()),
        written_at: None,
    };
    let outcome = shop
        .engine
        .customers()
        .write_attributes(
            shop.project,
            "ann",
            &[write("good", "1"), write("$bad", "2")],
        )
        .await;
    let Err(WriteError::Refused(refused)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((refused.len(), refused[0].key.as_str()), (1, "$bad"));
    let record = shop
        .engine
        .customers()
        .profile(shop.project, "ann")
        .await
        .unwrap()
        .record;
    assert_eq!(record.customer.attributes["good"], "1");
    shop.engine
        .customers()
        .set_analytics_disabled(shop.project, "ann", true)
        .await
        .unwrap();
    state(&shop, &statement(&shop, "ann", "s1", &json!({})))
        .await
        .unwrap();
    let rows = shop
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
    let shop = Shop::open().await;
    sell(&shop, "t", "");
    let send = async |offering: &str| {
        let receipt = sources::Receipt {
            offering: Some(offering.into()),
            claimed_price: Some("0.01 USD".into()),
            token: "t".into(),
            product: None,
            app_user_id: "ann".into(),
        };
        let app = shop.app(Store::PlayStore);
        shop.engine
            .intake()
            .take_receipt(app, &receipt)
            .await
            .unwrap();
    };
    send("autumn").await;
    shop.pass(1);
    send("winter").await;
    shop.pass(30 * DAY);
    let play = &shop.stores.play.api;
    play.renew("t", shop.now(), after(shop.now(), 30));
    push(&shop, 2, "t").await;
    let told: Vec<_> = shop
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
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_tells_nothing_unless_asked_and_what_comes_after_is_told() {
    let shop = Shop::open().await;
    let import = |who: &'static str, token: &'static str, tell: bool| {
        let receipt = sources::Receipt {
            offering: None,
            claimed_price: None,
            token: token.into(),
            product: None,
            app_user_id: who.into(),
        };
        let (engine, app) = (shop.engine.clone(), shop.app(Store::PlayStore));
        async move { engine.intake().import(app, &receipt, tell).await }
    };
    sell(&shop, "t", "");
    assert_eq!(
        import("ann", "t", false).await.unwrap(),
        engine::Imported::Purchase
    );
    assert_eq!(
        import("ann", "t", false).await.unwrap(),
        engine::Imported::Purchase,
        "twice"
    );
    assert!(shop.events().await.is_empty());
    assert!(shop.has_premium("ann").await);
    push(&shop, 4, "t").await;
    assert!(
        shop.events().await.is_empty(),
        "the live notification of the same purchase is no news"
    );
    shop.pass(30 * DAY);
    shop.stores
        .play
        .api
        .renew("t", shop.now(), after(shop.now(), 30));
    push(&shop, 2, "t").await;
    assert_eq!(shop.kinds(None).await, [SubscriptionRenewed]);
    sell(&shop, "u", "");
    import("bob", "u", true).await.unwrap();
    assert_eq!(shop.kinds(Some("bob")).await, [SubscriptionStarted]);
    assert!(import("eve", "unknown", false).await.is_err());
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_to_b_and_on_to_c_delivered_reversed_still_tell_the_truth() {
    let shop = Shop::open().await;
    sell(&shop, "t", "ann");
    push(&shop, 4, "t").await;
    restore(&shop, "bob", "t").await.unwrap();
    restore(&shop, "cat", "t").await.unwrap();
    // Whatever the order of arrival: per customer the highest number carries the access that results.
    let mut events = shop.events().await;
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
    let moves: Vec<_> = shop
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
    let shop = Shop::open().await;
    sell(&shop, "t", "ann");
    push(&shop, 4, "t").await;
    state(
        &shop,
        &statement(&shop, "ann", "s1", &json!({ "environment": "sandbox" })),
    )
    .await
    .unwrap();
    shop.stores
        .play
        .api
        .expire("t", "userInitiatedCancellation", shop.now());
    push(&shop, 13, "t").await;
    assert!(
        shop.has_premium("ann").await,
        "the other product still unlocks it"
    );
    let last = shop.events().await.pop().unwrap();
    assert!(last.access["premium"].is_active, "and every event says so");
}
