//! Lives tell what documents say they should, and nothing in them knows how events are derived.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod every_store;
mod forms;
mod lives;
mod money;
mod stripe;

use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Beginning, Deed, Expected, Form, Life, Market};

const DAY: i64 = 86_400;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn life(market: Market, beginning: Beginning, deeds: &[Deed]) -> Life {
    Life {
        market,
        begins: start(),
        beginning,
        has_grace: true,
        form: Form::Plain,
        deeds: deeds.iter().map(|deed| (*deed, 50)).collect(),
    }
}

fn until(days: i64) -> Timestamp {
    start() + SignedDuration::from_secs(days * DAY)
}

/// What a life comes to while its deeds are done: kinds, with the end of the product and the amount or the reason.
fn check(market: Market, beginning: Beginning, deeds: &[Deed], expected: &[&str]) {
    let lived = life(market, beginning, deeds).live(1, until(3_000));
    let events = lived.history.expected(market);
    let told: Vec<_> = events.iter().take(expected.len()).map(sentence).collect();
    assert_eq!(told, expected, "{market:?} {deeds:?}");
}

fn sentence(event: &Expected) -> String {
    let product = event.product.rsplit(['.', ':', '_']).next().unwrap();
    let micros = event.micros.map(|micros| (micros / 10_000).to_string());
    let reason = event.reason.map(str::to_owned);
    let words = [Some(format!("{} {product}", event.kind)), micros, reason];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A life of this kind, with what it comes to.
fn check_form(market: Market, form: Form, deeds: &[Deed], expected: &[&str]) {
    let life = Life {
        form,
        ..life(market, Beginning::Full, deeds)
    };
    let events = life.live(1, until(3_000)).history.expected(market);
    let mut told: Vec<_> = events.iter().take(expected.len()).map(sentence).collect();
    // Products of one purchase are told one after the other.
    told.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected, "{market:?} {form:?} {deeds:?}");
}
