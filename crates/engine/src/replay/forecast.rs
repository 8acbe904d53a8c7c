//! What a replay would do, before it is begun.

use super::{
    PAGE, Replays,
    fate::{Fate, fate},
    filter,
};
use crate::ActiveIntegration;
use domain::{Event, NotSent};
use ledger::{Choice, LedgerError, Page, ReplayOf, ReplayWhat};
use std::collections::BTreeMap;

/// Events a forecast looks at.
const FORESEEN: u64 = 20_000;
/// Events a forecast shows.
const SAMPLES: usize = 10;

/// What a replay would do.
#[derive(Debug, Default)]
pub struct Forecast {
    /// Events looked at; of states, customers.
    pub events: u64,
    /// Events that would be sent, by how they stand now.
    pub sent: BTreeMap<ReplayOf, u64>,
    /// Events that present settings do not send, by why.
    pub refused: BTreeMap<NotSent, u64>,
    /// Events whose delivery is on its way already.
    pub under_way: u64,
    /// Some of those that would be sent, first ones first.
    pub samples: Vec<(Event, ReplayOf)>,
    /// Whether all events were looked at; there are more than these otherwise.
    pub is_complete: bool,
}

impl Forecast {
    /// Events that would be sent.
    pub fn total(&self) -> u64 {
        self.sent.values().sum()
    }
}

impl Replays {
    /// What a replay would do with the settings and the events of now. Looks at 20,000 events at most; of states, at 1,000 customers.
    pub async fn foresee(
        &self,
        active: &ActiveIntegration,
        choice: &Choice,
    ) -> Result<Forecast, LedgerError> {
        if choice.what == ReplayWhat::States {
            return self.foresee_states(active, choice).await;
        }
        let filter = filter(active.row.project, choice);
        let now = self.core.system().now();
        let (mut seen, mut after) = (Forecast::default(), 0);
        while seen.events < FORESEEN {
            let rows = self
                .core
                .ledger()
                .events(&filter, Page::After(after, PAGE))
                .await?;
            seen.is_complete = rows.len() < PAGE;
            for row in rows {
                after = row.position;
                seen.events += 1;
                let standing = match fate(&row, active, choice, now) {
                    Fate::Again(standing, _) => standing,
                    Fate::New(_) => ReplayOf::NeverSent,
                    Fate::Refused(why) => {
                        *seen.refused.entry(why).or_default() += 1;
                        continue;
                    }
                    Fate::UnderWay => {
                        seen.under_way += 1;
                        continue;
                    }
                    Fate::Passed => continue,
                };
                *seen.sent.entry(standing).or_default() += 1;
                if seen.samples.len() < SAMPLES {
                    seen.samples.push((row.event, standing));
                }
            }
            if seen.is_complete {
                break;
            }
        }
        Ok(seen)
    }
}
