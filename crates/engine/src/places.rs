//! What is bounded as a whole, such as connections that go out: as many at once as there are places, shared among those who want some so that nobody
//! keeps the others waiting.
//!
//! **How it works.** Whoever wants one, a lane or a host, may have one more as long as it has fewer than are free. So one alone takes half of
//! all, and of two that go on asking each a third: an endpoint that never answers takes from itself. Whoever comes finds a part of what is free;
//! where nothing is, whoever has fewest gets what is let go next, and of those whoever asked first. Source: Choudhury and Hahne,
//! "Dynamic queue length thresholds", 1998.
//!
//! **What it does not do.** It opens no connection and limits no endpoint: how many attempts of a lane may be under way, its lane says.

use crate::Guarded;
use domain::AppId;
use ledger::LaneId;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::oneshot;

/// Who wants a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wants {
    /// A lane, for an attempt.
    Lane(LaneId),
    /// Whoever asks this host for anything else: a store, a handshake.
    Host(String),
    /// Clients of this app, for what its store answers.
    Answer(AppId),
}

impl Wants {
    /// The host of a URL; of one that is none, whatever stands there.
    pub(crate) fn host_of(url: &str) -> Self {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        Self::Host(host.to_owned())
    }
}

/// All places.
pub(crate) struct Places {
    state: Guarded<State>,
}

struct State {
    free: usize,
    /// Those who have some or wait for one.
    all: BTreeMap<Wants, Wanting>,
    asked: u64,
}

#[derive(Default)]
struct Wanting {
    has: usize,
    waits: VecDeque<Waits>,
}

struct Waits {
    /// Rises with every one that asks.
    number: u64,
    tell: oneshot::Sender<Place>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    /// Taken when it is given back.
    wants: Option<Wants>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(wants) = self.wants.take() {
            self.places.give_back(&wants);
        }
    }
}

impl Places {
    /// So many.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Guarded::new(State {
                free: most.max(1),
                all: BTreeMap::new(),
                asked: 0,
            }),
        })
    }

    /// A place, if there is one.
    pub(crate) fn free_place(self: &Arc<Self>, wants: &Wants) -> Option<Place> {
        let is_free = self.state.lock().take(wants);
        is_free.then(|| self.of(wants.clone()))
    }

    /// Waits for a place.
    pub(crate) async fn place(self: &Arc<Self>, wants: Wants) -> Place {
        let told = {
            let mut state = self.state.lock();
            if state.take(&wants) {
                return self.of(wants);
            }
            state.wait(wants)
        };
        told.await.expect("whoever waits is told, or waits no more")
    }

    fn of(self: &Arc<Self>, wants: Wants) -> Place {
        Place {
            places: Arc::clone(self),
            wants: Some(wants),
        }
    }

    /// Gives a place back, and to those who may have one now what is free.
    fn give_back(self: &Arc<Self>, wants: &Wants) {
        self.state.lock().give_back(wants);
        loop {
            let next = self.state.lock().next();
            let Some((wants, tell)) = next else { return };
            // One that waits no more leaves it to the next.
            if let Err(mut place) = tell.send(self.of(wants))
                && let Some(wants) = place.wants.take()
            {
                self.state.lock().give_back(&wants);
            }
        }
    }
}

impl State {
    /// Takes a place, if there is one.
    fn take(&mut self, wants: &Wants) -> bool {
        let has = self.all.get(wants).map_or(0, |wanting| wanting.has);
        let is_free = has < self.free;
        if is_free {
            self.all.entry(wants.clone()).or_default().has += 1;
            self.free -= 1;
        }
        is_free
    }

    fn wait(&mut self, wants: Wants) -> oneshot::Receiver<Place> {
        let (tell, told) = oneshot::channel();
        self.asked += 1;
        let number = self.asked;
        let wanting = self.all.entry(wants).or_default();
        wanting.waits.push_back(Waits { number, tell });
        told
    }

    fn give_back(&mut self, wants: &Wants) {
        self.free += 1;
        if let Some(wanting) = self.all.get_mut(wants) {
            wanting.has -= 1;
            wanting.waits.retain(|waits| !waits.tell.is_closed());
            if wanting.has == 0 && wanting.waits.is_empty() {
                self.all.remove(wants);
            }
        }
    }

    /// Who gets a place now, if anybody may.
    fn next(&mut self) -> Option<(Wants, oneshot::Sender<Place>)> {
        let free = self.free;
        let may = self.all.iter().filter(|(_, wanting)| wanting.has < free);
        let waiting = may.filter_map(|(wants, wanting)| {
            let first = wanting.waits.front()?;
            Some(((wanting.has, first.number), wants))
        });
        let wants = waiting.min_by_key(|(rank, _)| *rank)?.1.clone();
        let wanting = self.all.get_mut(&wants)?;
        let waits = wanting.waits.pop_front()?;
        wanting.has += 1;
        self.free -= 1;
        Some((wants, waits.tell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn host(number: usize) -> Wants {
        Wants::Host(format!("{number}.example"))
    }

    /// Takes as many as there are for one.
    fn all_of(places: &Arc<Places>, wants: &Wants) -> Vec<Place> {
        std::iter::from_fn(|| places.place(wants.clone()).now_or_never()).collect()
    }

    #[test]
    fn one_alone_takes_half_and_each_that_comes_finds_some() {
        let places = Places::new(48);
        let first = all_of(&places, &host(0));
        assert_eq!(first.len(), 24);
        let second = all_of(&places, &host(1));
        assert_eq!(second.len(), 12);
        let others: Vec<_> = (2..14)
            .map(|number| all_of(&places, &host(number)))
            .collect();
        // Nobody let anything go: what is left is halved by each that comes, to the last.
        let found: Vec<usize> = others.iter().map(Vec::len).collect();
        assert_eq!(found[..5], [6, 3, 2, 1, 0]);
        drop((first, second, others));
        assert_eq!(places.state.lock().free, 48);
        assert!(places.state.lock().all.is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn those_who_never_let_go_leave_one_for_whoever_comes() {
        let places = Places::new(48);
        let mut held = Vec::new();
        let mut waiting = Vec::new();
        // Thirty endpoints that never answer, each wanting thirty-two, one after the other.
        for round in 0..32 {
            for number in 0..30 {
                let (places, wants) = (Arc::clone(&places), host(number));
                match places.place(wants.clone()).now_or_never() {
                    Some(place) => held.push(place),
                    None => waiting.push(tokio::spawn(async move { places.place(wants).await })),
                }
            }
            assert!(held.len() < 48, "after round {round}");
        }
        let newcomer = places.place(host(99)).now_or_never();
        assert!(newcomer.is_some());
        for waits in waiting {
            waits.abort();
        }
    }

    #[tokio::test]
    async fn whoever_has_fewest_is_next_and_of_those_whoever_asked_first() {
        let places = Places::new(3);
        let first = places.place(host(1)).await;
        let second = places.place(host(2)).await;
        let third = places.place(host(3)).await;
        let order = Arc::new(Guarded::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in [1, 4, 5, 4] {
            let (places, order) = (Arc::clone(&places), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let place = places.place(host(number)).await;
                order.lock().push(number);
                place
            }));
            tokio::task::yield_now().await;
        }
        let mut kept = Vec::new();
        for place in [second, third] {
            drop(place);
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock(), [4, 5]);
        kept.push(first);
        for waits in waiting {
            waits.abort();
        }
    }

    #[tokio::test]
    async fn one_that_waits_no_more_leaves_its_turn_to_the_next() {
        let places = Places::new(1);
        let place = places.place(host(1)).await;
        let gone = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.place(host(2)).await }
        });
        tokio::task::yield_now().await;
        gone.abort();
        drop(gone.await);
        let next = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.place(host(3)).await }
        });
        tokio::task::yield_now().await;
        drop(place);
        drop(next.await.unwrap());
        let state = places.state.lock();
        assert_eq!((state.free, state.all.len()), (1, 0));
    }
}
