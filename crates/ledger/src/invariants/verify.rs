//! Everything a ledger holds, looked at.

use super::{Finding, Invariant, broken};
use crate::{Ledger, LedgerError, Result};
use domain::CustomerId;
use jiff::Timestamp;

/// Customers that are read at once.
const AT_ONCE: usize = 200;

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Customers.
    pub customers: u64,
    /// Their events.
    pub events: u64,
    /// Their deliveries.
    pub deliveries: u64,
    /// Attempts that are kept.
    pub attempts: u64,
    /// What cannot be.
    pub findings: Vec<Finding>,
}

/// Looks at everything. `progress` hears how many customers were looked at.
pub async fn verify(
    ledger: &dyn Ledger,
    now: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<Verified> {
    let mut all = Verified {
        findings: ledger.inspect().await?,
        ..Verified::default()
    };
    let mut after = None;
    loop {
        let ids = ledger.customer_ids(after, AT_ONCE).await?;
        let Some(last) = ids.last() else {
            return Ok(all);
        };
        after = Some(*last);
        look(ledger, &ids, now, &mut all).await?;
        progress(all.customers);
    }
}

/// A row that cannot be read is found, and hides no other customer.
async fn look(
    ledger: &dyn Ledger,
    ids: &[CustomerId],
    now: Timestamp,
    all: &mut Verified,
) -> Result<()> {
    let holdings = match ledger.holdings(ids).await {
        Err(LedgerError::Corrupt { .. }) if ids.len() > 1 => {
            for id in ids {
                Box::pin(look(ledger, &[*id], now, all)).await?;
            }
            return Ok(());
        }
        Err(error @ LedgerError::Corrupt { .. }) => {
            all.customers += 1;
            all.findings.push(Finding {
                invariant: Invariant::Readable,
                customer: ids.first().copied(),
                what: error.to_string(),
            });
            return Ok(());
        }
        holdings => holdings?,
    };
    for held in holdings {
        all.customers += 1;
        all.events += held.events.len() as u64;
        all.deliveries += held.deliveries.len() as u64;
        all.attempts += held.attempts.len() as u64;
        all.findings.extend(broken(&held, now));
    }
    Ok(())
}
