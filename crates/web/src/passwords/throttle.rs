//! Guessing, slowed down: by who is guessed at and from where, so that whoever guesses waits, and not whose password it is.
//!
//! **How it works.** A browser that somebody signed in with before is known, and its tries are counted for themselves: nobody else's count
//! against it. All others are strangers. A stranger's try counts for the name together with the address it comes from, for the address whatever
//! the name, and for the name wherever it comes from. The first is slowed down soon and for long; the other two, in which people can be caught
//! who guess nothing, late, and for no longer than a minute.

use crate::proxies::network;
use guarded::Guarded;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// Most that is counted for; beyond it, what was tried longest ago is forgotten.
const MOST: usize = 30_000;
/// How many are forgotten at once then.
const AT_ONCE: usize = MOST / 10;
/// After so long without a try everything is forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_hours(1);

/// Wrong tries before the next has to wait, and how long it waits at most.
#[derive(Debug, Clone, Copy)]
struct Limit {
    free: u32,
    longest: Duration,
}

/// Of one name from one address, or from a browser that is known.
const PAIR: Limit = Limit {
    free: 5,
    longest: Duration::from_mins(15),
};
/// Of one address, whatever the name.
const ADDRESS: Limit = Limit {
    free: 30,
    longest: Duration::from_mins(1),
};
/// Of one name, from all strangers together.
const NAME: Limit = Limit {
    free: 50,
    longest: Duration::from_mins(1),
};

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker<'a> {
    /// A browser in which the name was signed in before, or is now; by what it proves that with.
    Known(&'a str),
    /// Somebody at an address; without one all are at the same.
    Stranger(Option<IpAddr>),
}

/// What tries are counted for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Known(String, String),
    Pair(String, Option<IpAddr>),
    Address(Option<IpAddr>),
    Name(String),
}

impl Counted {
    const fn limit(&self) -> Limit {
        match self {
            Self::Known(..) | Self::Pair(..) => PAIR,
            Self::Address(_) => ADDRESS,
            Self::Name(_) => NAME,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    /// As the uptime of the process: nobody waits for how far a clock is set back.
    last: Duration,
    until: Duration,
}

/// Slows guessing down: each wrong try beyond the first few doubles the wait.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: Guarded<BTreeMap<Counted, Tries>>,
}

fn counted(name: &str, asker: Asker<'_>) -> Vec<Counted> {
    let name = name.to_owned();
    match asker {
        Asker::Known(proof) => vec![Counted::Known(name, proof.to_owned())],
        Asker::Stranger(address) => {
            let address = address.map(network);
            vec![
                Counted::Pair(name.clone(), address),
                Counted::Address(address),
                Counted::Name(name),
            ]
        }
    }
}

impl Throttle {
    /// Takes a try of a name before it is made, as one in vain until it is [forgiven](Self::forgive): however many are made at
    /// once, only so many go through. One that has to wait counts for nothing. Names are as long as the caller lets them be.
    ///
    /// Errors: how long it still has to wait.
    pub fn take_try(&self, name: &str, asker: Asker<'_>, uptime: Duration) -> Result<(), Duration> {
        let counted = counted(name, asker);
        let mut tries = self.tries.lock();
        let waits = counted.iter().filter_map(|counted| tries.get(counted));
        let wait = waits.map(|known| known.until.saturating_sub(uptime)).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        for counted in counted {
            count(&mut tries, counted, uptime);
        }
        Ok(())
    }

    /// A try was right. Those before it count no more for who made it; for others only this one does not.
    pub fn forgive(&self, name: &str, asker: Asker<'_>) {
        let mut tries = self.tries.lock();
        for counted in counted(name, asker) {
            match counted {
                Counted::Known(..) | Counted::Pair(..) => drop(tries.remove(&counted)),
                Counted::Address(_) | Counted::Name(_) => take_back(&mut tries, &counted),
            }
        }
    }

    /// A try was not made.
    pub fn give_back(&self, name: &str, asker: Asker<'_>) {
        let mut tries = self.tries.lock();
        for counted in counted(name, asker) {
            take_back(&mut tries, &counted);
        }
    }
}

fn take_back(tries: &mut BTreeMap<Counted, Tries>, counted: &Counted) {
    if let Some(known) = tries.get_mut(counted) {
        known.count = known.count.saturating_sub(1);
        known.until = known.until.min(known.last);
        if known.count == 0 {
            tries.remove(counted);
        }
    }
}

fn count(tries: &mut BTreeMap<Counted, Tries>, counted: Counted, uptime: Duration) {
    if tries.len() >= MOST && !tries.contains_key(&counted) {
        make_room(tries);
    }
    let Limit { free, longest } = counted.limit();
    let none = Tries {
        count: 0,
        last: uptime,
        until: uptime,
    };
    let known = tries.entry(counted).or_insert(none);
    if uptime.saturating_sub(known.last) >= FORGIVEN_AFTER {
        *known = none;
    }
    known.count += 1;
    known.last = uptime;
    let over = known.count.saturating_sub(free);
    if over > 0 {
        let wait = Duration::from_secs(1 << over.min(10)).min(longest);
        known.until = uptime + wait;
    }
}

/// Forgets what was tried longest ago.
fn make_room(tries: &mut BTreeMap<Counted, Tries>) {
    let mut ages: Vec<_> = tries.values().map(|known| known.last).collect();
    ages.sort_unstable();
    let Some(newest_to_go) = ages.get(AT_ONCE - 1).copied() else {
        return;
    };
    let mut left = AT_ONCE;
    tries.retain(|_, known| {
        let goes = left > 0 && known.last <= newest_to_go;
        left -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME_OF_ANN: &str = "ann@a.example";

    const fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn stranger(number: u32) -> Asker<'static> {
        Asker::Stranger(Some(IpAddr::from((0x0102_0000 + number).to_be_bytes())))
    }

    #[test]
    fn guessing_slows_down_and_a_right_try_forgives() {
        let throttle = Throttle::default();
        let try_at = |second| throttle.take_try(NAME_OF_ANN, stranger(1), at(second));
        // As many as are made at once: none has been found wrong yet.
        let at_once = (0..100).filter(|_| try_at(0).is_ok()).count();
        assert_eq!(at_once, 6);
        assert_eq!(try_at(1), Err(Duration::from_secs(1)));
        assert_eq!(try_at(2), Ok(()));
        assert_eq!(try_at(2), Err(Duration::from_secs(4)));
        let other = throttle.take_try("c@d.example", stranger(1), at(2));
        assert_eq!(other, Ok(()), "other names are free");
        throttle.forgive(NAME_OF_ANN, stranger(1));
        assert_eq!(try_at(2), Ok(()));
    }

    #[test]
    fn what_was_not_tried_takes_back_no_more_than_itself() {
        let throttle = Throttle::default();
        let try_it = || throttle.take_try(NAME_OF_ANN, stranger(1), at(0));
        for _ in 0..20 {
            assert_eq!(try_it(), Ok(()));
            throttle.give_back(NAME_OF_ANN, stranger(1));
        }
        assert_eq!((0..100).filter(|_| try_it().is_ok()).count(), 6);
    }

    /// Nobody makes others forgotten by what was never tried.
    #[test]
    fn what_was_not_tried_is_not_remembered() {
        let throttle = Throttle::default();
        assert_eq!(throttle.take_try(NAME_OF_ANN, stranger(1), at(0)), Ok(()));
        let remembered = || throttle.tries.lock().len();
        let before = remembered();
        for number in 0..40_000 {
            let name = format!("user-{number}@a.example");
            assert_eq!(throttle.take_try(&name, stranger(2), at(0)), Ok(()));
            throttle.give_back(&name, stranger(2));
        }
        assert_eq!(remembered(), before);
    }

    #[test]
    fn strangers_do_not_lock_out_a_browser_that_is_known() {
        let throttle = Throttle::default();
        let guessed = (0..100_000).filter(|number| {
            let asker = stranger(*number);
            throttle.take_try(NAME_OF_ANN, asker, at(0)).is_ok()
        });
        // Of however many addresses.
        assert_eq!(guessed.count(), 51);
        let anew = throttle.take_try(NAME_OF_ANN, stranger(200_000), at(0));
        assert!(anew.is_err_and(|wait| wait <= Duration::from_mins(1)));
        let owner = Asker::Known("of her browser");
        assert_eq!(throttle.take_try(NAME_OF_ANN, owner, at(0)), Ok(()));
        // Whoever takes the browser guesses no more for it.
        let at_once = (0..100).filter(|_| throttle.take_try(NAME_OF_ANN, owner, at(0)).is_ok());
        assert_eq!(at_once.count(), 5);
        let another = Asker::Known("of another");
        assert_eq!(throttle.take_try(NAME_OF_ANN, another, at(0)), Ok(()));
    }

    #[test]
    fn one_address_tries_few_names() {
        let throttle = Throttle::default();
        let tried = |asker: &dyn Fn(u32) -> Asker<'static>| {
            let tried = (0..1000).filter(|number| {
                let name = format!("user-{number}@a.example");
                throttle.take_try(&name, asker(*number), at(0)).is_ok()
            });
            tried.count()
        };
        assert_eq!(tried(&|_| stranger(1)), 31);
        // Nor does one with a network of addresses.
        let of_a_network =
            |number: u32| Asker::Stranger(Some(format!("2001:db9::{number:x}").parse().unwrap()));
        assert_eq!(tried(&of_a_network), 31);
        assert_eq!(tried(&|_| Asker::Stranger(None)), 31);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_fades() {
        let throttle = Throttle::default();
        for number in 0..50_000 {
            let name = format!("user-{number}@a.example");
            assert_eq!(throttle.take_try(&name, stranger(number), at(0)), Ok(()));
        }
        assert!(throttle.tries.lock().len() <= MOST);
        for _ in 0..6 {
            assert_eq!(throttle.take_try(NAME_OF_ANN, stranger(1), at(10)), Ok(()));
        }
        assert!(throttle.take_try(NAME_OF_ANN, stranger(1), at(10)).is_err());
        let later = at(10) + FORGIVEN_AFTER;
        for _ in 0..6 {
            assert_eq!(throttle.take_try(NAME_OF_ANN, stranger(1), later), Ok(()));
        }
    }
}
