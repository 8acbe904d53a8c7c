//! Purchases of any other store, stated with the very bodies that docs/stores.md shows.

use crate::world::World;
use domain::{EventKind, EventKind::*, InboxId, Store};
use engine::{IntakeError, rederive::Difference};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, Committed, InboxMessage, Origin};
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../../../docs/stores.md");

/// The first charge of a subscription, and its renewal a month later.
fn bodies() -> [Value; 2] {
    let (_, section) = DOCUMENT.split_once("## Any other store").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let bodies: Vec<Value> = section
        .split("```json")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect();
    bodies.try_into().unwrap()
}

fn with(body: &Value, extra: Value) -> Value {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    fields.extend(extra.as_object().unwrap().clone());
    body
}

/// The same subscription charged again, `days` later.
fn later(body: &Value, transaction: &str, days: i64) -> Value {
    let mut body = with(body, json!({ "transaction_id": transaction }));
    for name in ["updated_at", "purchased_at", "expires_at"] {
        let at: Timestamp = body[name].as_str().unwrap().parse().unwrap();
        body[name] = json!(at + SignedDuration::from_hours(24 * days));
    }
    body
}

fn moment(body: &Value, field: &str) -> Timestamp {
    body[field].as_str().unwrap().parse().unwrap()
}

/// States each a minute after it became true, or after the one before it was stated, and gives the events told, oldest
/// first: kind, transaction, late, historical.
async fn told(world: &World, statements: &[Value]) -> Vec<(EventKind, String, bool, bool)> {
    for statement in statements {
        let said = moment(statement, "updated_at").max(world.now());
        world.jump(said + SignedDuration::from_mins(1));
        world
            .engine
            .intake()
            .take_statement(
                world.app_of(Store::External),
                statement.to_string().as_bytes(),
            )
            .await
            .unwrap();
    }
    world.rederives().await;
    let events = world.events().await.into_iter();
    events
        .filter(|event| event.kind != AccessLevelUpdated)
        .map(|event| {
            let transaction = event.transaction.unwrap().id;
            (event.kind, transaction, event.late, event.historical)
        })
        .collect()
}

/// What the statements lead to, each event with the transaction it is about, none of it late or historical.
async fn check(statements: &[Value], expected: &[(EventKind, &str)]) {
    let world = World::with_stores().await;
    let told = told(&world, statements).await;
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, transaction)| (*kind, (*transaction).to_owned(), false, false))
        .collect();
    assert_eq!(told, expected, "{statements:#?}");
}

#[tokio::test]
async fn a_charge_after_the_first_is_a_renewal_without_saying_when_it_all_began() {
    let [start, renewal] = bodies();
    check(
        &[
            start.clone(),
            renewal.clone(),
            later(&renewal, "order-3", 30),
        ],
        &[
            (SubscriptionStarted, "order-1"),
            (SubscriptionRenewed, "order-2"),
            (SubscriptionRenewed, "order-3"),
        ],
    )
    .await;
    // And when it says so.
    let began = json!({ "originally_purchased_at": start["purchased_at"] });
    check(
        &[with(&start, began.clone()), with(&renewal, began)],
        &[
            (SubscriptionStarted, "order-1"),
            (SubscriptionRenewed, "order-2"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_charge_after_a_gap_is_a_renewal() {
    let [start, renewal] = bodies();
    let ended = with(
        &start,
        json!({ "updated_at": start["expires_at"],
            "ended": { "at": start["expires_at"], "reason": "voluntarily_cancelled" } }),
    );
    check(
        &[start, ended, later(&renewal, "order-2", 90)],
        &[
            (SubscriptionStarted, "order-1"),
            (SubscriptionExpired, "order-1"),
            (SubscriptionRenewed, "order-2"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_renewal_heard_of_first_is_a_renewal_and_what_came_before_is_not_made_up() {
    let [_, renewal] = bodies();
    check(
        std::slice::from_ref(&renewal),
        &[(SubscriptionRenewed, "order-2")],
    )
    .await;
    // Of a period that began longer ago than a day: the one event that describes its state.
    let world = World::with_stores().await;
    let stated = with(&renewal, json!({ "updated_at": "2026-11-25T10:00:00Z" }));
    assert_eq!(
        told(&world, &[stated]).await,
        [(SubscriptionRenewed, "order-2".to_owned(), false, true)]
    );
    let began = world.events().await[0].purchase.clone().unwrap();
    assert_eq!(
        began.original_purchased_at,
        moment(&renewal, "purchased_at"),
        "the earliest charge known"
    );
}

#[tokio::test]
async fn charges_may_be_stated_in_any_order() {
    let [start, renewal] = bodies();
    let third = later(&renewal, "order-3", 30);
    let world = World::with_stores().await;
    assert_eq!(
        told(&world, &[third, start.clone(), renewal]).await,
        [
            (SubscriptionRenewed, "order-3".to_owned(), false, false),
            (SubscriptionStarted, "order-1".to_owned(), true, false),
            (SubscriptionRenewed, "order-2".to_owned(), true, false),
        ]
    );
    let last = world.events().await.pop().unwrap().purchase.unwrap();
    assert_eq!(last.original_purchased_at, moment(&start, "purchased_at"));
}

#[tokio::test]
async fn the_first_charge_after_a_trial_is_a_conversion_whatever_the_subscription_is_called() {
    let [start, renewal] = bodies();
    let free = json!({ "price": { "amount": "0", "currency": "EUR" }, "expires_at": "2026-10-27T10:00:00Z",
        "offer": { "category": "introductory", "type": "free_trial" } });
    let trial = with(&start, free);
    let paid = with(
        &renewal,
        json!({ "updated_at": trial["expires_at"], "purchased_at": trial["expires_at"] }),
    );
    let expected = [(TrialStarted, "order-1"), (TrialConverted, "order-2")];
    check(&[trial.clone(), paid.clone()], &expected).await;
    // A subscription with an id of its own: the first charge says that it is the first, once.
    let own_id = |body: &Value| with(body, json!({ "original_transaction_id": "subscription-9" }));
    let first = with(
        &own_id(&trial),
        json!({ "originally_purchased_at": trial["purchased_at"] }),
    );
    let restated = with(
        &own_id(&trial),
        json!({ "updated_at": "2026-10-21T10:00:00Z", "country": "DE" }),
    );
    check(&[first.clone(), restated, own_id(&paid)], &expected).await;
    // It does not say so: nothing says that the renewal that follows is the first to be paid for.
    let silent = with(&own_id(&trial), json!({}));
    let expected = [
        (SubscriptionRenewed, "order-1"),
        (SubscriptionRenewed, "order-2"),
    ];
    check(&[silent, own_id(&paid)], &expected).await;
}

/// Where a charge names an earlier beginning, it is none, whatever its ids are.
#[tokio::test]
async fn a_charge_that_names_an_earlier_beginning_is_a_renewal() {
    let [start, _] = bodies();
    let began = |at: &str| with(&start, json!({ "originally_purchased_at": at }));
    let expected = [(SubscriptionRenewed, "order-1")];
    check(&[began("2024-10-20T10:00:00Z")], &expected).await;
    let expected = [(SubscriptionStarted, "order-1")];
    check(&[began("2026-10-20T10:00:00Z")], &expected).await;
}

/// What is said of an old charge, whenever, says nothing of the period that runs: docs/stores.md, what the same `transaction_id` again
/// changes.
#[tokio::test]
async fn what_is_stated_again_of_an_old_charge_leaves_the_running_one_alone() {
    let [start, renewal] = bodies();
    let off = with(
        &renewal,
        json!({ "will_renew": false, "updated_at": "2026-11-21T10:00:00Z" }),
    );
    let late = "2026-11-22T10:00:00Z";
    let started = (SubscriptionStarted, "order-1");
    let renewed = (SubscriptionRenewed, "order-2");
    let cancelled = (SubscriptionRenewalCancelled, "order-2");
    let refunded = (SubscriptionRefunded, "order-1");
    for (again, told) in [
        (json!({ "refunded_at": late }), Some(refunded)),
        (json!({ "ended": { "at": late } }), None),
        (json!({ "billing_issue_detected_at": late }), None),
        (json!({ "will_renew": true }), None),
    ] {
        let again = with(&with(&start, again), json!({ "updated_at": late }));
        let statements = [start.clone(), renewal.clone(), off.clone(), again];
        let told = [started, renewed, cancelled].into_iter().chain(told);
        check(&statements, &told.collect::<Vec<_>>()).await;
    }
}

/// Puts a message into the inbox as an earlier release did, which asked less of it.
async fn was_taken_in(world: &World, origin: Origin, key: &str, body: &Value) {
    let (app, at) = (world.app_of(Store::External), world.now());
    let message = InboxMessage {
        id: InboxId::derived(world.project.uuid(), key, at),
        project: world.project,
        app,
        origin,
        key: key.into(),
        title: key.to_uppercase(),
        body: body.to_string().into_bytes(),
        received_at: at,
    };
    let commit = Commit {
        inbox: Some(message),
        ..Commit::of(world.project)
    };
    let committed = world.engine.ledger().commit(commit).await.unwrap();
    assert!(matches!(committed, Committed::Done { .. }));
}

/// What is asked of a statement is asked when it comes in. One that is kept was taken in under the rules of its time, and its events were
/// told: it is read as it was.
#[tokio::test]
async fn a_statement_that_is_kept_is_read_as_it_was_whatever_is_asked_today() {
    let [start, _] = bodies();
    for (what, kept) in [
        (
            "it gives something back",
            json!({ "price": { "amount": "-9.99", "currency": "USD" } }),
        ),
        ("it names nobody", json!({ "app_user_id": "null" })),
        ("its id has a line end", json!({ "product_id": "go\nld" })),
        ("its country has three letters", json!({ "country": "USA" })),
        (
            "its trial costs something",
            json!({ "offer": { "category": "introductory", "type": "free_trial" } }),
        ),
        (
            "it brings many entitlements",
            json!({ "entitlements": vec!["all"; 101] }),
        ),
    ] {
        let world = World::with_stores().await;
        let kept = with(&start, kept);
        world.jump(moment(&kept, "updated_at") + SignedDuration::from_mins(1));
        let app = world.app_of(Store::External);
        let body = kept.to_string();
        let taken = world.engine.intake().take_statement(app, body.as_bytes());
        let refused = taken.await.unwrap_err();
        assert!(matches!(refused, IntakeError::Refused(_)), "{what}");
        was_taken_in(&world, Origin::Store(Store::External), "kept", &kept).await;
        let report = world.rederive(|_| {}).await;
        let told = &report.differences;
        let tells = |difference: &Difference| matches!(difference, Difference::Extra(told) if told.transaction.as_deref() == Some("order-1") && told.price.is_some());
        assert!(told.iter().any(tells), "{what}: {told:?}");
    }
}

/// Purchases of somebody whom a statement of an earlier release called nothing could be moved to somebody, and were.
#[tokio::test]
async fn what_was_done_to_a_customer_whom_nobody_may_be_called_any_more_is_done_again() {
    let [start, _] = bodies();
    let world = World::with_stores().await;
    world.jump(moment(&start, "updated_at") + SignedDuration::from_mins(1));
    let kept = with(&start, json!({ "app_user_id": "null" }));
    was_taken_in(&world, Origin::Store(Store::External), "kept", &kept).await;
    world.jump(world.now() + SignedDuration::from_mins(1));
    let moved = json!({ "operation": "transfer", "from": "null", "to": "ann", "chains": null });
    was_taken_in(&world, Origin::Operation, "transfer", &moved).await;
    let report = world.rederive(|_| {}).await;
    let passed = |difference: &Difference| matches!(difference, Difference::Extra(told) if told.rule == "access.passed");
    assert!(report.differences.iter().any(passed), "{report:?}");
}
