//! Refunds that arrived or were undone, and disputes whose money was withdrawn.

use super::{
    super::model::{Dispute, Refund},
    about::{About, objects},
    amount::money,
};
use crate::{Answer, Refusal, RefusalCode};
use domain::{Money, fact::RefundFact};

/// Refunds that arrived or were undone, and disputes whose money was withdrawn.
pub(super) fn refunds(answer: &Answer) -> Result<Vec<RefundFact>, Refusal> {
    let version = answer.asked_at;
    let mut all = Vec::new();
    // Put there by whoever asked: neither a refund nor a dispute names what it gives back.
    let transaction = |index: usize, name: &str| {
        let part = answer.parts(name).nth(index);
        part.and_then(|part| part.body["tidings_transaction"].as_str())
            .map(str::to_owned)
            .ok_or_else(|| {
                Refusal::park(
                    RefusalCode::StoreAnswerUnreadable,
                    format!("a {name} does not say which transaction it is about"),
                )
            })
    };
    for (index, refund) in objects::<Refund>(answer, "refund")?.into_iter().enumerate() {
        let is_undone = match refund.status.as_deref() {
            None | Some("succeeded") => false,
            Some("failed" | "canceled") => true,
            // On its way.
            _ => continue,
        };
        all.push(RefundFact {
            line: None,
            pieces_left: None,
            pieces: None,
            version,
            transaction: transaction(index, "refund")?,
            at: refund.created.unwrap_or(version),
            amount: money(refund.amount, &refund.currency),
            id: refund.id,
            revokes: false,
            is_undone,
        });
    }
    for (index, dispute) in objects::<Dispute>(answer, "dispute")?
        .into_iter()
        .enumerate()
    {
        let is_undone = match dispute.status.as_deref() {
            Some("won") => true,
            Some("lost" | "needs_response" | "under_review") => false,
            // Warnings withdraw no money.
            _ => continue,
        };
        all.push(RefundFact {
            line: None,
            pieces_left: None,
            pieces: None,
            version,
            transaction: transaction(index, "dispute")?,
            at: dispute.created.unwrap_or(version),
            amount: money(dispute.amount, &dispute.currency),
            id: dispute.id,
            revokes: false,
            is_undone,
        });
    }
    Ok(all)
}

impl About<'_> {
    /// A one-time purchase is taken away once all of it was given back; where nobody knows what all is, it stays.
    pub(super) fn refunds_taking_away(&self, charged: Option<Money>) -> Vec<RefundFact> {
        let back: i64 = self
            .refunds
            .iter()
            .filter(|refund| !refund.is_undone)
            .filter_map(|refund| refund.amount)
            .map(|amount| amount.micros)
            .fold(0, i64::saturating_add);
        self.refunds
            .iter()
            .map(|refund| RefundFact {
                revokes: charged.is_some_and(|charged| back >= charged.micros),
                ..refund.clone()
            })
            .collect()
    }
}
