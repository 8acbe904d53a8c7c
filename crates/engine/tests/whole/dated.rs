//! A ledger that an earlier release wrote, whose keys and ids had the time of the answer that showed what happened: this release goes on with it,
//! tells nothing of it twice, and says of each event that it would name otherwise why.
//!
//! The ledger is `again/undated.sql`: the lives below, told in order up to the moment at which that release was stopped.

use crate::world::{DAY, World};
use domain::{Event, EventKind, Store};
use engine::rederive::Difference;
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Act, Beginning, Deed, Form, Life, Market, Said};

/// The moment at which the earlier release was stopped.
const STOPPED: &str = "2026-02-05T00:00:00Z";
/// Until then it is gone on with.
const UNTIL: &str = "2026-05-01T00:00:00Z";

fn life(market: Market, begins: &str, deeds: &[(Deed, u8)]) -> Life {
    Life {
        market,
        begins: begins.parse().unwrap(),
        beginning: Beginning::Full,
        has_grace: true,
        form: Form::Plain,
        deeds: deeds.to_vec(),
    }
}

/// Cancelled, taken back, paused, unpaid: what keys of that release were made of answers for.
fn lives() -> Vec<Life> {
    use Deed::{AskPause, EndGrace, Fail, Pause, Recover, Resume, RunOut, SwitchOff, SwitchOn};
    let (early, late) = ("2026-01-02T00:00:00Z", "2026-01-20T00:00:00Z");
    let off_and_on = [
        (SwitchOff, 20),
        (SwitchOn, 30),
        (AskPause, 30),
        (Pause, 50),
        (Resume, 50),
    ];
    let unpaid = [(Fail, 50), (EndGrace, 50), (Recover, 50)];
    let twice = [
        (SwitchOff, 10),
        (SwitchOn, 20),
        (SwitchOff, 30),
        (RunOut, 50),
    ];
    let paused = [(AskPause, 30), (Pause, 50), (Resume, 50)];
    let stated = [(SwitchOff, 20), (SwitchOn, 50), (Fail, 50), (Recover, 50)];
    vec![
        life(Market::Play, early, &off_and_on),
        life(Market::Play, early, &unpaid),
        life(Market::Play, early, &[(SwitchOff, 50), (RunOut, 50)]),
        life(Market::Play, late, &[(SwitchOff, 30), (RunOut, 50)]),
        life(Market::Stripe, late, &twice),
        life(Market::Stripe, late, &paused),
        life(Market::Stripe, early, &paused),
        life(Market::Stripe, early, &[(Fail, 50), (Recover, 50)]),
        life(Market::Stated, early, &stated),
    ]
}

/// It happens, and its store says so.
async fn happens(world: &World, act: &Act) {
    act.happen(&world.stores);
    for word in &act.says {
        match word.said(&world.stores, act.at).unwrap() {
            Said::Message(message) => drop(world.deliver(&message).await.unwrap()),
            Said::Statement(body) => {
                let app = world.app_of(Store::External);
                let intake = world.engine.intake();
                intake.take_statement(app, body.as_bytes()).await.unwrap();
            }
        }
        world.catch_up().await;
    }
}

async fn pass_until(world: &World, at: Timestamp) {
    while world.now() < at {
        let step = SignedDuration::from_secs(DAY).min(world.now().duration_until(at));
        world.jump(world.now() + step);
        world.catch_up().await;
    }
}

/// What was told of a customer, of access apart.
fn told_of(events: &[Event], who: &str) -> Vec<String> {
    let of = events.iter().filter(|event| {
        event.customer.app_user_id == who && event.kind != EventKind::AccessLevelUpdated
    });
    let mut told: Vec<_> = of
        .map(|event| {
            format!(
                "{} {}",
                event.kind.id(),
                event.product.as_deref().unwrap_or("")
            )
        })
        .collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_release_named_by_its_answers_is_told_no_second_time() {
    let (stopped, until): (Timestamp, Timestamp) =
        (STOPPED.parse().unwrap(), UNTIL.parse().unwrap());
    let dump = include_str!("again/undated.sql");
    let world = World::of_an_earlier_release(dump, stopped).await;
    let told = world.events().await;
    world.engine.read_again().await.unwrap();
    world.catch_up().await;
    assert_eq!(world.events().await, told, "nothing of it is news");
    let numbered = (0..).zip(lives());
    let lived: Vec<_> = numbered
        .map(|(number, life)| (life.market, life.live(number, until)))
        .collect();
    let mut acts: Vec<_> = lived.iter().flat_map(|(_, lived)| &lived.acts).collect();
    acts.sort_by_key(|act| act.at);
    let (past, next) = acts.split_at(acts.partition_point(|act| act.at <= stopped));
    for act in past {
        happens(&world, act).await;
    }
    assert_eq!(world.events().await, told, "the same said again is no news");
    for act in next {
        pass_until(&world, act.at).await;
        happens(&world, act).await;
    }
    pass_until(&world, until).await;
    let all = world.events().await;
    assert_eq!(all[..told.len()], told, "what was told stays as it is");
    for (market, lived) in &lived {
        let expected = lived.history.expected(*market).into_iter();
        let mut expected: Vec<_> = expected
            .map(|event| format!("{} {}", event.kind, event.product))
            .collect();
        expected.sort();
        assert_eq!(told_of(&all, &lived.who), expected, "{}", lived.who);
    }
    let report = world.rederive(|_| {}).await;
    assert!(
        report.redated > 0,
        "ids of that release were dated otherwise"
    );
    assert!(!report.differences.is_empty());
    for difference in &report.differences {
        let Difference::Renamed { recorded, derived } = difference else {
            panic!("{difference:?}: {}", difference.why());
        };
        // Since when a pause was asked for, messages of Stripe said in no word that was heard then.
        let is_pause = recorded.kind == "subscription_paused";
        let is_same = recorded.occurred_at == derived.occurred_at;
        assert!(is_same || is_pause, "{difference:?}");
        assert!(difference.why().contains(&derived.key));
    }
}
