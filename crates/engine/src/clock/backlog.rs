//! How much is waiting to be sent, as a metric.

use super::Clock;
use crate::metric::Metric;
use ledger::LedgerError;
use std::collections::BTreeMap;

impl Clock {
    /// Counts deliveries that are not settled, by destination; destinations without any say zero.
    pub(super) async fn measure_backlog(&self) -> Result<(), LedgerError> {
        let setup = self.core.setup();
        let mut waiting: BTreeMap<&'static str, u64> = setup
            .integrations()
            .map(|active| (active.spec.key, 0))
            .collect();
        for (integration, count) in self.core.ledger().backlog().await? {
            if let Some(active) = setup.integration(integration) {
                *waiting.entry(active.spec.key).or_default() += count;
            }
        }
        for (destination, count) in waiting {
            Metric::Backlog.set(destination, count);
        }
        Ok(())
    }
}
