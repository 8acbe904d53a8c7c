//! Who makes way when all places are taken and somebody comes.
//!
//! **How it works.** Whoever has kept the server waiting for a while goes, the longest first, wherever it is. Where nobody has, places change hands
//! faster than anybody can ask for something: somebody comes back again and again. Then they are shared among the addresses. Whoever comes
//! takes a place of the address that has most, where that is more than its own will have; otherwise one that was answered before, and last
//! one of somebody who has not asked yet. What it takes so is counted for its address until it is answered: beyond a few at once, and then one in that while,
//! those who never ask have only what their own address has. So a hundred addresses that hold on, and come back whenever they are hung up
//! on, leave everybody else time to ask.
//!
//! **What it does not do.** It hangs up on nobody whom the server keeps waiting.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Places of others that an address may have taken without asking for anything, before it has to wait between them.
const AT_ONCE: u32 = 16;
/// Addresses that are counted for.
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
    /// It was answered before.
    pub(super) was_answered: bool,
}

/// Who goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// Whoever has the place of this number.
    This(u64),
    /// The same, which counts for the newcomer's address until it is answered.
    Counted(u64),
    /// The same, who is of the newcomer's address, which so waits for as long.
    Own(u64),
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
    /// When all that each address took of others is made up for.
    even_at: BTreeMap<IpAddr, Instant>,
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

    /// Somebody was answered: what it took for that does not count.
    pub(super) fn asked(&mut self, from: Whence, grace: Duration) {
        let even_at = from.and_then(|address| self.even_at.get_mut(&address));
        if let Some(even_at) = even_at {
            *even_at = even_at.checked_sub(grace).unwrap_or(*even_at);
        }
    }

    /// Whoever comes by way of a proxy is alone.
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
        if waiting.is_empty() {
            return Goes::Nobody;
        }
        let longest = waiting.iter().min_by_key(|waiting| waiting.since);
        let is_late = |longest: &&Waiting| now.duration_since(longest.since) >= grace;
        if let Some(late) = longest.filter(is_late) {
            return Goes::This(late.number);
        }
        let own = newcomer.map_or(0, |_| self.count(newcomer));
        let rank = |waiting: &&Waiting| (self.count(waiting.from), Reverse(waiting.since));
        let greedy = waiting.iter().max_by_key(rank);
        if let Some(greedy) = greedy.filter(|greedy| self.count(greedy.from) > own + 1) {
            return Goes::This(greedy.number);
        }
        let rank = |waiting: &&Waiting| (!waiting.was_answered, waiting.since);
        let equal = waiting.iter().min_by_key(rank);
        let equal = equal.map_or(Goes::Nobody, |equal| Goes::Counted(equal.number));
        match newcomer {
            Some(address) if !self.takes(address, grace, now) => {
                let own = waiting.iter().filter(|waiting| waiting.from == newcomer);
                let own = own.min_by_key(|waiting| waiting.since);
                own.map_or(Goes::Newcomer, |own| Goes::Own(own.number))
            }
            _ => equal,
        }
    }

    /// Whether an address may take one more place of others, and that it does.
    fn takes(&mut self, address: IpAddr, grace: Duration, now: Instant) -> bool {
        let even_at = self.even_at.get(&address).copied();
        let even_at = even_at.unwrap_or(now).max(now) + grace;
        if even_at.duration_since(now) > grace * AT_ONCE {
            return false;
        }
        if self.even_at.len() >= MOST {
            self.even_at.retain(|_, even_at| *even_at > now);
        }
        if self.even_at.len() >= MOST {
            self.even_at.clear();
        }
        self.even_at.insert(address, even_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    /// Addresses.
    fn addresses() -> [Whence; 4] {
        [1, 2, 3, 4].map(|number| Some(IpAddr::from([127, 0, 0, number])))
    }

    /// Those who wait, by where they are from, for how many milliseconds, and whether they were answered; their places are numbered as they stand.
    fn goes(
        way: &mut Way,
        newcomer: Whence,
        waiting: &[(Whence, u64, bool)],
        now: Instant,
    ) -> Goes {
        let waiting: Vec<_> = (0..)
            .zip(waiting)
            .map(|(number, (from, millis, was_answered))| Waiting {
                number,
                from: *from,
                since: now.checked_sub(Duration::from_millis(*millis)).unwrap(),
                was_answered: *was_answered,
            })
            .collect();
        way.make(newcomer, &waiting, GRACE, now)
    }

    /// A way for those who have as many places as they stand here, and a moment.
    fn with(places: &[Whence]) -> (Way, Instant) {
        let mut way = Way::default();
        for from in places {
            way.comes(*from);
        }
        (way, Instant::now() + Duration::from_mins(1))
    }

    #[test]
    fn whoever_waited_long_goes_wherever_it_is() {
        let [one, other, third, _] = addresses();
        let (mut way, now) = with(&[one, one, one, other]);
        let waiting = [
            (one, 10, true),
            (one, 2_000, false),
            (one, 20, true),
            (other, 3_000, false),
        ];
        for newcomer in [third, other, None] {
            assert_eq!(goes(&mut way, newcomer, &waiting, now), Goes::This(3));
        }
    }

    #[test]
    fn an_address_that_has_more_makes_way_however_often() {
        let [one, other, third, _] = addresses();
        let (mut way, now) = with(&[one, one, one, other]);
        let waiting = [
            (one, 10, false),
            (one, 20, false),
            (one, 30, false),
            (other, 40, true),
        ];
        for _ in 0..2 * AT_ONCE {
            for newcomer in [third, other, None] {
                assert_eq!(goes(&mut way, newcomer, &waiting, now), Goes::This(2));
            }
        }
    }

    #[test]
    fn whoever_never_asks_takes_a_few_places_of_others_and_then_its_own() {
        let [one, other, third, fourth] = addresses();
        let (mut way, now) = with(&[one, other]);
        let waiting = [(one, 10, true), (other, 40, false), (one, 30, true)];
        for _ in 0..AT_ONCE {
            // One that was answered goes before one that has not asked.
            assert_eq!(goes(&mut way, third, &waiting, now), Goes::Counted(2));
            assert_eq!(goes(&mut way, other, &waiting, now), Goes::Counted(2));
        }
        assert_eq!(goes(&mut way, third, &waiting, now), Goes::Newcomer);
        assert_eq!(goes(&mut way, other, &waiting, now), Goes::Own(1));
        // Others, and a proxy, which comes for anybody, do as before.
        assert_eq!(goes(&mut way, fourth, &waiting, now), Goes::Counted(2));
        for _ in 0..2 * AT_ONCE {
            assert_eq!(goes(&mut way, None, &waiting, now), Goes::Counted(2));
        }
        // One that was answered may come again, and anybody after a while.
        way.asked(third, GRACE);
        assert_eq!(goes(&mut way, third, &waiting, now), Goes::Counted(2));
        assert_eq!(goes(&mut way, third, &waiting, now), Goes::Newcomer);
        assert_eq!(
            goes(&mut way, third, &waiting, now + GRACE),
            Goes::Counted(2)
        );
        assert_eq!(goes(&mut way, third, &waiting, now + GRACE), Goes::Newcomer);
    }

    #[test]
    fn nobody_goes_whom_the_server_keeps_waiting() {
        let [one, other, third, _] = addresses();
        let (mut way, now) = with(&[one, one, other]);
        for newcomer in [one, third, None] {
            assert_eq!(goes(&mut way, newcomer, &[], now), Goes::Nobody);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut way = Way::default();
        for number in 0..3 * u32::try_from(MOST).unwrap() {
            let address = IpAddr::from(number.to_be_bytes());
            assert!(way.takes(address, GRACE, now));
            assert!(way.even_at.len() <= MOST);
            way.comes(Some(address));
            way.leaves(Some(address));
        }
        assert!(way.has.is_empty());
    }
}
