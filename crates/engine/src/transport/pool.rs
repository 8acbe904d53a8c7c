//! Connections that one at a time uses, kept for the next one: so many at most, and not for long, because the other side closes what is idle.

use super::pooled::POOL_IDLE;
use guarded::Guarded;
use std::time::Instant;

/// Connections of one kind that nobody uses just now, those used last at the end.
pub(super) struct Pool<K, C> {
    idle: Guarded<Vec<(K, C, Instant)>>,
    most: usize,
}

impl<K: Eq, C> Pool<K, C> {
    /// None yet, and so many at most.
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            idle: Guarded::default(),
            most,
        }
    }

    /// One to this place, taken out.
    pub(super) fn take(&self, key: &K, now: Instant) -> Option<C> {
        let mut idle = self.idle.lock();
        idle.retain(|(_, _, used)| now.duration_since(*used) < POOL_IDLE);
        let last = idle.iter().rposition(|(place, ..)| place == key)?;
        Some(idle.remove(last).1)
    }

    /// Keeps one for the next who wants it. Where there are too many, the one that was not used for longest is closed.
    pub(super) fn put(&self, key: K, connection: C, now: Instant) {
        let mut idle = self.idle.lock();
        if idle.len() >= self.most && !idle.is_empty() {
            idle.remove(0);
        }
        idle.push((key, connection, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_used_last_is_used_next_and_what_is_idle_is_closed() {
        let (pool, now) = (Pool::at_most(2), Instant::now());
        pool.put("a", 1, now);
        pool.put("b", 2, now);
        pool.put("a", 3, now);
        assert_eq!(pool.take(&"a", now), Some(3), "the first made room");
        assert_eq!(
            (pool.take(&"a", now), pool.take(&"b", now)),
            (None, Some(2))
        );
        pool.put("a", 4, now);
        assert_eq!(pool.take(&"a", now + POOL_IDLE), None);
        pool.put("a", 5, now + Duration::from_secs(1));
        assert_eq!(pool.take(&"a", now + POOL_IDLE), Some(5));
    }
}
