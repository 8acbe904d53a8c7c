//! A value that is read again and again, by many at once: what was read later is never replaced by what was read before it.

use arc_swap::ArcSwap;
use guarded::Guarded;
use std::sync::Arc;

/// The latest known, for whoever asks.
pub(crate) struct Latest<T> {
    value: ArcSwap<T>,
    reads: Guarded<Reads>,
}

/// Reads of where the value is kept.
#[derive(Default)]
struct Reads {
    /// How many began.
    begun: u64,
    /// Which of them found what is known.
    known: u64,
}

/// A read, by its number in the order in which they began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read(u64);

impl<T> Latest<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: ArcSwap::from_pointee(value),
            reads: Guarded::default(),
        }
    }

    /// What is known. It stays as it is for whoever holds it.
    pub(crate) fn get(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// Begins a read: whatever is kept from now on, it finds.
    pub(crate) fn begin(&self) -> Read {
        let mut reads = self.reads.lock();
        reads.begun += 1;
        Read(reads.begun)
    }

    /// Takes in what a read found, which may be what was known. Where a read that began later was faster, what that found
    /// stands.
    ///
    /// `on` is told what was known instead; whoever takes in what a later read found waits for it.
    pub(crate) fn take_in(&self, read: Read, found: Arc<T>, on: impl FnOnce(&T)) {
        let mut reads = self.reads.lock();
        if read.0 >= reads.known {
            reads.known = read.0;
            on(&self.value.swap(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_in(latest: &Latest<u32>, read: Read, found: u32) -> Option<u32> {
        let mut before = None;
        latest.take_in(read, Arc::new(found), |known| before = Some(*known));
        before
    }

    #[test]
    fn what_was_read_later_stands() {
        let latest = Latest::new(0);
        let (early, late) = (latest.begin(), latest.begin());
        assert_eq!(take_in(&latest, late, 2), Some(0));
        assert_eq!(take_in(&latest, early, 1), None);
        assert_eq!(*latest.get(), 2);
    }

    #[test]
    fn a_read_that_found_nothing_new_is_a_read() {
        let latest = Latest::new(0);
        let (early, late) = (latest.begin(), latest.begin());
        assert_eq!(take_in(&latest, late, 0), Some(0));
        assert_eq!(take_in(&latest, early, 1), None);
        assert_eq!(*latest.get(), 0);
    }

    #[test]
    fn reads_one_after_the_other_are_all_taken_in() {
        let latest = Latest::new(0);
        for found in 1..=3 {
            let read = latest.begin();
            assert_eq!(take_in(&latest, read, found), Some(found - 1));
            assert_eq!(*latest.get(), found);
        }
    }
}
