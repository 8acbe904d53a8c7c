//! Connections that are kept open to be used again, and may be closed by the other side meanwhile.

use guarded::Guarded;
use std::{collections::BTreeMap, error::Error, io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long a connection that is not used is kept open.
pub(super) const POOL_IDLE: Duration = Duration::from_mins(1);
/// How long it may take until one that was kept so long is closed: a pool looks as seldom as that.
const GONE: Duration = Duration::from_mins(2);
/// Connections of one host that are kept open, at most.
pub(super) const MOST_OF_ONE: usize = 64;

/// A host, as one of the pools reaches it.
type Reached = (u64, String);

/// Which hosts have connections that are kept open: so many in all, whatever is under way.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    hosts: Guarded<BTreeMap<Reached, Host>>,
}

#[derive(Debug)]
struct Host {
    under_way: usize,
    /// Most that were under way at once: as many may be open still.
    open: usize,
    used: Instant,
    answered: Option<Instant>,
}

impl Host {
    fn kept(&self) -> usize {
        self.open.min(MOST_OF_ONE)
    }
}

/// A request over connections that are kept, until it is dropped.
#[derive(Debug)]
pub(super) struct Use {
    of: Arc<Kept>,
    reached: Reached,
    began: Instant,
}

impl Kept {
    /// So many connections in all.
    pub(super) fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            hosts: Guarded::default(),
        })
    }

    /// A request to a host begins; `None` when its connection is not to be kept, because there is no room for another.
    pub(super) fn begin(self: &Arc<Self>, reached: Reached, now: Instant) -> Option<Use> {
        let mut hosts = self.hosts.lock();
        let grows = hosts
            .get(&reached)
            .is_none_or(|host| host.under_way == host.open && host.open < MOST_OF_ONE);
        let is_full = |hosts: &BTreeMap<Reached, Host>| {
            hosts.values().map(Host::kept).sum::<usize>() >= self.most
        };
        if grows && is_full(&hosts) {
            hosts.retain(|_, host| host.under_way > 0 || now.duration_since(host.used) < GONE);
            if is_full(&hosts) {
                return None;
            }
        }
        let host = hosts.entry(reached.clone()).or_insert(Host {
            under_way: 0,
            open: 0,
            used: now,
            answered: None,
        });
        host.under_way += 1;
        host.open = host.open.max(host.under_way);
        host.used = now;
        drop(hosts);
        Some(Use {
            of: Arc::clone(self),
            reached,
            began: now,
        })
    }
}

impl Use {
    /// Notes that the host answered.
    pub(super) fn answered(&self, now: Instant) {
        if let Some(host) = self.of.hosts.lock().get_mut(&self.reached) {
            host.answered = Some(now);
        }
    }

    /// Whether what was sent may have gone over a connection that was open before.
    pub(super) fn may_have_been_open(&self) -> bool {
        let hosts = self.of.hosts.lock();
        let last = hosts.get(&self.reached).and_then(|host| host.answered);
        last.is_some_and(|at| self.began.duration_since(at) < POOL_IDLE)
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(host) = self.of.hosts.lock().get_mut(&self.reached) {
            host.under_way -= 1;
            host.used = Instant::now();
        }
    }
}

/// How a connection was closed before any of the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Died {
    /// Before the first byte of the request was written.
    Unused,
    /// After that, or nobody knows when: the request may have been read.
    InUse,
}

/// How a connection was closed before any of the answer came, if it was.
pub(super) fn died(error: &reqwest::Error) -> Option<Died> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let of_http = error.downcast_ref::<hyper::Error>();
        if of_http.is_some_and(hyper::Error::is_canceled) {
            return Some(Died::Unused);
        }
        let closed = of_http.is_some_and(hyper::Error::is_incomplete_message);
        let reset = error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        });
        if closed || reset {
            return Some(Died::InUse);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u64) -> Reached {
        (0, format!("{number}.example"))
    }

    #[test]
    fn so_many_are_kept_in_all_and_what_is_beyond_is_not() {
        let (kept, now) = (Kept::at_most(10), Instant::now());
        let begin = |number| kept.begin(host(number), now);
        let held: Vec<_> = (0..10).map(|_| begin(1)).collect();
        assert!(held.iter().all(Option::is_some) && begin(1).is_none() && begin(2).is_none());
        drop(held);
        // They are open still, and are used again; nobody else's are.
        let again: Vec<_> = (0..10).map(|_| begin(1)).collect();
        assert!(again.iter().all(Option::is_some) && begin(2).is_none());
        drop(again);
        let later = Instant::now() + GONE;
        let others: Vec<_> = (0..11)
            .map(|number| kept.begin(host(number + 2), later))
            .collect();
        assert_eq!(others.iter().flatten().count(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_answered_lately_may_have_closed_what_was_open() {
        let kept = Kept::at_most(10);
        let first = kept.begin(host(1), Instant::now()).unwrap();
        assert!(!first.may_have_been_open());
        first.answered(Instant::now());
        tokio::time::advance(POOL_IDLE / 2).await;
        let second = kept.begin(host(1), Instant::now()).unwrap();
        assert!(second.may_have_been_open());
        tokio::time::advance(POOL_IDLE).await;
        let third = kept.begin(host(1), Instant::now()).unwrap();
        assert!(!third.may_have_been_open());
    }
}
