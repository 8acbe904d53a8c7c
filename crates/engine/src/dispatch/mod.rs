//! Dispatch: what was committed is sent, classified and settled.
//!
//! A delivery reaches a lane in one of three ways, always leased: handed over by the intake that committed it (`reserve`), released by
//! the settling of the one it waited for (`settle`), or claimed from the ledger when due (`claim`). In the steady state nothing is claimed.
//! Until its attempt begins (`run`) it is a [`Job`](held::Job): whatever ends that before gives the lease back (`give_back`).

mod attempt;
mod by_hand;
mod claim;
mod end;
mod give_back;
mod handshake;
mod handshakes;
mod health;
mod held;
mod lane;
mod reserve;
mod retry_after;
mod run;
mod set_back;
mod settle;
mod share;
mod shared;
mod shown;
mod steady;
mod tokens;

pub use handshakes::Handshake;
pub use health::{Condition, EndpointHealth, Health};
pub use lane::LaneHealth;

use crate::{Core, setup::ActiveIntegration};
use domain::{IntegrationId, customer::Customer};
use guarded::Guarded;
use handshakes::Handshakes;
use held::{Back, Held};
use lane::{Lane, Nodes};
use ledger::{LaneId, Waiting};
use shared::Shared;
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use steady::Steady;
use tokens::Tokens;
use tokio::sync::{Mutex, Notify, mpsc};

/// Before what the ledger could not take is tried again, twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Between two looks for what rests in lanes that this node knows nothing of.
const LOOK: Duration = Duration::from_mins(1);
/// What is not taken after so long a pause is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The room where deliveries go out. Cheap to clone.
#[derive(Clone)]
pub struct Dispatch {
    core: Core,
    state: Arc<Dispatcher>,
}

/// What is under way.
struct Dispatcher {
    /// Another process delivers what this one commits.
    is_quiet: bool,
    handshakes: Handshakes,
    lanes: Guarded<BTreeMap<LaneId, Arc<Lane>>>,
    held: Arc<Held>,
    /// What waits in the ledger, when it was last counted.
    waiting: Guarded<BTreeMap<IntegrationId, Waiting>>,
    shared: Guarded<Shared>,
    /// Held while the ledger is told what became of attempts.
    telling: Mutex<()>,
    due: Notify,
    steady: Steady,
    tokens: Tokens,
    /// How many share what an endpoint may be asked.
    nodes: Nodes,
    /// When to look next for lanes that this node knows nothing of.
    look: Guarded<Duration>,
    /// Rises with every look at the ledger.
    turn: AtomicUsize,
    /// What is to be given back; taken when the first lane begins.
    backs: Guarded<Option<Backs>>,
}

/// Leases on their way back to the ledger.
type Backs = mpsc::UnboundedReceiver<Back>;

impl Dispatcher {
    fn new(is_quiet: bool) -> Self {
        let (held, backs) = Held::new();
        Self {
            is_quiet,
            handshakes: Handshakes::default(),
            lanes: Guarded::default(),
            held,
            waiting: Guarded::default(),
            shared: Guarded::default(),
            telling: Mutex::default(),
            due: Notify::new(),
            steady: Steady::default(),
            tokens: Tokens::default(),
            nodes: Nodes::default(),
            look: Guarded::default(),
            turn: AtomicUsize::default(),
            backs: Guarded::new(Some(backs)),
        }
    }

    fn wake(&self) {
        self.due.notify_one();
    }

    /// Whether this node would take a delivery of the lane from the ledger now.
    fn takes(&self, id: LaneId, active: &ActiveIntegration, uptime: Duration) -> bool {
        let capacity = self.nodes.capacity(active.limits());
        let lanes = self.lanes.lock();
        lanes
            .get(&id)
            .is_none_or(|lane| lane.has_room(capacity, uptime))
    }

    /// Whether this node would ask an endpoint again that is held: it refused the credentials a while ago, and may take them by now.
    fn asks_again(&self, id: LaneId, active: &ActiveIntegration, uptime: Duration) -> bool {
        let lanes = self.lanes.lock();
        let lane = lanes.get(&id);
        active.may_take_again(id.endpoint) && lane.is_some_and(|lane| lane.is_asked_again(uptime))
    }

    /// Whether what rests in a lane may be roused.
    fn rouses(&self, id: LaneId, uptime: Duration) -> bool {
        let lanes = self.lanes.lock();
        lanes
            .get(&id)
            .is_some_and(|lane| lane.rouses(uptime).is_some())
    }

    /// Whether it is time to look for lanes that this node knows nothing of; then the next time is later.
    fn looks(&self, uptime: Duration) -> bool {
        let mut look = self.look.lock();
        let looks = *look <= uptime;
        if looks {
            *look = uptime.saturating_add(LOOK);
        }
        looks
    }

    /// Notes that the machine slept since the last look.
    fn note_sleep(&self) {
        for lane in self.lanes.lock().values() {
            lane.note_sleep();
        }
    }

    /// What could go before does not count, in any lane.
    fn begin_flow_again(&self, uptime: Duration) {
        for lane in self.lanes.lock().values() {
            lane.begin_flow_again(uptime);
        }
    }

    /// Notes, for every lane of an integration, whether anything could go at `uptime`.
    fn note_flow(&self, active: &ActiveIntegration, uptime: Duration) {
        let lanes = self.lanes.lock();
        for id in LaneId::all(active.row.id) {
            if let Some(lane) = lanes.get(&id) {
                lane.note_flow(active.held(id.endpoint).is_none(), uptime);
            }
        }
    }

    fn health(&self, uptime: Duration) -> Vec<(LaneId, LaneHealth)> {
        self.lanes
            .lock()
            .iter()
            .map(|(id, lane)| (*id, lane.health(uptime)))
            .collect()
    }

    /// Takes up no more, and waits, at most `patience`, until nothing is leased to this node.
    async fn drain(&self, patience: Duration) {
        self.held.close();
        let mut over = self.held.over();
        let ended = tokio::time::timeout(patience, over.wait_for(|over| *over)).await;
        if ended.is_err() {
            tracing::warn!(
                deliveries = self.held.count(),
                "attempts did not end in time; what is left goes when its leases run out"
            );
        }
    }
}

impl Dispatch {
    /// A room that sends what is handed over to it and, once [started](Self::start), what falls due.
    pub(crate) fn new(core: Core) -> Self {
        Self::of(core, false)
    }

    /// A room that takes up nothing of what it is handed: whoever serves the same ledger sends it.
    pub(crate) fn quiet(core: Core) -> Self {
        Self::of(core, true)
    }

    fn of(core: Core, is_quiet: bool) -> Self {
        let state = Arc::new(Dispatcher::new(is_quiet));
        Self { core, state }
    }

    /// Begins to claim what falls due, on the current runtime.
    pub(crate) fn start(&self) {
        tokio::spawn(self.clone().poll_due());
    }

    /// Says that something is due.
    pub(crate) fn wake(&self) {
        self.state.wake();
    }

    /// Says how many nodes share what endpoints may be asked.
    pub(crate) fn share_among(&self, nodes: NonZeroU32) {
        self.state.nodes.set(nodes);
    }

    /// Takes up no more, and waits, at most `patience`, until nothing is leased to this node.
    pub(crate) async fn drain(&self, patience: Duration) {
        self.state.drain(patience).await;
    }

    /// Has every lane look at what it holds: by a clock that was moved, a pause may be over for which somebody sleeps.
    pub(crate) fn stir(&self) {
        for lane in self.state.lanes.lock().values() {
            lane.stir();
        }
    }

    /// Gives back what waits here and tells of a customer as it is no longer: it is read again by whoever sends it.
    pub(crate) fn give_back_of(&self, forgotten: &Customer) {
        let is_theirs = |customer: &Customer| {
            customer.id == forgotten.id || forgotten.answers_to(&customer.app_user_id)
        };
        for lane in self.state.lanes.lock().values() {
            lane.give_back_of(is_theirs);
        }
        self.wake();
    }

    /// How the lanes stand, for health pages.
    pub fn lanes(&self) -> Vec<(LaneId, LaneHealth)> {
        self.state.health(self.core.system().uptime())
    }

    /// A lane; its task begins with it.
    fn lane(&self, id: LaneId) -> Arc<Lane> {
        let dispatcher = &self.state;
        let mut lanes = dispatcher.lanes.lock();
        let lane = lanes.entry(id).or_insert_with(|| {
            let lane = Lane::new(&dispatcher.held, self.core.system().uptime());
            let run = self.clone().run_lane(id, Arc::clone(&lane));
            tokio::spawn(run);
            if let Some(backs) = dispatcher.backs.lock().take() {
                tokio::spawn(self.clone().keep_giving_back(backs));
            }
            lane
        });
        Arc::clone(lane)
    }
}
