//! Dispatch: what was committed is sent, classified and settled.
//!
//! A delivery reaches a lane in one of three ways, always leased: handed over by the intake that committed it, released by
//! the settling of the one it waited for, or claimed from the ledger when due. In the steady state nothing is claimed.
//! Until its attempt begins it is a [`Job`](held::Job): whatever ends that before gives the lease back.

mod attempt;
mod by_hand;
mod handshake;
mod held;
mod lane;
mod reserve;

pub use handshake::Handshake;
pub use lane::LaneHealth;

use crate::{
    Core, Guarded,
    metric::Metric,
    setup::{ActiveIntegration, Limits},
    trace,
};
use attempt::{End, Verdict, shown};
use destinations::{Header, Outcome};
use domain::{IntegrationId, NotSent};
use handshake::Handshakes;
use held::{Back, Held, Job, Room};
use jiff::Timestamp;
use lane::{Lane, Nodes, UnderWay};
use ledger::{ConfigurationChange, Lease, Next, Returned, Settlement};
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument, Span};

/// How often the ledger is asked for due deliveries when nothing wakes the poll.
const POLL: Duration = Duration::from_millis(200);
/// Deliveries claimed, or given back, at once.
const AT_ONCE: usize = 256;
/// Before what the ledger could not take is tried again, twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// What is not taken after so long a pause is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Most of an answer that is stored.
const STORED_ANSWER: usize = 4 << 10;

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
    lanes: Guarded<BTreeMap<IntegrationId, Arc<Lane>>>,
    held: Arc<Held>,
    due: Notify,
    /// How many share what an endpoint may be asked.
    nodes: Nodes,
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
            due: Notify::new(),
            nodes: Nodes::default(),
            turn: AtomicUsize::default(),
            backs: Guarded::new(Some(backs)),
        }
    }

    fn wake(&self) {
        self.due.notify_one();
    }

    /// Whether this node would take a delivery of the integration from the ledger now.
    fn takes(&self, integration: &ActiveIntegration, now: Timestamp) -> bool {
        let capacity = self.nodes.capacity(integration.limits());
        let lanes = self.lanes.lock();
        lanes
            .get(&integration.row.id)
            .is_none_or(|lane| lane.has_room(capacity, now))
    }

    fn health(&self) -> Vec<(IntegrationId, LaneHealth)> {
        self.lanes
            .lock()
            .iter()
            .map(|(id, lane)| (*id, lane.health()))
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

    /// How the lanes stand, for health pages.
    pub fn lanes(&self) -> Vec<(IntegrationId, LaneHealth)> {
        self.state.health()
    }

    /// The lane of an integration; its task begins with it.
    fn lane(&self, integration: IntegrationId) -> Arc<Lane> {
        let dispatcher = &self.state;
        let mut lanes = dispatcher.lanes.lock();
        let lane = lanes.entry(integration).or_insert_with(|| {
            let (lane, queue) = Lane::new(&dispatcher.held);
            let run = self.clone().run_lane(integration, Arc::clone(&lane), queue);
            tokio::spawn(run);
            if let Some(backs) = dispatcher.backs.lock().take() {
                tokio::spawn(self.clone().keep_giving_back(backs));
            }
            lane
        });
        Arc::clone(lane)
    }

    /// Attempts what comes, until nothing can come any more.
    async fn run_lane(
        self,
        integration: IntegrationId,
        lane: Arc<Lane>,
        mut queue: mpsc::UnboundedReceiver<Job>,
    ) {
        let mut stopping = self.core.stopping();
        let mut over = self.state.held.over();
        loop {
            let job = tokio::select! {
                job = queue.recv() => job,
                _ = over.wait_for(|over| *over) => None,
            };
            let Some(job) = job else { return };
            // While this node stops, and when its turn does not come before: dropped, it goes back.
            let under_way = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => continue,
                under_way = self.turn(integration, &lane) => under_way,
            };
            let (setup, now) = (self.core.setup(), self.core.system().now());
            // Held, leased too long ago, or the breaker opened while it waited: it goes back.
            let active = setup.integration(integration).filter(|active| {
                active.held().is_none()
                    && lane.admits(now)
                    && now
                        .saturating_add(active.timeout())
                        .is_ok_and(|end| end < job.until())
            });
            let Some(active) = active.cloned() else {
                continue;
            };
            let (lease, room) = job.begin();
            let (dispatch, lane) = (self.clone(), Arc::clone(&lane));
            tokio::spawn(async move {
                let span = trace::attempt(active.spec.key, &lease);
                let attempt = dispatch.attempt(&active, &lane, lease, &room);
                attempt.instrument(span).await;
                drop(under_way);
            });
        }
    }

    /// Waits until the endpoint may be asked once more.
    async fn turn(&self, integration: IntegrationId, lane: &Arc<Lane>) -> UnderWay {
        let nodes = &self.state.nodes;
        let unlimited = Limits {
            concurrency: 1,
            per_second: None,
        };
        let limits = || {
            let setup = self.core.setup();
            let active = setup.integration(integration);
            active.map_or(unlimited, ActiveIntegration::limits)
        };
        while let Some(wait) = lane.wait(limits(), nodes, self.core.system().now()) {
            tokio::time::sleep(wait).await;
        }
        lane.begin(limits, nodes).await
    }

    /// Gives back what was not attempted, until nothing can come any more: others take it up at once.
    async fn keep_giving_back(self, mut backs: Backs) {
        let mut over = self.state.held.over();
        let mut some = Vec::new();
        loop {
            tokio::select! {
                _ = backs.recv_many(&mut some, AT_ONCE) => {}
                _ = over.wait_for(|over| *over) => return,
            }
            self.give_back(&some).await;
            some.clear();
        }
    }

    async fn give_back(&self, backs: &[Back]) {
        let leases: Vec<Returned> = backs.iter().map(|back| back.lease).collect();
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = self
                .core
                .ledger()
                .hand_back(&leases, self.core.system().now())
                .await
            else {
                return;
            };
            if !error.is_retryable() || pause > LONGEST_PAUSE {
                tracing::warn!(%error, deliveries = leases.len(), "deliveries could not be given back; they go when their leases run out");
                return;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// One attempt, from the rendered request to its record in the ledger.
    async fn attempt(&self, active: &ActiveIntegration, lane: &Lane, lease: Lease, room: &Room) {
        let at = self.core.system().now();
        let destination = active.spec.key;
        if lease.attempts == 0 {
            Metric::LagSeconds.time(
                destination,
                lease
                    .event
                    .recorded_at
                    .duration_until(at)
                    .try_into()
                    .unwrap_or_default(),
            );
        }
        let mut settlement = Settlement {
            customer: lease.event.customer.id,
            delivery: lease.id,
            attempts: lease.attempts,
            at,
            took: Duration::ZERO,
            status: None,
            response: Vec::new(),
            detail: String::new(),
            request: None,
            next: Next::Delivered,
        };
        let Ok(configured) = &active.configured else {
            return;
        };
        let end = match configured.render(&lease.message, &lease.event) {
            Err(unsendable) => End::Unsendable(unsendable),
            Ok(mut request) => {
                configured.sign(&mut request, &lease.id.to_string(), at);
                if let Some(trace) = trace::of(&Span::current()) {
                    request.headers.push(Header {
                        name: "traceparent",
                        value: trace,
                        secret: false,
                    });
                }
                let began = self.core.system().uptime();
                let transport = self.core.transport();
                let answer = transport.send(&request, active.timeout()).await;
                settlement.took = self.core.system().uptime().saturating_sub(began);
                settlement.request = Some(shown(&request));
                let end = End::of(configured.as_ref(), &answer);
                if let Ok(response) = answer {
                    settlement.status = Some(response.status);
                    settlement.response = response.body;
                    settlement.response.truncate(STORED_ANSWER);
                }
                end
            }
        };
        if matches!(end, End::Answered(_, Outcome::Gone(_))) {
            self.pause_gone(active).await;
        }
        let (verdict, detail) = end.judge();
        settlement.detail = detail;
        settlement.next = match verdict {
            Verdict::Delivered => Next::Delivered,
            Verdict::Failed(reason) => Next::Failed(reason),
            Verdict::Again(reason, asked) => self.retry(active, &lease, reason, asked),
        };
        let outcome = match &settlement.next {
            Next::Delivered => "delivered",
            Next::Failed(reason) | Next::Retry(reason, _) => reason.id(),
        };
        trace::attempted(&Span::current(), outcome, settlement.status);
        Metric::AttemptsMade.count([("destination", destination), ("outcome", outcome)]);
        Metric::AttemptSeconds.time(destination, settlement.took);
        if lane.heard(end.says(), self.core.system().now()) {
            tracing::warn!(integration.id = %active.row.id, destination.key = destination, "the endpoint keeps failing; it is left alone and probed");
        }
        let duration_ms = u64::try_from(settlement.took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(delivery.id = %lease.id, event.id = %lease.event.id, destination.key = destination, attempt = lease.attempts + 1, outcome, status = settlement.status, duration_ms, "attempt made");
        let (released, until) = self.settle(active, settlement).await;
        // What waited for this one goes to the same endpoint.
        for lease in released {
            lane.push(Job::new(lease, until, room.another()));
        }
    }

    /// Pauses an integration whose endpoint wants no more. What comes later is kept until somebody resumes it.
    async fn pause_gone(&self, active: &ActiveIntegration) {
        let mut row = (*active.row).clone();
        row.paused = true;
        let change = vec![ConfigurationChange::PutIntegration(row)];
        match self
            .core
            .configure(change, "the endpoint, which answered 410")
            .await
        {
            Ok(true) => {
                tracing::warn!(integration.id = %active.row.id, "the endpoint wants no more; the integration is paused");
            }
            // Another attempt paused it, or somebody changes it: the next answer says so again.
            Ok(false) => {}
            Err(error) => {
                tracing::error!(integration.id = %active.row.id, %error, "an integration whose endpoint is gone could not be paused");
            }
        }
    }

    /// Records an attempt, as often as it takes: the request is out, and only the record keeps it from being sent again.
    /// Answers with what waited for its delivery, and until when that is leased.
    async fn settle(
        &self,
        active: &ActiveIntegration,
        settlement: Settlement,
    ) -> (Vec<Lease>, Timestamp) {
        let mut pause = FIRST_PAUSE;
        loop {
            let lease_until = active.lease_until(self.core.system().now());
            match self
                .core
                .ledger()
                .settle(settlement.clone(), lease_until)
                .await
            {
                Ok(settled) => {
                    self.core.note_change();
                    return (settled.released, lease_until);
                }
                Err(error) if error.is_retryable() && pause < LONGEST_PAUSE => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; the delivery will be sent again when its lease runs out");
                    return (Vec::new(), lease_until);
                }
            }
        }
    }

    /// The next attempt, or giving up.
    fn retry(
        &self,
        active: &ActiveIntegration,
        lease: &Lease,
        reason: NotSent,
        asked: Option<Duration>,
    ) -> Next {
        let now = self.core.system().now();
        let age = lease
            .accepted_at
            .duration_until(now)
            .try_into()
            .unwrap_or_default();
        let policy = active
            .configured
            .as_ref()
            .map(|configured| configured.retry());
        let pause = policy.ok().and_then(|policy| {
            policy.delay(lease.round + 1, age, asked, self.core.system().entropy())
        });
        pause
            .and_then(|pause| now.saturating_add(pause).ok())
            .map_or(Next::Failed(reason), |due_at| Next::Retry(reason, due_at))
    }

    /// Claims what is due: retries, deliveries that found no room, and leases of nodes that are gone.
    async fn poll_due(self) {
        let mut stopping = self.core.stopping();
        let mut reloads = self.core.reloads();
        loop {
            tokio::select! {
                () = self.state.due.notified() => {}
                // What was held may go now.
                Ok(()) = reloads.changed() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            if let Err(error) = self.claim_due().await {
                tracing::error!(%error, "due deliveries could not be claimed; trying again");
            }
        }
    }

    /// Answers how many there were.
    pub(crate) async fn claim_due(&self) -> Result<usize, ledger::LedgerError> {
        let now = self.core.system().now();
        let mut claimed = 0;
        let (setup, dispatcher) = (self.core.setup(), &self.state);
        let mut among: Vec<IntegrationId> = setup
            .integrations()
            .filter(|active| active.held().is_none() && dispatcher.takes(active, now))
            .map(|active| active.row.id)
            .collect();
        // Whoever comes first has the most room: each is first in turn.
        let turn = dispatcher.turn.fetch_add(1, Ordering::Relaxed);
        if !among.is_empty() {
            let first = turn % among.len();
            among.rotate_left(first);
        }
        for id in self.core.ledger().integrations_due(&among, now).await? {
            let Some(active) = setup.integration(id) else {
                continue;
            };
            let lane = self.lane(id);
            let capacity = dispatcher.nodes.capacity(active.limits());
            let rooms = lane.reserve_up_to(AT_ONCE, capacity, now);
            if rooms.is_empty() {
                continue;
            }
            let until = active.lease_until(now);
            let leases = self
                .core
                .ledger()
                .claim(id, now, until, rooms.len())
                .await?;
            claimed += leases.len();
            if leases.len() == AT_ONCE {
                dispatcher.wake();
            }
            for (lease, room) in leases.into_iter().zip(rooms) {
                lane.push(Job::new(lease, until, room));
            }
        }
        Ok(claimed)
    }
}
