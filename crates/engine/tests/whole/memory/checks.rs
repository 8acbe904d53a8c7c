//! Purchases that time alone may change.

use super::MemoryLedger;
use async_trait::async_trait;
use domain::AppId;
use jiff::Timestamp;
use ledger::{Checks, DueCheck, Result};

#[async_trait]
impl Checks for MemoryLedger {
    async fn due_checks(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<DueCheck>> {
        let state = self.state();
        let due = state.checks.iter().take_while(|(at, _)| *at <= now);
        let due = due.filter(|(_, (_, (app, ..)))| !except.contains(app));
        let check = |(check_at, id): &(Timestamp, super::PurchaseId)| {
            let bought = state.purchases.get(id)?;
            let (customer, chain) = id;
            Some(DueCheck {
                project: bought.project,
                app: chain.0,
                chain: bought.key(chain),
                customer: *customer,
                check_at: *check_at,
            })
        };
        Ok(due.filter_map(check).take(limit).collect())
    }

    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        let chain = &check.chain;
        let id = (
            check.customer,
            (check.app, chain.environment, chain.id.clone()),
        );
        let mut state = self.state();
        if state.checks.remove(&(check.check_at, id.clone())) {
            state.checks.insert((at, id.clone()));
            if let Some(bought) = state.purchases.get_mut(&id) {
                bought.check_at = Some(at);
            }
        }
        Ok(())
    }
}
