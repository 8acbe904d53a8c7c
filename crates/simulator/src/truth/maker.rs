//! What makes acts of a store of where a life stands.

use super::{act::Act, deed::Deed, walk::Walk};

/// A store, as one customer's purchases make it.
pub(super) trait Maker {
    /// What the store makes of where `walk` stands now: after `deed`, or at the beginning.
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act>;
}
