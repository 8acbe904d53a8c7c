//! What became of attempts is told to the ledger, and read from there: so nodes say the same of an endpoint, and a restart forgets nothing.

use super::{Dispatch, shared::Shared};
use ledger::{LaneId, LedgerError, Outcomes};
use std::collections::BTreeMap;

impl Dispatch {
    /// What is known of an endpoint: by the ledger, and what this node heard since.
    pub(super) fn known(&self, id: LaneId) -> Outcomes {
        // One after the other, so that what goes from a lane to the ledger is not missed on its way.
        let lanes = self.state.lanes.lock();
        let shared = self.state.shared.lock();
        let mut known = shared.known.get(&id).cloned().unwrap_or_default();
        if let Some(sent) = shared.sent.get(&id) {
            known.add(sent);
        }
        if let Some(lane) = lanes.get(&id) {
            known.add(&lane.outcomes());
        }
        known
    }

    /// Tells the ledger what this node heard of endpoints, and reads what all of them did.
    pub(crate) async fn share_outcomes(&self) -> Result<(), LedgerError> {
        let _turn = self.state.telling.lock().await;
        let heard = self.take_outcomes();
        if !heard.is_empty()
            && let Err(error) = self.core.ledger().add_outcomes(heard).await
        {
            self.put_back();
            return Err(error);
        }
        match self.core.ledger().outcomes().await {
            Ok(all) => {
                let known = all.into_iter().collect();
                let sent = BTreeMap::new();
                *self.state.shared.lock() = Shared { known, sent };
                Ok(())
            }
            // What was told stays with what is known until it can be read.
            Err(error) => {
                let mut shared = self.state.shared.lock();
                for (id, sent) in std::mem::take(&mut shared.sent) {
                    shared.known.entry(id).or_default().add(&sent);
                }
                Err(error)
            }
        }
    }

    /// What lanes heard since it was last taken; it is on its way then.
    fn take_outcomes(&self) -> Vec<(LaneId, Outcomes)> {
        let lanes = self.state.lanes.lock();
        let mut shared = self.state.shared.lock();
        let heard = lanes.iter().filter_map(|(id, lane)| {
            let heard = lane.take_outcomes();
            (!heard.is_empty()).then_some((*id, heard))
        });
        let heard: Vec<_> = heard.collect();
        shared.sent = heard.iter().cloned().collect();
        heard
    }

    /// Gives lanes back what did not reach the ledger.
    fn put_back(&self) {
        let lanes = self.state.lanes.lock();
        let mut shared = self.state.shared.lock();
        for (id, sent) in std::mem::take(&mut shared.sent) {
            if let Some(lane) = lanes.get(&id) {
                lane.put_back(sent);
            }
        }
    }
}
