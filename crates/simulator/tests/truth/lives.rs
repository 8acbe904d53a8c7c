//! Lives as a whole: whom they let in, their parts, and what no file of theirs knows.

use crate::{DAY, life, sentence, start, until};
use jiff::SignedDuration;
use simulator::truth::{Beginning, Deed, First, Kinds, Life, Market};
use std::path::PathBuf;

#[test]
fn access_is_what_was_paid_for_or_given_as_grace() {
    use Deed::{EndGrace, Fail, Recover};
    let deeds = [Fail, EndGrace, Recover];
    let lived = life(Market::AppStore, Beginning::Full, &deeds).live(1, until(105));
    let access = |days| {
        let at = start() + SignedDuration::from_secs(days * DAY);
        lived.history.has_access(at)
    };
    // 30 days, 16 of grace, half of 60 without, and a new period.
    let open: Vec<i64> = (-1..110).filter(|day| access(*day)).collect();
    let paid: Vec<i64> = (0..46).chain(76..106).collect();
    assert_eq!(open, paid);
}

/// What somebody has to know of it: until when, whether another period follows, and whether it is paid for.
#[test]
fn access_is_known_with_its_end_and_what_follows() {
    use Deed::{Fail, Plan, Renew, SwitchOff, SwitchOn, Upgrade};
    let deeds = [SwitchOff, SwitchOn, Plan, Renew, Upgrade, Fail];
    let lived = life(Market::AppStore, Beginning::Full, &deeds).live(1, until(500));
    let level = |seconds: i64| {
        let at = start() + SignedDuration::from_secs(seconds);
        let mut levels = lived.history.levels("premium", at);
        let level = levels.pop().unwrap();
        assert!(levels.is_empty());
        let until = start().duration_until(level.until).as_hours() / 24;
        (level.product, until, level.renews, level.in_grace)
    };
    let monthly = "com.example.monthly".to_owned();
    assert_eq!(level(0), (monthly.clone(), 30, true, false));
    assert_eq!(level(16 * DAY), (monthly.clone(), 30, false, false));
    assert_eq!(level(29 * DAY), (monthly, 30, true, false));
    let light = "com.example.light".to_owned();
    assert_eq!(level(31 * DAY), (light, 60, true, false));
    // Charged six hours ahead; in the middle of what was left then, for a year, and 16 days of grace.
    let yearly = "com.example.yearly".to_owned();
    assert_eq!(level(46 * DAY), (yearly.clone(), 409, true, false));
    assert_eq!(level(411 * DAY), (yearly, 425, true, true));
}

#[test]
fn of_an_old_purchase_only_how_it_stands_is_told() {
    use Deed::{Renew, SwitchOff, SwitchOn};
    let deeds = [Renew, Renew, SwitchOff, SwitchOn, Renew];
    let lived = life(Market::AppStore, Beginning::Trial, &deeds).live(1, until(95));
    let since = |index: usize| {
        let heard = lived.history.told[index].at;
        let market = Market::AppStore;
        let events = lived
            .history
            .expected_since(market, |_| Some(First::at(heard)));
        events.iter().map(sentence).collect::<Vec<_>>()
    };
    assert_eq!(
        since(2),
        [
            "subscription_renewed monthly 999",
            "subscription_renewal_cancelled monthly",
            "subscription_renewal_reactivated monthly",
            "subscription_renewed monthly 999",
        ]
    );
    assert_eq!(
        since(3)[0],
        "subscription_renewal_cancelled monthly",
        "and not that it was renewed before"
    );
}

/// Whatever is left out of a life, it can be lived, in order, and the same seed lives the same.
#[test]
fn any_part_of_a_life_is_a_life() {
    let year = SignedDuration::from_secs(400 * DAY);
    for market in Market::ALL {
        for seed in 0..60 {
            let whole = Life::random(market, Kinds::All, seed, (start(), year), year);
            assert_eq!(
                whole,
                Life::random(market, Kinds::All, seed, (start(), year), year)
            );
            for life in whole.smaller().into_iter().chain([whole]) {
                let lived = life.live(seed, until(800));
                assert!(lived.acts.is_sorted_by_key(|act| act.at));
                assert!(!lived.acts.is_empty() && lived.acts[0].at == life.begins);
                let told = &lived.history.told;
                assert!(told.is_sorted_by_key(|told| told.at), "{life:?}: {told:?}");
            }
        }
    }
}

/// The rules are written twice: what is compared must not come from what it is compared with.
#[test]
fn nothing_here_knows_how_events_are_derived() {
    let mut folders = vec![PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/truth"
    ))];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = if path.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            kind.push(path);
        }
    }
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for other in ["domain::", "sources::", "engine::", "ledger::"] {
            assert!(!text.contains(other), "{} knows {other}", file.display());
        }
    }
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    assert!(!manifest.contains("domain"), "the crate depends on none");
}
