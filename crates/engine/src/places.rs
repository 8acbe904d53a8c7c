//! What is bounded as a whole, such as connections that go out: as many at once as there are places, shared among those who want some so that nobody
//! keeps the others waiting.
//!
//! **How it works.** Whoever wants one, a lane or a host, may have one more as long as it has fewer than are free. So one alone takes half of all, and of
//! two that go on asking each a third: an endpoint that never answers takes from itself. Where there are several projects, the same holds of each with
//! all its lanes, against four times what is free: one alone leaves a fifth of all to the others, however many of its endpoints never answer. Whoever comes
//! finds a part of what is free; where nothing is, whoever has fewest gets what is let go next, its project first, and of those whoever asked first.
//! Source: Choudhury and Hahne, "Dynamic queue length thresholds", 1998.
//!
//! **What it does not do.** It opens no connection and limits no endpoint: how many attempts of a lane may be under way, its lane says.

use domain::{AppId, ProjectId};
use guarded::Guarded;
use ledger::LaneId;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::oneshot;

/// How many times what is free a project may have.
const OF_A_PROJECT: usize = 4;

/// Who wants a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wants {
    /// Of which project; `None` where it is of none, or there is one only.
    project: Option<ProjectId>,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A lane, for an attempt.
    Lane(LaneId),
    /// Whoever asks this host for anything else: a store, a handshake.
    Host(String),
    /// Clients of this app, for what its store answers.
    Answer(AppId),
}

impl Wants {
    /// A lane of a project, for an attempt.
    pub(crate) const fn lane(project: Option<ProjectId>, lane: LaneId) -> Self {
        let what = What::Lane(lane);
        Self { project, what }
    }

    /// Clients of an app, for what its store answers.
    pub(crate) const fn answer(app: AppId) -> Self {
        let (project, what) = (None, What::Answer(app));
        Self { project, what }
    }

    /// Whoever asks the host of a URL for anything else: a store, or for a project a handshake. Of a URL that is none, whatever stands there.
    pub(crate) fn host_of(project: Option<ProjectId>, url: &str) -> Self {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let what = What::Host(host.to_owned());
        Self { project, what }
    }
}

/// All places.
pub(crate) struct Places {
    state: Guarded<State>,
}

struct State {
    free: usize,
    /// How many each project has.
    projects: BTreeMap<ProjectId, usize>,
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
                projects: BTreeMap::new(),
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
    /// How many its project has, with all that wants some in it.
    fn project_has(&self, wants: &Wants) -> Option<usize> {
        let project = wants.project.as_ref()?;
        Some(self.projects.get(project).copied().unwrap_or_default())
    }

    /// Whether one that `has` so many may have one more.
    fn may(&self, wants: &Wants, has: usize) -> bool {
        let project_has = self.project_has(wants).unwrap_or_default();
        has < self.free && project_has < self.free.saturating_mul(OF_A_PROJECT)
    }

    /// Takes a place, if there is one.
    fn take(&mut self, wants: &Wants) -> bool {
        let has = self.all.get(wants).map_or(0, |wanting| wanting.has);
        let may = self.may(wants, has);
        if may {
            self.note_taken(wants);
        }
        may
    }

    fn wait(&mut self, wants: Wants) -> oneshot::Receiver<Place> {
        let (tell, told) = oneshot::channel();
        self.asked += 1;
        let number = self.asked;
        let wanting = self.all.entry(wants).or_default();
        wanting.waits.push_back(Waits { number, tell });
        told
    }

    fn note_taken(&mut self, wants: &Wants) {
        self.free -= 1;
        self.all.entry(wants.clone()).or_default().has += 1;
        if let Some(project) = wants.project {
            *self.projects.entry(project).or_default() += 1;
        }
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
        if let Some(project) = wants.project
            && let Some(has) = self.projects.get_mut(&project)
        {
            *has -= 1;
            if *has == 0 {
                self.projects.remove(&project);
            }
        }
    }

    /// Who gets a place now, if anybody may.
    fn next(&mut self) -> Option<(Wants, oneshot::Sender<Place>)> {
        let waiting = self.all.iter().filter_map(|(wants, wanting)| {
            let first = wanting.waits.front()?;
            let has = (self.project_has(wants).unwrap_or(wanting.has), wanting.has);
            let may = self.may(wants, wanting.has);
            may.then_some(((has, first.number), wants))
        });
        let wants = waiting.min_by_key(|(rank, _)| *rank)?.1.clone();
        let waits = self.all.get_mut(&wants)?.waits.pop_front()?;
        self.note_taken(&wants);
        Some((wants, waits.tell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Environment, IntegrationId, breaker::THRESHOLD};
    use futures_util::{FutureExt, future::join_all};
    use std::time::Duration;
    use tokio::task::JoinHandle;
    use uuid::Uuid;

    fn host(number: usize) -> Wants {
        Wants::host_of(None, &format!("https://{number}.example/"))
    }

    fn project(number: u128) -> ProjectId {
        ProjectId::new(Uuid::from_u128(number))
    }

    /// The lane of an endpoint of a project.
    fn lane(of: u128, number: u128) -> Wants {
        let lane = LaneId {
            integration: IntegrationId::new(Uuid::from_u128(number)),
            endpoint: Environment::Production,
        };
        Wants::lane(Some(project(of)), lane)
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

    #[test]
    fn a_project_leaves_a_fifth_however_many_lanes_it_has() {
        let places = Places::new(1024);
        let mut held = Vec::new();
        let found: Vec<_> = (0..4)
            .map(|number| {
                let some = all_of(&places, &lane(1, number));
                held.extend(some);
                held.len()
            })
            .collect();
        assert_eq!(found, [512, 768, 820, 820]);
        for number in 5..1000 {
            held.extend(all_of(&places, &lane(1, number)));
        }
        assert_eq!(held.len(), 820, "four fifths");
        // Each other project finds some as well.
        for other in 2..=6 {
            let some = all_of(&places, &lane(other, 1));
            assert!(!some.is_empty(), "{other}");
            held.extend(some);
        }
        assert!(!all_of(&places, &host(1)).is_empty(), "so does a store");
        drop(held);
        let state = places.state.lock();
        assert_eq!(
            (state.free, state.all.len(), state.projects.len()),
            (1024, 0, 0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_silent_endpoints_of_a_project_delay_nothing_of_another() {
        const TIMEOUT: Duration = Duration::from_secs(10);
        // As many as with 1,024 open files.
        let places = Places::new(170);
        let mut silent = Vec::new();
        for number in 0..1000 {
            let places = Arc::clone(&places);
            silent.push(tokio::spawn(async move {
                // Until its breaker opens.
                for _ in 0..THRESHOLD {
                    let place = places.place(lane(1, number)).await;
                    tokio::time::sleep(TIMEOUT).await;
                    drop(place);
                }
            }));
        }
        while !silent.iter().all(JoinHandle::is_finished) {
            let others = (1..=8).map(|number| places.place(lane(2, number)));
            let got = join_all(others).now_or_never();
            assert!(got.is_some(), "whoever is of another project goes at once");
            tokio::time::sleep(Duration::from_secs(2)).await;
            drop(got);
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
