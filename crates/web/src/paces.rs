//! How fast whoever has only a public key makes the server keep something: so much at once and then so often, for each address it comes from.
//!
//! **How it works.** The key of an app is in every copy of it, so whoever calls with it may be anyone, and there are as many names as anyone can
//! think of. What is made is therefore counted for the address it comes from, by the generic cell rate algorithm: one instant says when
//! everything that was made is made up for. Beyond what is free at once, the next waits. Customers are counted for their app and for all apps
//! together as well: there are as many addresses as somebody rents.
//!
//! **What it does not do.** It counts in the memory of one process: each node admits as much, and a restart forgives. It does not know who is
//! a customer already: whoever asks does not ask for those.

use crate::proxies::network;
use domain::{AppId, CustomerId};
use guarded::Guarded;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// Most that is counted for; beyond it, what is nearest to being made up for is forgotten.
const MOST: usize = 30_000;
/// How many are forgotten at once then.
const AT_ONCE: usize = MOST / 10;
/// New customers a second, of all addresses and apps together, where nobody says otherwise: over a million and a half a day.
pub const NEW_CUSTOMERS: u32 = 20;
/// So many seconds of them may come at once: a launch, or a message to everybody who has the app.
const LAUNCH: u32 = 2000;
/// The part of them that may be of one app.
const OF_ONE: u32 = 2;
/// How often the log says that somebody has to wait.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// Something that is made, and for whom that counts. Those without an address are all at the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// A customer, from an address.
    Customer(Option<IpAddr>),
    /// A customer, with the key of an app.
    CustomerOf(AppId),
    /// A customer, whoever makes it.
    AnyCustomer,
    /// A receipt that waits for its store, from an address.
    Receipt(Option<IpAddr>),
    /// The same, of a customer with purchases: nobody else's count for it, nor what somebody else sends in its name.
    ReceiptOf(CustomerId, Option<IpAddr>),
}

/// How much is free.
#[derive(Debug, Clone, Copy)]
struct Limit {
    at_once: u32,
    /// For how long each counts.
    apart: Duration,
}

/// Customers: as many as a day of a large carrier's one address brings, and then two a second.
const CUSTOMERS: Limit = Limit {
    at_once: 1000,
    apart: Duration::from_millis(500),
};
/// Receipts that wait: as many as come from one address while a store is out of order, and then one in five seconds.
const RECEIPTS: Limit = Limit {
    at_once: 500,
    apart: Duration::from_secs(5),
};

impl Made {
    /// With so many new customers a second.
    fn limit(self, new_customers: u32) -> Limit {
        let total = |part: u32| Limit {
            at_once: (LAUNCH * new_customers / part).max(1),
            apart: Duration::from_secs(1) * part / new_customers.max(1),
        };
        match self {
            Self::Customer(_) => CUSTOMERS,
            Self::CustomerOf(_) => total(OF_ONE),
            Self::AnyCustomer => total(1),
            Self::Receipt(_) | Self::ReceiptOf(..) => RECEIPTS,
        }
    }

    /// What it counts for: one who has a /64 has all of it.
    fn counted(self) -> Self {
        match self {
            Self::Customer(address) => Self::Customer(address.map(network)),
            Self::CustomerOf(_) | Self::AnyCustomer => self,
            Self::Receipt(address) => Self::Receipt(address.map(network)),
            Self::ReceiptOf(owner, address) => Self::ReceiptOf(owner, address.map(network)),
        }
    }
}

/// Paces what is made.
#[derive(Debug)]
pub struct Paces {
    new_customers: u32,
    state: Guarded<State>,
}

impl Default for Paces {
    fn default() -> Self {
        Self::of(NEW_CUSTOMERS)
    }
}

#[derive(Debug, Default)]
struct State {
    /// When all that was made is made up for, as the uptime of the process: nobody waits for how far a clock is set back.
    even_at: BTreeMap<Made, Duration>,
    said: Option<Duration>,
}

impl Paces {
    /// With so many new customers a second, of all addresses and apps together; of one app half as many.
    pub fn of(new_customers: u32) -> Self {
        Self {
            new_customers,
            state: Guarded::default(),
        }
    }

    /// Counts all of these as made, or none.
    ///
    /// Errors: as [`Paces::take`].
    pub fn take_all(&self, all: &[Made], uptime: Duration) -> Result<(), Duration> {
        for (taken, made) in all.iter().enumerate() {
            if let Err(wait) = self.take(*made, uptime) {
                for made in all.iter().take(taken) {
                    self.give_back(*made);
                }
                return Err(wait);
            }
        }
        Ok(())
    }

    /// Counts one as made.
    ///
    /// Errors: how long to wait until the next may be.
    pub fn take(&self, made: Made, uptime: Duration) -> Result<(), Duration> {
        let Limit { at_once, apart } = made.limit(self.new_customers);
        let (made, free) = (made.counted(), apart * at_once);
        let mut state = self.state.lock();
        let known = state.even_at.get(&made).copied().unwrap_or_default();
        let even_at = known.max(uptime) + apart;
        let wait = even_at.saturating_sub(uptime + free);
        if !wait.is_zero() {
            state.say(made, uptime);
            return Err(wait);
        }
        if state.even_at.len() >= MOST && !state.even_at.contains_key(&made) {
            state.make_room(uptime);
        }
        state.even_at.insert(made, even_at);
        Ok(())
    }

    /// One was not made after all.
    pub fn give_back(&self, made: Made) {
        let (apart, made) = (made.limit(self.new_customers).apart, made.counted());
        if let Some(even_at) = self.state.lock().even_at.get_mut(&made) {
            *even_at = even_at.saturating_sub(apart);
        }
    }
}

impl State {
    fn make_room(&mut self, uptime: Duration) {
        self.even_at.retain(|_, even_at| *even_at > uptime);
        if self.even_at.len() < MOST {
            return;
        }
        let mut all: Vec<_> = self.even_at.iter().map(|(made, at)| (*at, *made)).collect();
        all.sort_unstable();
        for (_, made) in all.into_iter().take(AT_ONCE) {
            self.even_at.remove(&made);
        }
    }

    /// Addresses are personal data, and absent from logs.
    fn say(&mut self, made: Made, uptime: Duration) {
        let is_due = self
            .said
            .is_none_or(|said| uptime.saturating_sub(said) >= SAY_AGAIN);
        if !is_due {
            return;
        }
        self.said = Some(uptime);
        match made {
            Made::Customer(_) => tracing::warn!(
                "new customers come faster from one address than they are made, and have to wait; if they come by way of a proxy, name it in --trusted-proxies"
            ),
            Made::CustomerOf(_) | Made::AnyCustomer => tracing::warn!(
                "new customers of all addresses together come faster than they are made, and have to wait; if they are not made up, allow more with --new-customers"
            ),
            Made::Receipt(_) | Made::ReceiptOf(..) => tracing::warn!(
                "so many receipts of one address or customer wait for their store that the next have to be sent again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn customer(number: u32) -> Made {
        Made::Customer(Some(IpAddr::from((0x0102_0000 + number).to_be_bytes())))
    }

    /// How many are made within these milliseconds, asked for in each of them.
    fn count(paces: &Paces, made: Made, millis: std::ops::Range<u64>) -> usize {
        millis
            .flat_map(|millis| std::iter::repeat_n(millis, 2))
            .filter(|millis| paces.take(made, at(*millis)).is_ok())
            .count()
    }

    #[test]
    fn so_many_at_once_and_then_so_often() {
        let paces = Paces::default();
        assert_eq!(count(&paces, customer(1), 0..10_000), 1000 + 19);
        assert_eq!(count(&paces, customer(1), 10_000..20_000), 20);
        let wait = paces.take(customer(1), at(20_000)).err();
        assert!(wait.is_none_or(|wait| wait <= Duration::from_millis(500)));
        // Other addresses, and receipts, count for themselves.
        assert_eq!(count(&paces, customer(2), 0..100), 200);
        assert_eq!(count(&paces, Made::Receipt(None), 0..1000), 500);
        // After a rest as many as at first.
        assert_eq!(count(&paces, customer(1), 1_000_000..1_000_600), 1001);
    }

    #[test]
    fn a_network_is_one_address() {
        let paces = Paces::default();
        let of_a_network =
            |number: i64| Made::Customer(Some(format!("2001:db9::{number:x}").parse().unwrap()));
        let made = (0..2000).filter(|number| paces.take(of_a_network(*number), at(0)).is_ok());
        assert_eq!(made.count(), 1000);
    }

    #[test]
    fn what_was_not_made_does_not_count() {
        let paces = Paces::default();
        for _ in 0..2000 {
            assert_eq!(paces.take(customer(1), at(0)), Ok(()));
            paces.give_back(customer(1));
        }
        assert_eq!(count(&paces, customer(1), 0..500), 1000);
        // Nor does it make more of what is free.
        for _ in 0..5 {
            paces.give_back(customer(2));
        }
        assert_eq!(count(&paces, customer(2), 0..500), 1000);
    }

    #[test]
    fn all_addresses_together_make_so_many_of_an_app_and_of_all() {
        let paces = Paces::of(1);
        let app = |number| {
            let id = format!("app_0000000000000000000000000{number}");
            Made::CustomerOf(id.parse().unwrap())
        };
        let made = |of: Made, addresses: std::ops::Range<u32>| {
            let take = |number: &u32| {
                let all = [customer(*number), of, Made::AnyCustomer];
                paces.take_all(&all, at(0)).is_ok()
            };
            addresses.filter(take).count()
        };
        assert_eq!(made(app(1), 0..3_000), 1_000);
        assert_eq!(made(app(2), 3_000..6_000), 1_000);
        assert_eq!(made(app(3), 6_000..9_000), 0, "all together");
        let later = |millis| paces.take_all(&[app(1), Made::AnyCustomer], at(millis));
        assert_eq!(later(0), Err(Duration::from_secs(2)));
        assert_eq!(later(2_000), Ok(()));
        // Of what was not made nothing counts.
        assert_eq!(made(app(1), 6_000..6_001), 0);
        assert_eq!(paces.take(customer(6_000), at(0)), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let paces = Paces::default();
        for number in 0..100_000 {
            assert_eq!(paces.take(customer(number), at(u64::from(number))), Ok(()));
        }
        assert!(paces.state.lock().even_at.len() <= MOST);
    }
}
