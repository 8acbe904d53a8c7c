//! Connections that one at a time uses, kept for the next one: so many at most, and not for long, because the other side closes what is idle.

use super::{
    pooled::POOL_IDLE,
    sweep::{self, Sweep},
};
use guarded::Guarded;
use std::sync::Arc;
use tokio::time::Instant;

/// Connections of one kind that nobody uses just now.
pub(super) struct Pool<K, C> {
    idle: Arc<Guarded<Idle<K, C>>>,
    most: usize,
}

struct Idle<K, C> {
    /// Those used last at the end.
    all: Vec<(K, C, Instant)>,
    is_swept: bool,
}

impl<K, C> Idle<K, C> {
    fn close(&mut self, now: Instant) {
        self.all
            .retain(|(_, _, used)| now.duration_since(*used) < POOL_IDLE);
    }
}

impl<K: Send + 'static, C: Send + 'static> Sweep for Guarded<Idle<K, C>> {
    fn sweep(&self, now: Instant) -> bool {
        let mut idle = self.lock();
        idle.close(now);
        idle.is_swept = !idle.all.is_empty();
        idle.is_swept
    }
}

impl<K: Eq + Send + 'static, C: Send + 'static> Pool<K, C> {
    /// None yet, and so many at most.
    pub(super) fn at_most(most: usize) -> Self {
        let idle = Idle {
            all: Vec::new(),
            is_swept: false,
        };
        Self {
            idle: Arc::new(Guarded::new(idle)),
            most,
        }
    }

    /// One to this place, taken out.
    pub(super) fn take(&self, key: &K, now: Instant) -> Option<C> {
        let mut idle = self.idle.lock();
        idle.close(now);
        let last = idle.all.iter().rposition(|(place, ..)| place == key)?;
        Some(idle.all.remove(last).1)
    }

    /// Keeps one for the next who wants it. Where there are too many, the one that was not used for longest is closed.
    pub(super) fn put(&self, key: K, connection: C, now: Instant) {
        let mut idle = self.idle.lock();
        if idle.all.len() >= self.most && !idle.all.is_empty() {
            idle.all.remove(0);
        }
        idle.all.push((key, connection, now));
        if !std::mem::replace(&mut idle.is_swept, true) {
            sweep::begin(&self.idle, POOL_IDLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn what_was_used_last_is_used_next_and_what_is_idle_is_closed() {
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

    #[tokio::test(start_paused = true)]
    async fn what_is_idle_is_closed_when_nobody_asks_for_another() {
        let pool = Pool::at_most(2);
        for _ in 0..2 {
            let connection = Arc::new(());
            pool.put("a", Arc::clone(&connection), Instant::now());
            tokio::time::sleep(POOL_IDLE / 2).await;
            assert_eq!(Arc::strong_count(&connection), 2, "it may be used still");
            tokio::time::sleep(POOL_IDLE * 2).await;
            assert_eq!(Arc::strong_count(&connection), 1);
        }
    }
}
