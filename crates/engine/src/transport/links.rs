//! Connections that are kept to be used again: so many at most, one for each place and login, closed when nobody uses them.

use super::sweep::{self, Sweep};
use guarded::Guarded;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Connections that nobody used for so long are closed: their integration is gone, or has other settings.
const IDLE: Duration = Duration::from_mins(10);

/// What is connected.
pub(super) trait Connected: Clone + Send + Sync + 'static {
    /// Whether it can be used still.
    fn is_open(&self) -> bool;
}

/// A connection, or the place of one.
pub(super) struct Link<C> {
    /// Held while connecting, so that a hundred attempts make one connection.
    connection: Mutex<Option<C>>,
    used: Guarded<Instant>,
}

/// All connections of one kind in this process.
pub(super) struct Links<K, C> {
    held: Arc<Guarded<Held<K, C>>>,
    /// How many there are at most.
    most: usize,
}

struct Held<K, C> {
    all: BTreeMap<K, Arc<Link<C>>>,
    is_swept: bool,
}

impl<K: Ord, C> Held<K, C> {
    fn close(&mut self, now: Instant) {
        self.all
            .retain(|_, link| now.duration_since(*link.used.lock()) < IDLE);
    }
}

impl<K: Ord + Send + 'static, C: Connected> Sweep for Guarded<Held<K, C>> {
    fn sweep(&self, now: Instant) -> bool {
        let mut held = self.lock();
        held.close(now);
        held.is_swept = !held.all.is_empty();
        held.is_swept
    }
}

impl<K: Ord + Clone + Send + 'static, C: Connected> Links<K, C> {
    /// None yet, and so many at most.
    pub(super) fn at_most(most: usize) -> Self {
        let held = Held {
            all: BTreeMap::new(),
            is_swept: false,
        };
        Self {
            held: Arc::new(Guarded::new(held)),
            most,
        }
    }

    /// The link of a place and login. Where there are too many, it takes the place of the one that was not used for longest: what is under way over that
    /// ends.
    pub(super) fn link(&self, key: &K, now: Instant) -> Arc<Link<C>> {
        let mut held = self.held.lock();
        held.close(now);
        let links = &mut held.all;
        if links.len() >= self.most && !links.contains_key(key) {
            let oldest = links.iter().min_by_key(|(_, link)| *link.used.lock());
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                links.remove(&oldest);
            }
        }
        let link = links.entry(key.clone()).or_insert_with(|| {
            Arc::new(Link {
                connection: Mutex::default(),
                used: Guarded::new(now),
            })
        });
        *link.used.lock() = now;
        let link = Arc::clone(link);
        if !std::mem::replace(&mut held.is_swept, true) {
            sweep::begin(&self.held, IDLE);
        }
        link
    }
}

impl<C: Connected> Link<C> {
    /// The connection, made where there is none that can be used.
    pub(super) async fn connected<E>(
        &self,
        make: impl AsyncFnOnce() -> Result<C, E>,
    ) -> Result<C, E> {
        let mut connection = self.connection.lock().await;
        if let Some(open) = connection.as_ref().filter(|open| open.is_open()) {
            return Ok(open.clone());
        }
        *connection = None;
        let made = make().await?;
        Ok(connection.insert(made).clone())
    }

    /// Gives the connection up: the next attempt makes another.
    pub(super) async fn give_up(&self) {
        *self.connection.lock().await = None;
    }

    /// The same where it is of no use any more.
    pub(super) async fn give_up_unless_open(&self) {
        let mut connection = self.connection.lock().await;
        connection.take_if(|open| !open.is_open());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[derive(Clone)]
    struct Numbered(u32, bool);

    impl Connected for Numbered {
        fn is_open(&self) -> bool {
            self.1
        }
    }

    async fn number(links: &Links<u32, Numbered>, key: u32, at: Instant, made: Numbered) -> u32 {
        let link = links.link(&key, at);
        let connected = link.connected(async || Ok::<_, Infallible>(made)).await;
        connected.unwrap().0
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_kept_while_it_is_open_and_used_and_there_is_room() {
        let (links, now) = (Links::at_most(2), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let open = |number| Numbered(number, true);
        assert_eq!(number(&links, 1, at(0), open(1)).await, 1);
        assert_eq!(number(&links, 1, at(1), open(2)).await, 1, "it is kept");
        assert_eq!(number(&links, 2, at(2), Numbered(3, false)).await, 3);
        assert_eq!(number(&links, 2, at(3), open(4)).await, 4, "it was closed");
        assert_eq!(number(&links, 1, at(4), open(5)).await, 1);
        // The second was not used for longest.
        assert_eq!(number(&links, 3, at(5), open(6)).await, 6);
        assert_eq!(number(&links, 1, at(6), open(7)).await, 1);
        assert_eq!(number(&links, 2, at(7), open(8)).await, 8);
        let later = at(8) + IDLE;
        assert_eq!(number(&links, 2, later, open(9)).await, 9, "it was idle");
        links.link(&2, later).give_up().await;
        assert_eq!(number(&links, 2, later, open(10)).await, 10);
    }
    #[derive(Clone)]
    struct Counted(#[expect(dead_code, reason = "it is counted")] Arc<()>);

    impl Connected for Counted {
        fn is_open(&self) -> bool {
            true
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_uses_is_closed_when_nobody_asks_for_another() {
        let links = Links::at_most(2);
        for _ in 0..2 {
            let counted = Arc::new(());
            let link = links.link(&1, Instant::now());
            let made = Counted(Arc::clone(&counted));
            let connected = link.connected(async || Ok::<_, Infallible>(made)).await;
            drop((connected.unwrap(), link));
            tokio::time::sleep(IDLE / 2).await;
            assert_eq!(Arc::strong_count(&counted), 2, "it may be used still");
            tokio::time::sleep(IDLE * 2).await;
            assert_eq!(Arc::strong_count(&counted), 1);
        }
    }
}
