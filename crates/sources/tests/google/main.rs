//! Google Play: what a tester's subscriptions go through leads to the events that the table says, in order, doubled and shuffled.
#![expect(clippy::unwrap_used, reason = "tests")]

mod sequences;

use domain::{
    CancellationReason, EventKind, Facts, Observation, Snapshot,
    change::{self, State},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sources::{
    Answer, Content, Part, Question, Source, Verdict,
    google::{API_URL, App, GooglePlay, PushAccess},
};
use std::collections::BTreeMap;

fn source(package: &str) -> GooglePlay {
    GooglePlay::new(App {
        package: package.into(),
        push: PushAccess::Anyone,
        credentials: None,
        api_url: API_URL.into(),
        acknowledge: false,
    })
}

/// What is known of the chains, by id, and everything told.
#[derive(Default)]
struct Tracker {
    chains: BTreeMap<String, (Facts, Snapshot)>,
    told: Vec<(EventKind, Option<CancellationReason>)>,
    keys: Vec<String>,
}

impl Tracker {
    fn see(
        &mut self,
        seen: &Observation,
        now: Timestamp,
    ) -> Vec<(EventKind, Option<CancellationReason>)> {
        let known = self.chains.get(&seen.chain.id).cloned();
        let facts = known
            .as_ref()
            .map(|(facts, _)| facts.clone())
            .unwrap_or_default()
            .absorb(seen);
        let snapshot = Snapshot::derive(&facts, now).unwrap();
        let before = known
            .as_ref()
            .map(|(facts, snapshot)| State { facts, snapshot });
        let after = State {
            facts: &facts,
            snapshot: &snapshot,
        };
        let mut changes = change::changes(
            &seen.chain,
            before,
            after,
            now,
            SignedDuration::from_hours(24),
        );
        changes.retain(|change| !self.keys.contains(&change.key));
        self.keys
            .extend(changes.iter().map(|change| change.key.clone()));
        self.chains.insert(seen.chain.id.clone(), (facts, snapshot));
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.kind, change.reason))
            .collect();
        self.told.extend(told.clone());
        told
    }
}

/// Asks as the API would have answered at each step: the newest answer for every token.
struct World {
    newest: BTreeMap<String, Value>,
}

impl World {
    fn hear(
        &mut self,
        step: &Value,
        tracker: &mut Tracker,
        at: Timestamp,
    ) -> Vec<(EventKind, Option<CancellationReason>)> {
        use base64::Engine as _;
        let rtdn = &step["rtdn"];
        let token = rtdn["subscriptionNotification"]["purchaseToken"]
            .as_str()
            .unwrap();
        let data = base64::engine::general_purpose::STANDARD.encode(rtdn.to_string());
        let push = json!({ "message": { "data": data, "messageId": format!("m{}", step["step"]) }, "subscription": "s" });
        let source = source(rtdn["packageName"].as_str().unwrap());
        let received = source.receive(push.to_string().as_bytes(), at).unwrap();
        let Content::Ask(question) = received.content else {
            panic!("{:?}", received.content)
        };
        let mut parts = Vec::new();
        let mut next = Some(token.to_owned());
        while let Some(id) = next {
            let Some(body) = self.newest.get(&id) else {
                break;
            };
            next = body["linkedPurchaseToken"].as_str().map(str::to_owned);
            parts.push(Part {
                name: "subscription".into(),
                id,
                body: body.clone(),
            });
        }
        let answer = Answer {
            question,
            asked_at: at,
            parts,
        };
        let stored = serde_json::to_vec(&answer).unwrap();
        let seen = source
            .read(&serde_json::from_slice(&stored).unwrap())
            .unwrap()
            .unwrap();
        tracker.see(&seen, at)
    }
}

fn at(step: &Value) -> Timestamp {
    let millis: i64 = step["rtdn"]["eventTimeMillis"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    Timestamp::from_millisecond(millis).unwrap()
}

fn learn(world: &mut World, step: &Value) {
    let token = step["rtdn"]["subscriptionNotification"]["purchaseToken"]
        .as_str()
        .unwrap();
    world
        .newest
        .insert(token.to_owned(), step["subscriptionsv2"].clone());
}

#[test]
fn what_a_tester_goes_through_is_told_as_the_table_says() {
    use CancellationReason as Why;
    use EventKind::*;
    let started = vec![(SubscriptionStarted, None)];
    let renewed = vec![(SubscriptionRenewed, None)];
    let grace = vec![(BillingIssueDetected, None), (EnteredGracePeriod, None)];
    let cancelled = vec![(SubscriptionRenewalCancelled, None)];
    let ended = |why| vec![(SubscriptionExpired, Some(why))];
    let refunded = vec![(SubscriptionRefunded, Some(Why::Refund))];
    let plan_changed = vec![
        (ProductChanged, None),
        (SubscriptionRefunded, Some(Why::Upgraded)),
        (SubscriptionStarted, None),
    ];
    let nothing = Vec::new;
    let table = [
        (
            "cancelled, restarted, revoked by the system",
            vec![
                started.clone(),
                cancelled.clone(),
                vec![(SubscriptionRenewalReactivated, None)],
                refunded.clone(),
            ],
        ),
        (
            "grace, paid in it, cancelled, run out",
            vec![
                started.clone(),
                grace.clone(),
                renewed.clone(),
                cancelled.clone(),
                ended(Why::VoluntarilyCancelled),
            ],
        ),
        (
            "renewed, run out, bought again, not paid for",
            vec![
                started.clone(),
                renewed.clone(),
                renewed.clone(),
                cancelled,
                ended(Why::VoluntarilyCancelled),
                started.clone(),
                grace.clone(),
                nothing(),
                ended(Why::BillingError),
                nothing(),
            ],
        ),
        (
            "not paid for",
            vec![
                started.clone(),
                grace.clone(),
                nothing(),
                ended(Why::BillingError),
                nothing(),
            ],
        ),
        (
            "another plan, renewed",
            vec![
                started.clone(),
                plan_changed.clone(),
                nothing(),
                renewed.clone(),
            ],
        ),
        (
            "another plan, grace, paid in it",
            vec![
                started.clone(),
                plan_changed.clone(),
                nothing(),
                grace.clone(),
                renewed.clone(),
            ],
        ),
        (
            "another plan, grace, hold, paid in that",
            vec![
                started.clone(),
                plan_changed,
                nothing(),
                grace,
                nothing(),
                renewed,
            ],
        ),
        (
            "given back by the developer",
            vec![started, refunded, nothing()],
        ),
    ];
    let mut table = BTreeMap::from(table);
    for (name, steps) in sequences::all() {
        let expected = table.remove(name).unwrap();
        assert_eq!(steps.len(), expected.len(), "{name}");
        let (mut world, mut tracker) = (
            World {
                newest: BTreeMap::new(),
            },
            Tracker::default(),
        );
        for (step, expected) in steps.iter().zip(expected) {
            learn(&mut world, step);
            let told = world.hear(step, &mut tracker, at(step));
            assert_eq!(told, expected, "{name} step {}", step["step"]);
            let again = world.hear(
                step,
                &mut tracker,
                at(step).checked_add(SignedDuration::from_secs(1)).unwrap(),
            );
            assert_eq!(again, [], "{name} step {} told twice", step["step"]);
        }
        let end: Vec<_> = tracker
            .chains
            .values()
            .map(|(_, snapshot)| (snapshot.transaction.clone(), snapshot.standing.clone()))
            .collect();
        // Late and shuffled: all messages after everything happened, the last first.
        let mut shuffled = Tracker::default();
        let late = at(steps.last().unwrap())
            .checked_add(SignedDuration::from_secs(30))
            .unwrap();
        for (delay, step) in (0..).zip(steps.iter().rev()) {
            world.hear(
                step,
                &mut shuffled,
                late.checked_add(SignedDuration::from_secs(delay)).unwrap(),
            );
        }
        let reached: Vec<_> = shuffled
            .chains
            .values()
            .map(|(_, snapshot)| (snapshot.transaction.clone(), kind(snapshot)))
            .collect();
        let expected: Vec<_> = end
            .iter()
            .map(|(id, _)| id.clone())
            .zip(tracker.chains.values().map(|(_, snapshot)| kind(snapshot)))
            .collect();
        assert_eq!(reached, expected, "{name} shuffled");
    }
    assert!(table.is_empty(), "{table:?}");
}

fn kind(snapshot: &Snapshot) -> std::mem::Discriminant<domain::snapshot::Standing> {
    std::mem::discriminant(&snapshot.standing)
}

#[test]
fn messages_that_cannot_be_read_are_kept_and_those_of_others_refused() {
    let source = source("com.some.app");
    let receive = |text: String| {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        let push = json!({ "message": { "data": data, "messageId": "1" } });
        source.receive(push.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
    };
    for text in ["hello", "{}", r#"{"packageName":"com.some.app"}"#] {
        let refusal = receive(text.into()).unwrap_err();
        assert_eq!(refusal.verdict, Verdict::Park, "{text}");
    }
    let other = receive(r#"{"packageName":"com.other","testNotification":{}}"#.into()).unwrap_err();
    assert_eq!(
        (other.code.text(), other.verdict),
        ("wrong_app", Verdict::Refuse)
    );
    let test =
        receive(r#"{"packageName":"com.some.app","testNotification":{"version":"1.0"}}"#.into())
            .unwrap();
    assert_eq!(test.title, "TEST");
    let Content::Nothing(why) = test.content else {
        panic!("{:?}", test.content)
    };
    assert!(why.contains("Play Console"), "{why}");
    // Kinds that came later: what names a purchase is asked about, and of anything else is said what it is.
    let later = receive(r#"{"packageName":"com.some.app","giftNotification":{"version":"1.0","purchaseToken":"t"}}"#.into()).unwrap();
    assert_eq!(later.title, "giftNotification");
    assert!(
        matches!(&later.content, Content::Ask(question) if question.about == "purchase" && question.id == "t")
    );
    let nameless =
        receive(r#"{"packageName":"com.some.app","weatherNotification":{"version":"1.0"}}"#.into())
            .unwrap_err();
    assert_eq!(nameless.verdict, Verdict::Park);
    assert!(
        nameless.detail.contains("`weatherNotification`"),
        "{}",
        nameless.detail
    );
    let unknown = receive(r#"{"packageName":"com.some.app","subscriptionNotification":{"notificationType":99,"purchaseToken":"t"}}"#.into()).unwrap();
    assert_eq!(unknown.title, "SUBSCRIPTION_NOTIFICATION_99");
    assert!(
        matches!(unknown.content, Content::Ask(_)),
        "an unknown kind is asked about like any other"
    );
    assert_eq!(
        source
            .receive(b"{}", Timestamp::UNIX_EPOCH)
            .unwrap_err()
            .code
            .text(),
        "malformed_payload"
    );
}

/// Source: `PurchaseStateContext` of `purchases.productsv2`, developers.google.com, read on 26 November 2026: what is paid for
/// is in the state `PURCHASED`.
#[test]
fn a_one_time_purchase_is_paid_only_when_its_state_says_so() {
    let read = |context: Value| {
        let body = json!({
            "productLineItem": [{ "productId": "coins" }], "orderId": "GPA.1", "purchaseStateContext": context,
            "purchaseCompletionTime": "2026-11-20T10:00:00Z",
        });
        let part = Part {
            name: "product".into(),
            id: "token".into(),
            body,
        };
        let answer = Answer {
            question: Question::about("product", "token"),
            asked_at: Timestamp::UNIX_EPOCH,
            parts: vec![part],
        };
        let seen = source("com.some.app").read(&answer);
        seen.map(|seen| seen.is_some())
            .map_err(|refusal| (refusal.code.text(), refusal.verdict))
    };
    for (context, expected) in [
        (json!({ "purchaseState": "PURCHASED" }), Ok(true)),
        (json!({ "purchaseState": "PENDING" }), Ok(false)),
        (json!({ "purchaseState": "CANCELLED" }), Ok(false)),
        // Says nothing: kept and asked about again, not given away.
        (json!({}), Err(("store_answer_unreadable", Verdict::Park))),
        (json!(null), Err(("store_answer_unreadable", Verdict::Park))),
    ] {
        assert_eq!(read(context.clone()), expected, "{context}");
    }
}
