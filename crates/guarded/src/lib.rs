//! A value that tasks share, behind a lock that never fails.
//!
//! It knows nothing of the project and stands below all of it: sources, ledgers, the engine, pages and the simulator share
//! values, and each by itself would have to say what a poisoned lock means.
#![warn(missing_docs)]

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value behind a lock.
///
/// Whoever panicked while holding it left a value that is whole: every use here reads or replaces entries, and none leaves
/// one half written. So there is no poison to hear of, and everybody else goes on.
#[derive(Debug, Default)]
pub struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    /// Guards a value.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// The value, to this task alone while the answer lives. Not to be held across an `await`.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_one_does_not_stop_the_others() {
        let counted = Guarded::new(1);
        let panicked = std::thread::scope(|scope| {
            let held = scope.spawn(|| {
                let mut count = counted.lock();
                *count += 1;
                panic!("while it is held");
            });
            held.join().is_err()
        });
        assert!(panicked);
        assert_eq!(*counted.lock(), 2);
    }
}
