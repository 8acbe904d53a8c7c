//! The lines of a purchase that has several, as an event tells them.

use crate::text::exact;
use domain::{Event, event::Line};

/// One of them.
pub(crate) struct LinePart {
    pub(crate) product: String,
    /// Whether the event is about it.
    pub(crate) is_meant: bool,
    pub(crate) note: &'static str,
    pub(crate) quantity: u32,
    pub(crate) price: String,
    pub(crate) until: String,
    pub(crate) standing: &'static str,
}

/// All of them, the base first.
pub(crate) fn lines(event: &Event) -> Vec<LinePart> {
    let of = |line: &Line| LinePart {
        product: line.product.clone(),
        is_meant: line.name == event.line,
        note: if line.is_base { "base" } else { "" },
        quantity: line.quantity,
        price: line.price.map_or("–".into(), |price| price.to_string()),
        until: line.expires_at.map_or("for ever".into(), exact),
        standing: match (line.gives_access, line.will_renew) {
            (false, _) => "no access",
            (true, true) => "renews",
            (true, false) if line.expires_at.is_none() => "owned",
            (true, false) => "ends",
        },
    };
    event.lines.iter().map(of).collect()
}
