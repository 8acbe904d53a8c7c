//! How much is waiting to be sent and since when, and how many integrations fail, as metrics.

use super::Clock;
use crate::{dispatch::Condition, metric::Metric};
use ledger::LedgerError;
use std::collections::BTreeMap;

impl Clock {
    /// Counts deliveries that are not settled, and integrations that fail, by destination; destinations without any say zero.
    pub(super) async fn measure_backlog(&self) -> Result<(), LedgerError> {
        let setup = self.core.setup();
        let mut waiting: BTreeMap<&'static str, u64> = setup
            .integrations()
            .map(|active| (active.spec.key, 0))
            .collect();
        let mut oldest: BTreeMap<&'static str, u64> = waiting.clone();
        let mut failing = waiting.clone();
        let (backlog, now) = (
            self.core.ledger().backlog().await?,
            self.core.system().now(),
        );
        self.dispatch.note_waiting(&backlog);
        for known in backlog {
            if let Some(active) = setup.integration(known.integration) {
                let age = known
                    .oldest
                    .duration_until(now)
                    .as_secs()
                    .max(0)
                    .unsigned_abs();
                let oldest = oldest.entry(active.spec.key).or_default();
                *oldest = age.max(*oldest);
                *waiting.entry(active.spec.key).or_default() += known.count;
            }
        }
        for active in setup.integrations() {
            let health = self.dispatch.health(active.row.id);
            let is_failing = health.condition() == Condition::Failing;
            *failing.entry(active.spec.key).or_default() += u64::from(is_failing);
        }
        for (metric, values) in [
            (Metric::Backlog, waiting),
            (Metric::OldestWaitingSeconds, oldest),
            (Metric::IntegrationsFailing, failing),
        ] {
            for (destination, value) in values {
                metric.set(destination, value);
            }
        }
        Ok(())
    }
}
