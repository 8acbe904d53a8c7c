//! Who may take a purchase: attacks with the public key, which is in every copy of the app. docs/security.md, "Claims".

use super::{
    apple::{notification, played, renewal, signed, transaction},
    customers::{push, sell},
};
use crate::world::{AUTHORITY, World};
use domain::{EventKind::*, Store};
use engine::IntakeError;
use serde_json::Value;
use simulator::{Authority, StoreReceipt};

/// A token as stores carry it: small letters.
const TOKEN: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

fn is_unproven(outcome: &Result<(), IntakeError>) -> bool {
    matches!(outcome, Err(IntakeError::Refused(refusal)) if refusal.code == sources::RefusalCode::UnprovenClaim)
}

fn is_anothers(outcome: &Result<(), IntakeError>) -> bool {
    matches!(outcome, Err(IntakeError::OwnedByAnother))
}

async fn is_nobody(world: &World, who: &str) -> bool {
    let ledger = world.engine.ledger();
    let known = ledger.customer(world.project, who).await.unwrap();
    known.is_none()
}

/// A StoreKit 1 receipt that lists these chains.
fn receipt(world: &World, authority: &Authority, chains: &[&str]) -> String {
    let transactions: Vec<_> = chains.iter().map(|chain| (*chain, *chain)).collect();
    let receipt = StoreReceipt {
        bundle_id: "com.example",
        environment: "LocalTesting",
        created_at: world.now(),
        transactions: &transactions,
    };
    authority.sign_receipt(&receipt).unwrap()
}

/// A first period that the App Store carries a token for.
fn carrying(world: &World, chain: &str, token: &str) -> Value {
    let mut all = transaction(world, chain, 0, world.now());
    all["appAccountToken"] = token.into();
    let api = &world.stores.apple.api;
    api.record(&all, Some(&renewal(chain, true)), 1);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_takes_nothing_with_the_public_key() {
    let world = World::with_stores().await;
    let start = world.now();
    let all = played(&world, "1000", 1, start);
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &all[0]))
        .await
        .unwrap();
    played(&world, "2000", 1, start);
    world.pass(1).await;
    for (store, id) in [
        // Ann's, one that nobody owns yet, one that nobody has.
        (Store::AppStore, "1000"),
        (Store::AppStore, " 1000 "),
        (Store::AppStore, "2000"),
        (Store::AppStore, "999"),
        (Store::Stripe, "sub_1"),
        (Store::Stripe, "cs_test_1"),
        (Store::Stripe, "in_1"),
        (Store::Stripe, "pi_1"),
    ] {
        let outcome = world.receipt(store, "eve", id).await;
        assert!(is_unproven(&outcome), "{id}: {outcome:?}");
        // Nor does it tell whose it is, or ask the store.
        let own = world.receipt(store, "ann", id).await;
        assert!(is_unproven(&own), "{id}: {own:?}");
    }
    assert!(world.has_premium("ann").await);
    assert!(is_nobody(&world, "eve").await);
    assert_eq!(world.parked().await, 0);
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    // The app's own server is believed.
    world
        .vouched_receipt(Store::AppStore, "bob", "1000")
        .await
        .unwrap();
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_takes_what_it_lists_only_if_apple_signed_it() {
    let world = World::with_stores().await;
    let all = played(&world, "1000", 1, world.now());
    played(&world, "2000", 1, world.now());
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &all[0]))
        .await
        .unwrap();
    let stranger = Authority::create().unwrap();
    for forged in [
        receipt(&world, &stranger, &["1000"]),
        // The attributes alone, as long as nobody looked at signatures.
        "MSAwHgIBEQIBAQQWMRQwEgICBqcCAQEECQwHMjAwMDAwMg==".to_owned(),
    ] {
        let outcome = world.receipt(Store::AppStore, "eve", &forged).await;
        assert!(
            matches!(outcome, Err(IntakeError::Refused(_))),
            "{outcome:?}"
        );
    }
    assert!(world.has_premium("ann").await && is_nobody(&world, "eve").await);
    // A genuine one is a restore: the project's transfer behaviour decides. What it does not list stays where it is.
    world.pass(1).await;
    let genuine = receipt(&world, &AUTHORITY, &["1000"]);
    world
        .receipt(Store::AppStore, "bob", &genuine)
        .await
        .unwrap();
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(world.kinds_of("bob").await, [Transfer]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_for_somebody_else_is_not_taken_with_the_public_key() {
    let world = World::with_stores().await;
    let bought = carrying(&world, "1000", TOKEN);
    let told = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&told).await.unwrap();
    world.settled().await;
    assert!(world.has_premium(TOKEN).await);
    world.pass(1).await;
    for token in [
        signed(&world, &bought),
        receipt(&world, &AUTHORITY, &["1000"]),
    ] {
        let outcome = world.receipt(Store::AppStore, "eve", &token).await;
        assert!(is_anothers(&outcome), "{outcome:?}");
    }
    assert!(world.has_premium(TOKEN).await && !world.has_premium("eve").await);
    assert_eq!(world.parked().await, 0, "a refusal is an answer");
    // The same customer, as programs write such names: one customer, nothing moved.
    world
        .receipt(
            Store::AppStore,
            &TOKEN.to_ascii_uppercase(),
            &signed(&world, &bought),
        )
        .await
        .unwrap();
    assert!(world.has_premium(&TOKEN.to_ascii_uppercase()).await);
    assert!(world.has_premium(TOKEN).await);
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    world.pass(1).await;
    // The app's own server may move it, and then it stays moved: a renewal repeats the token, and so does the new owner's client.
    world
        .vouched_receipt(Store::AppStore, "bob", "1000")
        .await
        .unwrap();
    world.pass(1).await;
    world
        .receipt(Store::AppStore, "bob", &signed(&world, &bought))
        .await
        .unwrap();
    assert!(world.has_premium("bob").await && !world.has_premium(TOKEN).await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_stands_for_nobody_asking_holds_the_purchase_where_it_is() {
    let world = World::with_stores().await;
    // The app's own numbering of its users, which is none of their names here.
    let bought = carrying(&world, "1000", TOKEN);
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &bought))
        .await
        .unwrap();
    world.pass(1).await;
    let told = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&told).await.unwrap();
    world.settled().await;
    for who in ["eve", "$RCAnonymousID:00000000000000000000000000000000"] {
        world.pass(1).await;
        let outcome = world
            .receipt(Store::AppStore, who, &signed(&world, &bought))
            .await;
        assert!(is_anothers(&outcome), "{who}: {outcome:?}");
    }
    assert!(world.has_premium("ann").await);
    // For whom it stands, it is a proof: the project's transfer behaviour decides.
    world.pass(1).await;
    let name = TOKEN.to_ascii_uppercase();
    world
        .receipt(Store::AppStore, &name, &signed(&world, &bought))
        .await
        .unwrap();
    assert!(world.has_premium(&name).await && !world.has_premium("ann").await);
    assert_eq!(world.kinds_of(&name).await, [Transfer]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_for_somebody_is_not_taken_from_an_installation_without_a_name() {
    for named in [TOKEN.to_owned(), TOKEN.to_ascii_uppercase()] {
        let world = World::with_stores().await;
        let other = played(&world, "2000", 1, world.now());
        world
            .receipt(Store::AppStore, &named, &signed(&world, &other[0]))
            .await
            .unwrap();
        let bought = carrying(&world, "1000", TOKEN);
        let nameless = "$RCAnonymousID:0123456789abcdef0123456789abcdef";
        world
            .receipt(Store::AppStore, nameless, &signed(&world, &bought))
            .await
            .unwrap();
        assert!(world.has_premium(nameless).await);
        world.pass(1).await;
        let outcome = world
            .receipt(Store::AppStore, "eve", &signed(&world, &bought))
            .await;
        assert!(is_anothers(&outcome), "{named}: {outcome:?}");
        assert!(!world.has_premium("eve").await);
        // A new installation of nobody's is no better.
        let second = "$RCAnonymousID:ffffffffffffffffffffffffffffffff";
        let outcome = world
            .receipt(Store::AppStore, second, &signed(&world, &bought))
            .await;
        assert!(is_anothers(&outcome), "{named}: {outcome:?}");
        // Whom it was bought for has it.
        world
            .receipt(Store::AppStore, &named, &signed(&world, &bought))
            .await
            .unwrap();
        assert!(world.has_premium(&named).await);
        world.rederives().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_bought_without_a_name_has_it_again_after_a_new_installation() {
    // The account that the published Android SDK gives is the digest of the name that it made up itself.
    let world = World::with_stores().await;
    let first = "$RCAnonymousID:0123456789abcdef0123456789abcdef";
    sell(&world, "t", "FutUY9f0MsmL3N9O7JVrXw9giR/nIzR1FfF510hzEs8=");
    world.receipt(Store::PlayStore, first, "t").await.unwrap();
    world.pass(1).await;
    let second = "$RCAnonymousID:ffffffffffffffffffffffffffffffff";
    world.receipt(Store::PlayStore, second, "t").await.unwrap();
    assert!(world.has_premium(second).await);
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_play_token_is_a_proof_but_not_against_the_account_it_was_bought_for() {
    // `printf ann | openssl dgst -sha256 -binary | base64`: the account that the published Android SDK gives a purchase of Ann's.
    let hashed = "SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=";
    for account in ["ann", hashed] {
        let world = World::with_stores().await;
        sell(&world, "t", account);
        push(&world, 4, "t").await;
        world.pass(1).await;
        world.receipt(Store::PlayStore, "ann", "t").await.unwrap();
        assert!(world.has_premium("ann").await, "{account}");
        assert_eq!(
            world.kinds().await,
            [SubscriptionStarted],
            "{account}: the notification came before the client, and nothing passed"
        );
        world.pass(1).await;
        let outcome = world.receipt(Store::PlayStore, "eve", "t").await;
        assert!(is_anothers(&outcome), "{account}: {outcome:?}");
        assert!(world.has_premium("ann").await && !world.has_premium("eve").await);
        assert_eq!(world.parked().await, 0);
        world
            .vouched_receipt(Store::PlayStore, "bob", "t")
            .await
            .unwrap();
        assert!(world.has_premium("bob").await, "{account}");
        world.rederives().await;
    }
}
