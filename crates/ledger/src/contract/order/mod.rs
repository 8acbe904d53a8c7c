//! Promises about order: one customer's deliveries leave one after the other, whatever held them up.

mod line;
mod rest;

pub use line::*;
pub use rest::*;

use super::{Subject, at, claim, delivery, lane, settlement};
use crate::{Claim, Next};
use domain::{IntegrationId, NotSent};

/// No sequence number.
const NONE: [u64; 0] = [];

async fn take(ledger: &Subject, claim: Claim) -> Vec<u64> {
    let leases = ledger.claim(claim).await.unwrap();
    leases
        .iter()
        .map(|lease| lease.event.customer_seq)
        .collect()
}

/// Sequence numbers of what is due and has its turn, leased for a minute.
async fn due(ledger: &Subject, to: IntegrationId, second: i64) -> Vec<u64> {
    take(ledger, claim(lane(to), second, second + 60, 100)).await
}

/// Settles customer 1's delivery `seq`; answers what that released.
async fn settle(
    ledger: &Subject,
    to: IntegrationId,
    seq: u64,
    attempts: u32,
    second: i64,
    next: Next,
) -> Vec<u64> {
    let id = delivery(1, seq, to, 1).id;
    let settled = settlement(1, id, attempts, second, next);
    let settled = ledger.settle(settled, at(second + 60)).await.unwrap();
    assert!(settled.recorded, "{seq}");
    settled
        .released
        .iter()
        .map(|lease| lease.event.customer_seq)
        .collect()
}

fn retry(second: i64) -> Next {
    Next::Retry(NotSent::NetworkError, at(second))
}
