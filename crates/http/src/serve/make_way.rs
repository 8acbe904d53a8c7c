//! Who makes way when all places are taken and somebody comes.
//!
//! **How it works.** Whoever has kept the server waiting for a while goes, the longest first, wherever it is. Where nobody has, places change hands
//! faster than anybody can ask for something: somebody comes back again and again. Then they are shared among the addresses. Whoever comes
//! from one takes a place of an address that has more, or of its own. One that has none takes one of those that have no more than it will have,
//! but not again within that while: so a hundred addresses that come back all the time leave everybody else time to ask.
//!
//! **What it does not do.** It hangs up on nobody whom the server keeps waiting.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Addresses that are remembered to have taken a place of somebody else.
const MOST: usize = 10_000;

/// Where somebody is connected from; nowhere in particular by way of a proxy, which speaks for any number of addresses.
pub(super) type Whence = Option<IpAddr>;

/// Somebody who could go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Of its place.
    pub(super) number: u64,
    pub(super) from: Whence,
    /// Since when it keeps the server waiting.
    pub(super) since: Instant,
}

/// Who goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// Whoever has the place of this number.
    This(u64),
    /// Whoever comes.
    Newcomer,
    /// Nobody keeps the server waiting: the newcomer waits for whoever is answered next.
    Nobody,
}

/// What is remembered of those who come.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// How many places each address has.
    has: BTreeMap<IpAddr, usize>,
    /// When each address took a place of somebody who had no more.
    took: BTreeMap<IpAddr, Instant>,
}

impl Way {
    /// Somebody has a place.
    pub(super) fn comes(&mut self, from: Whence) {
        if let Some(address) = from {
            *self.has.entry(address).or_default() += 1;
        }
    }

    /// Somebody left it.
    pub(super) fn leaves(&mut self, from: Whence) {
        let Some(address) = from else { return };
        if let Some(count) = self.has.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.has.remove(&address);
            }
        }
    }

    /// Whom those who come by way of a proxy make one of.
    fn count(&self, from: Whence) -> usize {
        from.map_or(1, |address| self.has.get(&address).copied().unwrap_or(0))
    }

    /// Who goes for somebody who comes.
    pub(super) fn make(
        &mut self,
        newcomer: Whence,
        waiting: &[Waiting],
        grace: Duration,
        now: Instant,
    ) -> Goes {
        let own = newcomer.map_or(0, |_| self.count(newcomer));
        let with_count = |waiting: &Waiting| (self.count(waiting.from), *waiting);
        let counted: Vec<_> = waiting.iter().map(with_count).collect();
        let longest = |of: &dyn Fn(usize, &Waiting) -> bool| {
            let some = counted
                .iter()
                .filter(|(count, waiting)| of(*count, waiting));
            let longest = some.min_by_key(|(_, waiting)| waiting.since);
            longest.map(|(_, waiting)| Goes::This(waiting.number))
        };
        let waits_long = |_, waiting: &Waiting| now.duration_since(waiting.since) >= grace;
        let is_own = |_, waiting: &Waiting| newcomer.is_some() && waiting.from == newcomer;
        let most = counted.iter().map(|(count, _)| *count).max();
        let has_most = |count, _: &Waiting| count > own + 1 && Some(count) == most;
        let found = longest(&waits_long)
            .or_else(|| longest(&has_most))
            .or_else(|| longest(&is_own));
        if let Some(goes) = found {
            return goes;
        }
        let Some(of_an_equal) = longest(&|count, _| count == own + 1) else {
            return Goes::Nobody;
        };
        match newcomer {
            Some(address) if !self.may_take(address, grace, now) => Goes::Newcomer,
            _ => of_an_equal,
        }
    }

    /// Whether an address may take a place of one that has no more, and that it does.
    fn may_take(&mut self, address: IpAddr, grace: Duration, now: Instant) -> bool {
        let is_recent = |at: &Instant| now.duration_since(*at) < grace;
        if self.took.get(&address).is_some_and(is_recent) {
            return false;
        }
        if self.took.len() >= MOST {
            self.took.retain(|_, at| is_recent(at));
        }
        if self.took.len() >= MOST {
            self.took.clear();
        }
        self.took.insert(address, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    /// Four addresses.
    fn addresses() -> [Whence; 4] {
        [1, 2, 3, 4].map(|number| Some(IpAddr::from([127, 0, 0, number])))
    }

    /// Those who wait, by where they are from and for how many milliseconds; their places are numbered as they stand.
    fn goes(way: &mut Way, newcomer: Whence, waiting: &[(Whence, u64)]) -> Goes {
        let now = Instant::now() + Duration::from_mins(1);
        let waiting: Vec<_> = (0..)
            .zip(waiting)
            .map(|(number, (from, millis))| Waiting {
                number,
                from: *from,
                since: now.checked_sub(Duration::from_millis(*millis)).unwrap(),
            })
            .collect();
        way.make(newcomer, &waiting, GRACE, now)
    }

    /// A way for those who have as many places as they stand here.
    fn with(places: &[Whence]) -> Way {
        let mut way = Way::default();
        for from in places {
            way.comes(*from);
        }
        way
    }

    #[test]
    fn whoever_waited_long_goes_wherever_it_is() {
        let [one, other, third, _] = addresses();
        let mut way = with(&[one, one, one, other]);
        let waiting = [(one, 10), (one, 2_000), (one, 20), (other, 3_000)];
        assert_eq!(goes(&mut way, third, &waiting), Goes::This(3));
        assert_eq!(goes(&mut way, other, &waiting), Goes::This(3));
    }

    #[test]
    fn an_address_that_has_more_makes_way_and_then_its_own() {
        let [one, other, third, _] = addresses();
        let mut way = with(&[one, one, one, other]);
        let waiting = [(one, 10), (one, 20), (one, 30), (other, 40)];
        for (newcomer, expected) in [
            (third, Goes::This(2)),
            (other, Goes::This(2)),
            (one, Goes::This(2)),
            (None, Goes::This(2)),
        ] {
            assert_eq!(goes(&mut way, newcomer, &waiting), expected, "{newcomer:?}");
        }
        // However often: it takes nothing of anybody else.
        let mut way = with(&[one, other]);
        for _ in 0..10 {
            let waiting = [(one, 10), (other, 40)];
            assert_eq!(goes(&mut way, one, &waiting), Goes::This(0));
        }
    }

    #[test]
    fn one_that_comes_again_and_again_takes_a_place_of_an_equal_once_in_a_while() {
        let [one, other, third, fourth] = addresses();
        let mut way = with(&[one, other]);
        let waiting = [(one, 10), (other, 40)];
        assert_eq!(goes(&mut way, third, &waiting), Goes::This(1));
        assert_eq!(goes(&mut way, third, &waiting), Goes::Newcomer);
        assert_eq!(goes(&mut way, fourth, &waiting), Goes::This(1));
        // A proxy comes for anybody.
        for _ in 0..3 {
            assert_eq!(goes(&mut way, None, &waiting), Goes::This(1));
        }
        let later = Instant::now() + Duration::from_mins(2);
        let waiting = [Waiting {
            number: 7,
            from: one,
            since: later,
        }];
        assert_eq!(way.make(third, &waiting, GRACE, later), Goes::This(7));
    }

    #[test]
    fn nobody_goes_whom_the_server_keeps_waiting() {
        let [one, other, third, _] = addresses();
        let mut way = with(&[one, one, other]);
        assert_eq!(goes(&mut way, third, &[]), Goes::Nobody);
        // Nor one that has less.
        assert_eq!(goes(&mut way, one, &[(other, 10)]), Goes::Nobody);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut way = Way::default();
        for number in 0..3 * u32::try_from(MOST).unwrap() {
            let address = IpAddr::from(number.to_be_bytes());
            assert!(way.may_take(address, GRACE, now));
            assert!(way.took.len() <= MOST);
            way.comes(Some(address));
            way.leaves(Some(address));
        }
        assert!(way.has.is_empty());
    }
}
