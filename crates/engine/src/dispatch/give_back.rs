//! What was not attempted is given back, so that others take it up at once.

use super::{Backs, Dispatch, FIRST_PAUSE, LONGEST_PAUSE, held::Back};
use ledger::Returned;

/// Deliveries given back at once.
const AT_ONCE: usize = 256;

impl Dispatch {
    /// Gives back what was not attempted, until nothing can come any more: others take it up at once.
    pub(super) async fn keep_giving_back(self, mut backs: Backs) {
        let mut over = self.state.held.over();
        let mut some = Vec::new();
        loop {
            tokio::select! {
                _ = backs.recv_many(&mut some, AT_ONCE) => {}
                _ = over.wait_for(|over| *over) => return,
            }
            self.give_back(&some).await;
            some.clear();
        }
    }

    async fn give_back(&self, backs: &[Back]) {
        let leases: Vec<Returned> = backs.iter().map(|back| back.lease).collect();
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = self
                .core
                .ledger()
                .hand_back(&leases, self.core.system().now())
                .await
            else {
                return;
            };
            if !error.is_retryable() || pause > LONGEST_PAUSE {
                tracing::warn!(%error, deliveries = leases.len(), "deliveries could not be given back; they go when their leases run out");
                return;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}
