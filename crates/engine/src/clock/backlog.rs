//! What became of attempts, told among nodes; how much is waiting to be sent and since when, how many integrations fail, and how each does, as
//! metrics.

use super::Clock;
use crate::{
    dispatch::{Condition, EndpointHealth},
    metric::{Metric, Whose},
    setup::{ActiveIntegration, Setup},
};
use ledger::LedgerError;
use std::collections::BTreeMap;

/// The share of an endpoint's last attempts that was accepted, where there are any, and whether its deliveries are held.
type Told = (Option<f64>, bool);

impl Clock {
    /// Counts deliveries that are not settled, and integrations that fail, by destination; destinations without any say zero.
    pub(super) async fn measure_backlog(&self) -> Result<(), LedgerError> {
        self.dispatch.share_outcomes().await?;
        let setup = self.core.setup();
        let mut waiting: BTreeMap<&'static str, u64> = setup
            .integrations()
            .map(|active| (active.spec.key, 0))
            .collect();
        let mut oldest: BTreeMap<&'static str, u64> = waiting.clone();
        let mut failing = waiting.clone();
        let mut endpoints: BTreeMap<Whose, Told> = BTreeMap::new();
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
            let health = self.dispatch.health(active);
            let is_failing = health.condition(now) == Condition::Failing;
            *failing.entry(active.spec.key).or_default() += u64::from(is_failing);
            endpoints.extend(health.endpoints.iter().filter_map(|endpoint| {
                let whose = whose(&setup, active, endpoint)?;
                let is_held = active.held(endpoint.endpoint).is_some();
                Some((whose, (endpoint.accepted_share(), is_held)))
            }));
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
        self.tell_endpoints(endpoints);
        Ok(())
    }

    /// Says how each endpoint does, and no longer what was said of those that are gone.
    fn tell_endpoints(&self, endpoints: BTreeMap<Whose, Told>) {
        let mut told = self.told.lock();
        for (whose, (share, is_held)) in &endpoints {
            Metric::AcceptedRatio.set_of(whose, *share);
            Metric::EndpointHeld.set_of(whose, Some(f64::from(u8::from(*is_held))));
        }
        for gone in told.iter().filter(|whose| !endpoints.contains_key(*whose)) {
            Metric::AcceptedRatio.set_of(gone, None);
            Metric::EndpointHeld.set_of(gone, None);
        }
        *told = endpoints.into_keys().collect();
    }
}

fn whose(setup: &Setup, active: &ActiveIntegration, of: &EndpointHealth) -> Option<Whose> {
    let project = setup.project(active.row.project)?;
    Some(Whose {
        project: project.row.key.clone(),
        integration: active.row.key.clone(),
        endpoint: of.endpoint.id(),
    })
}
