//! How many nodes share what an endpoint may be asked, and what that leaves for each.

use crate::setup::Limits;
use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Deliveries a lane holds in memory, at most; the rest waits in the ledger.
pub(super) const CAPACITY: usize = 1024;
/// Of an endpoint that takes only so many in a time, a lane holds what can be sent in so long, well before leases run out.
const PACED: Duration = Duration::from_secs(20);

/// How many nodes share what an endpoint may be asked.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    others: AtomicU32,
}

impl Nodes {
    pub(crate) fn set(&self, nodes: NonZeroU32) {
        self.others.store(nodes.get() - 1, Ordering::Release);
    }

    pub(super) fn count(&self) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(self.others.load(Ordering::Acquire))
    }

    /// This node's share of attempts under way: rounded up, so that each has one.
    pub(super) fn share(&self, concurrency: usize) -> usize {
        concurrency.div_ceil(self.count().get() as usize).max(1)
    }

    /// Deliveries this node holds in memory for an endpoint.
    pub(crate) fn capacity(&self, limits: Limits) -> usize {
        limits.rate.map_or(CAPACITY, |rate| {
            self.share(rate.within(PACED)).min(CAPACITY)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::pace::Rate;

    fn nodes(count: u32) -> Nodes {
        let nodes = Nodes::default();
        nodes.set(NonZeroU32::new(count).unwrap());
        nodes
    }

    #[test]
    fn nodes_together_stay_within_a_limit_but_for_what_rounding_adds() {
        for concurrency in [1, 2, 5, 32, 100] {
            for count in 1..8 {
                let together = nodes(count).share(concurrency) * count as usize;
                assert!(together >= concurrency);
                assert!(
                    together < concurrency + count as usize,
                    "{concurrency} {count}"
                );
            }
        }
    }

    #[test]
    fn a_slow_endpoint_has_no_more_in_memory_than_it_takes_before_leases_run_out() {
        let capacity = |per_second, count| {
            nodes(count).capacity(Limits {
                concurrency: 1,
                rate: NonZeroU32::new(per_second).map(Rate::per_second),
                per_customer: None,
            })
        };
        assert_eq!(
            (capacity(0, 1), capacity(1, 1), capacity(1, 3)),
            (1024, 20, 7)
        );
        assert_eq!(capacity(1_000, 2), 1024);
    }
}
