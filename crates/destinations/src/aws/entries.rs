//! Messages as AWS's queues take them, one or up to ten in a request.

use crate::{Unsendable, batch::Item, common::Common, envelope};
use jiff::Timestamp;

/// One message: the id by which its answer finds it, the envelope around its event, and what is told beside it.
pub(crate) struct Entry<'a> {
    /// `0`, `1`, ...: its place.
    pub(crate) id: String,
    /// The envelope.
    pub(crate) body: String,
    /// The kind, or what the event is called instead.
    pub(crate) name: &'a str,
    /// The id of the event.
    pub(crate) event_id: String,
    /// The id of the customer, which keeps the order.
    pub(crate) customer_id: String,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
}

/// The messages of a batch, in their order.
pub(super) fn entries<'a>(
    common: &Common,
    items: &[Item<'a>],
) -> Result<Vec<Entry<'a>>, Unsendable> {
    if items.is_empty() {
        return Err(Unsendable::unsupported("an empty batch"));
    }
    let entry = |(at, item): (usize, &Item<'a>)| {
        let event = common.told(item.event);
        let body = envelope::text(&item.message.name, &event)?;
        Ok(Entry {
            id: at.to_string(),
            body,
            name: &item.message.name,
            event_id: event.id.to_string(),
            customer_id: event.customer.id.to_string(),
            occurred_at: event.occurred_at,
        })
    };
    items.iter().enumerate().map(entry).collect()
}
