//! How often an endpoint may be asked about one customer. A value; time is how long the process runs.

use domain::{
    CustomerId,
    pace::{Pace, Rate},
};
use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

/// Customers that are remembered, at most. Where more are asked about at once, all may be asked about once more.
const MOST: usize = 4096;

/// What was asked about each customer lately.
#[derive(Default)]
pub(super) struct Paces {
    /// How often each may be asked about, shared by so many nodes.
    limit: Option<(Rate, NonZeroU32)>,
    of: BTreeMap<CustomerId, Pace>,
}

impl Paces {
    /// From now on each may be asked about so often, by so many nodes together.
    pub(super) fn limit(&mut self, rate: Option<Rate>, among: NonZeroU32) {
        self.limit = rate.map(|rate| (rate, among));
        if rate.is_none() {
            self.of.clear();
        }
    }

    /// How long to wait before one may be asked about; `None` where they may be now.
    pub(super) fn wait(&self, customer: CustomerId, now: Duration) -> Option<Duration> {
        let (rate, among) = self.limit?;
        let pace = self.of.get(&customer)?;
        pace.admit(rate, among, now).err()
    }

    /// One is asked about.
    pub(super) fn begin(&mut self, customer: CustomerId, now: Duration) {
        let Some((rate, among)) = self.limit else {
            return;
        };
        if self.of.len() >= MOST && !self.of.contains_key(&customer) {
            self.of.retain(|_, pace| !pace.is_rested(now));
            if self.of.len() >= MOST {
                self.of.clear();
            }
        }
        let pace = self.of.entry(customer).or_default();
        if let Ok(next) = pace.admit(rate, among, now) {
            *pace = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn customer(number: usize) -> CustomerId {
        CustomerId::new(Uuid::from_u128(number as u128))
    }

    #[test]
    fn one_customer_waits_and_others_do_not() {
        let mut paces = Paces::default();
        let (now, one) = (Duration::from_secs(100), NonZeroU32::MIN);
        assert_eq!(paces.wait(customer(1), now), None, "nobody limits it");
        paces.limit(Some(Rate::per_second(one)), one);
        paces.begin(customer(1), now);
        let wait = paces.wait(customer(1), now).unwrap();
        assert!((1_000..1_200).contains(&wait.as_millis()), "{wait:?}");
        assert_eq!(paces.wait(customer(2), now), None);
        assert_eq!(paces.wait(customer(1), now + wait), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut paces = Paces::default();
        let one = NonZeroU32::MIN;
        paces.limit(Some(Rate::per_minute(1)), one);
        for number in 0..3 * MOST {
            paces.begin(customer(number), Duration::from_millis(number as u64));
            assert!(paces.of.len() <= MOST);
        }
    }
}
