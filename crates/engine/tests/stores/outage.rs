//! Tidings itself is away for ten minutes in the middle of a thousand lives.

use crate::shop::{AUTHORITY, Shop};
use jiff::{SignedDuration, Timestamp};
use simulator::{App, Driver, Pace, Step};
use std::collections::BTreeMap;

const CUSTOMERS: u64 = 1000;
const STEPS: usize = 5;
/// A day of a life lasts this long: a life of some months passes in minutes.
const DAY: SignedDuration = SignedDuration::from_secs(4);

fn lives(start: Timestamp) -> Vec<Step> {
    let app = App {
        bundle_id: "com.example".into(),
        environment: "LocalTesting".into(),
    };
    let driver = Driver::new(AUTHORITY.clone(), app, String::new(), Pace { day: DAY }, 11).unwrap();
    driver.script(0..CUSTOMERS, start, SignedDuration::from_mins(20), STEPS)
}

/// What was told: id, and everything that counts, by customer and key.
async fn told(
    shop: &Shop,
) -> BTreeMap<(String, String), (String, String, Timestamp, Option<String>)> {
    let events = shop.events().await;
    let told: BTreeMap<_, _> = events
        .iter()
        .map(|event| {
            (
                (event.customer.app_user_id.clone(), event.key.clone()),
                (
                    event.id.to_string(),
                    event.kind.id().to_owned(),
                    event.occurred_at,
                    event.product.clone(),
                ),
            )
        })
        .collect();
    assert_eq!(told.len(), events.len(), "no two alike");
    told
}

async fn deliver(shop: &Shop, step: &Step) {
    shop.notify(&step.body(&AUTHORITY).unwrap()).await.unwrap();
}

/// When the store tells again what it could not deliver.
#[derive(Clone, Copy, PartialEq)]
enum Heals {
    /// Before anything new.
    First,
    /// Half of it before, half after whatever is new.
    Late,
}

async fn live(steps: &[Step], away: Option<Heals>) -> Shop {
    let shop = Shop::open_quiet().await;
    let start = shop.now();
    let from = start.checked_add(SignedDuration::from_mins(8)).unwrap();
    let until = start.checked_add(SignedDuration::from_mins(18)).unwrap();
    let mut missed = Vec::new();
    for step in steps {
        if away.is_some() && step.at >= from && step.at < until {
            missed.push(step);
            continue;
        }
        shop.set_clock(shop.now().max(step.at));
        let now = match away {
            Some(Heals::Late) => missed.len() / 2,
            _ => missed.len(),
        };
        for step in missed.drain(..if step.at >= until { now } else { 0 }) {
            deliver(&shop, step).await;
        }
        deliver(&shop, step).await;
    }
    for step in missed {
        deliver(&shop, step).await;
    }
    shop.settled().await;
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_ten_minutes_changes_nothing_but_when_it_is_told() {
    let start = Shop::open_quiet().await.now();
    let steps = lives(start);
    assert!(steps.len() > 4000, "{}", steps.len());
    let undisturbed = live(&steps, None).await;
    let expected = told(&undisturbed).await;
    let healed = told(&live(&steps, Some(Heals::First)).await).await;
    let differs: Vec<_> = expected
        .iter()
        .filter(|(key, value)| healed.get(*key) != Some(value))
        .take(5)
        .collect();
    assert!(differs.is_empty(), "{differs:?}");
    assert_eq!(expected.len(), healed.len(), "nothing more either");
    // What comes behind newer news tells every charge and refund; what has passed since is not told as if it were new.
    let late = told(&live(&steps, Some(Heals::Late)).await).await;
    let is_money = |key: &str| {
        ["charged:", "refunded:", "refund_reversed:"]
            .iter()
            .any(|kind| key.contains(kind))
    };
    for (key, value) in expected.iter().filter(|((_, key), _)| is_money(key)) {
        assert_eq!(late.get(key), Some(value));
    }
    undisturbed.rederives().await;
}
