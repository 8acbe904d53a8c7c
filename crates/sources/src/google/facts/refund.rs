//! Refunds: the one that a message spoke of, and those that orders show.

use super::about::About;
use domain::fact::RefundFact;
use jiff::Timestamp;
use std::collections::BTreeSet;

impl About<'_> {
    /// The refunds that the message spoke of, and those that orders show.
    pub(super) fn refunds(&self, voided: &BTreeSet<&String>, revokes: bool) -> Vec<RefundFact> {
        let shown = self.orders.iter().filter(|order| {
            matches!(
                order.state.as_deref(),
                Some("REFUNDED" | "PARTIALLY_REFUNDED")
            ) && !voided.contains(&order.order_id)
        });
        let refund = |id: &str, revokes: bool, at: Option<Timestamp>| {
            let event = self
                .order(id)
                .and_then(|order| order.order_history.as_ref()?.refund_event.as_ref());
            let amount =
                event.and_then(|event| event.refund_details.as_ref()?.total.as_ref()?.money());
            RefundFact {
                line: None,
                pieces_left: None,
                version: self.version(),
                id: id.to_owned(),
                transaction: id.to_owned(),
                at: event
                    .and_then(|event| event.event_time)
                    .or(at)
                    .unwrap_or(self.version()),
                amount,
                revokes,
                is_undone: false,
            }
        };
        let stated = voided.iter().map(|id| refund(id, revokes, self.prompt.at));
        // A refund alone does not take access away.
        let seen = shown.map(|order| refund(&order.order_id, false, order.last_event_time));
        stated.into_iter().chain(seen).collect()
    }
}
