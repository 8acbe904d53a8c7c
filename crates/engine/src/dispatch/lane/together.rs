//! What was sent together, where nobody knows whether it was taken, or where it is to come again: it goes together again, and first what went first, so
//! that what is named after the first is replaced and not added. A value.
//!
//! It is known to this process only. After a crash the same deliveries go again, in batches as they come: at least once, and perhaps under another name.

use domain::DeliveryId;
use std::collections::VecDeque;

/// Batches that are remembered, at most.
const MOST: usize = 64;

/// Batches that are to go again as they were.
#[derive(Debug, Default)]
pub(super) struct Together(VecDeque<Vec<DeliveryId>>);

impl Together {
    /// These went together, in this order, and are to again.
    pub(super) fn note(&mut self, all: Vec<DeliveryId>) {
        for id in &all {
            self.forget(*id);
        }
        if all.len() < 2 {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(all);
    }

    /// What goes together with this one, in order, itself included; nothing where it went alone.
    pub(super) fn with(&self, id: DeliveryId) -> Option<&[DeliveryId]> {
        let all = self.0.iter().find(|all| all.contains(&id))?;
        Some(all)
    }

    /// One has ended.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        for all in &mut self.0 {
            all.retain(|known| *known != id);
        }
        self.0.retain(|all| !all.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> DeliveryId {
        DeliveryId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_batch_is_remembered_until_all_of_it_has_ended() {
        let mut together = Together::default();
        together.note(vec![id(1), id(2), id(3)]);
        assert_eq!(together.with(id(3)), Some(&[id(1), id(2), id(3)][..]));
        together.forget(id(1));
        assert_eq!(together.with(id(2)), Some(&[id(2), id(3)][..]));
        together.note(vec![id(3), id(4)]);
        assert_eq!(together.with(id(4)), Some(&[id(3), id(4)][..]));
        together.note(vec![id(5)]);
        assert_eq!(together.with(id(5)), None, "alone");
        for number in 0..1_000 {
            together.note(vec![id(1_000 + 2 * number), id(1_001 + 2 * number)]);
        }
        assert_eq!(together.0.len(), MOST);
    }
}
