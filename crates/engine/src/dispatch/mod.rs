//! Dispatch: what was committed is sent, classified and settled.
//!
//! A delivery reaches a lane in one of three ways, always leased: handed over by the intake that committed it, released by
//! the settling of the one it waited for, or claimed from the ledger when due. In the steady state nothing is claimed.

mod attempt;
pub(crate) mod handshake;
pub(crate) mod lane;

pub use handshake::Handshake;
pub use lane::LaneHealth;

use crate::{Engine, metric::Metric, setup::ActiveIntegration, trace};
use attempt::{End, Verdict, shown};
use destinations::{Header, Outcome};
use domain::{DeliveryId, Event, IntegrationId, NotSent};
use jiff::Timestamp;
use lane::{Job, Lane, Limits, Nodes};
use ledger::{ConfigurationChange, Lease, NewDelivery, Next, Returned, Settlement};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument, Span};

/// How often the ledger is asked for due deliveries when nothing wakes the poll.
const POLL: Duration = Duration::from_millis(200);
/// Deliveries claimed at once for one integration.
const CLAIM: usize = 256;
/// Most of an answer that is stored.
const STORED_ANSWER: usize = 4 << 10;

type NewLane = (IntegrationId, Arc<Lane>, mpsc::UnboundedReceiver<Job>);

#[derive(Default)]
pub(crate) struct Dispatcher {
    lanes: Mutex<BTreeMap<IntegrationId, Arc<Lane>>>,
    /// Lanes whose task has not been started.
    new_lanes: Mutex<Vec<NewLane>>,
    due: Notify,
    /// How many share what an endpoint may be asked.
    pub(crate) nodes: Nodes,
    /// Rises with every look at the ledger.
    turn: AtomicUsize,
}

/// Room promised to the deliveries of one commit, given back unless it is used.
pub(crate) struct Reservations<'a> {
    dispatcher: &'a Dispatcher,
    lanes: BTreeMap<IntegrationId, (Arc<Lane>, usize)>,
}

impl Dispatcher {
    pub(crate) fn wake(&self) {
        self.due.notify_one();
    }

    pub(crate) fn reservations(&self) -> Reservations<'_> {
        Reservations {
            dispatcher: self,
            lanes: BTreeMap::new(),
        }
    }

    fn lane(&self, integration: &ActiveIntegration) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let id = integration.row.id;
        let lane = lanes.entry(id).or_insert_with(|| {
            let (lane, queue) = Lane::new();
            self.new_lanes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((id, Arc::clone(&lane), queue));
            lane
        });
        Arc::clone(lane)
    }

    /// Whether this node would take a delivery of the integration from the ledger now.
    fn takes(&self, integration: &ActiveIntegration, now: Timestamp) -> bool {
        let capacity = self.nodes.capacity(integration.limits());
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes
            .get(&integration.row.id)
            .is_none_or(|lane| lane.has_room(capacity, now))
    }

    pub(crate) fn health(&self) -> Vec<(IntegrationId, LaneHealth)> {
        self.lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(id, lane)| (*id, lane.health()))
            .collect()
    }

    pub(crate) async fn drain(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let busy = || {
            self.lanes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
                .any(|lane| lane.health().held > 0)
        };
        while busy() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Reservations<'_> {
    /// Whether this node will send `messages` more deliveries of the integration itself.
    pub(crate) fn reserve(
        &mut self,
        integration: &ActiveIntegration,
        messages: usize,
        _now: Timestamp,
    ) -> bool {
        if integration.held().is_some() {
            return false;
        }
        let lane = self.dispatcher.lane(integration);
        let capacity = self.dispatcher.nodes.capacity(integration.limits());
        let reserved = lane.reserve(messages, capacity);
        if reserved {
            self.lanes.entry(integration.row.id).or_insert((lane, 0)).1 += messages;
        }
        reserved
    }

    /// Queues those of the committed deliveries that wait for no other.
    pub(crate) fn hand_over(
        mut self,
        engine: &Engine,
        events: Vec<Event>,
        deliveries: Vec<NewDelivery>,
        ready: &[DeliveryId],
    ) {
        let events: BTreeMap<_, _> = events
            .into_iter()
            .map(|event| (event.id, Arc::new(event)))
            .collect();
        for delivery in deliveries
            .into_iter()
            .filter(|delivery| ready.contains(&delivery.id))
        {
            let Some((lane, reserved)) = self
                .lanes
                .get_mut(&delivery.integration)
                .filter(|(_, reserved)| *reserved > 0)
            else {
                self.dispatcher.wake();
                continue;
            };
            let Some(event) = events.get(&delivery.event) else {
                continue;
            };
            *reserved -= 1;
            // Where room was promised, it is written as due when the lease ends.
            let until = delivery.due_at;
            let lease = Lease {
                id: delivery.id,
                integration: delivery.integration,
                message: delivery.message,
                event: Arc::clone(event),
                trace: delivery.trace,
                attempts: 0,
                round: 0,
                accepted_at: delivery.accepted_at,
            };
            lane.push(Job { lease, until });
        }
        engine.start_lanes();
    }
}

impl Drop for Reservations<'_> {
    fn drop(&mut self) {
        for (lane, unused) in self.lanes.values() {
            lane.give_back(*unused);
        }
    }
}

impl Engine {
    /// Starts the tasks of lanes that were created since.
    fn start_lanes(&self) {
        let new = std::mem::take(
            &mut *self
                .inner
                .dispatcher
                .new_lanes
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (id, lane, queue) in new {
            tokio::spawn(self.clone().run_lane(id, lane, queue));
        }
    }

    async fn run_lane(
        self,
        integration: IntegrationId,
        lane: Arc<Lane>,
        mut queue: mpsc::UnboundedReceiver<Job>,
    ) {
        let mut stopping = self.stopping();
        loop {
            let job = tokio::select! {
                job = queue.recv() => job,
                _ = stopping.wait_for(|stopping| *stopping) => None,
            };
            let Some(job) = job else {
                let rest = std::iter::from_fn(|| queue.try_recv().ok()).collect();
                return self.hand_back(&lane, rest).await;
            };
            let nodes = &self.inner.dispatcher.nodes;
            let unlimited = Limits {
                concurrency: 1,
                per_second: None,
            };
            let limits = || {
                let setup = self.setup();
                let active = setup.integration(integration);
                active.map_or(unlimited, ActiveIntegration::limits)
            };
            while let Some(wait) = lane.wait(limits(), nodes, self.system().now()) {
                tokio::time::sleep(wait).await;
            }
            let under_way = lane.begin(limits, nodes).await;
            let setup = self.setup();
            let now = self.system().now();
            let active = setup
                .integration(integration)
                .filter(|active| active.held().is_none())
                .cloned();
            // Held, leased too long ago, or the breaker opened while it waited: let the lease run out, the row stays due. A node that stops
            // gives it back.
            let Some(active) = active.filter(|active| {
                lane.admits(now)
                    && !self.core().is_stopping()
                    && now
                        .saturating_add(active.timeout())
                        .is_ok_and(|end| end < job.until)
            }) else {
                drop(under_way);
                if self.core().is_stopping() {
                    self.hand_back(&lane, vec![job]).await;
                } else {
                    lane.give_back(1);
                }
                continue;
            };
            let (engine, lane) = (self.clone(), Arc::clone(&lane));
            tokio::spawn(async move {
                let span = trace::attempt(active.spec.key, &job.lease);
                let attempt = engine.attempt(&active, &lane, job.lease);
                attempt.instrument(span).await;
                lane.give_back(1);
                drop(under_way);
            });
        }
    }

    /// Gives back what a lane holds when the node stops: others take it up at once.
    async fn hand_back(&self, lane: &Lane, jobs: Vec<Job>) {
        let leases: Vec<Lease> = jobs.into_iter().map(|job| job.lease).collect();
        self.return_leases(&leases).await;
        lane.give_back(leases.len());
    }

    async fn return_leases(&self, leases: &[Lease]) {
        if leases.is_empty() {
            return;
        }
        let returned: Vec<Returned> = leases.iter().map(Returned::from).collect();
        if let Err(error) = self
            .ledger()
            .hand_back(&returned, self.system().now())
            .await
        {
            tracing::warn!(%error, deliveries = leases.len(), "deliveries could not be given back; they go when their leases run out");
        }
    }

    /// One attempt, from the rendered request to its record in the ledger.
    async fn attempt(&self, active: &ActiveIntegration, lane: &Lane, lease: Lease) {
        let at = self.system().now();
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
                let began = self.system().uptime();
                let transport = self.core().transport();
                let answer = transport.send(&request, active.timeout()).await;
                settlement.took = self.system().uptime().saturating_sub(began);
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
        if lane.heard(end.says(), self.system().now()) {
            tracing::warn!(integration.id = %active.row.id, destination.key = destination, "the endpoint keeps failing; it is left alone and probed");
        }
        let duration_ms = u64::try_from(settlement.took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(delivery.id = %lease.id, event.id = %lease.event.id, destination.key = destination, attempt = lease.attempts + 1, outcome, status = settlement.status, duration_ms, "attempt made");
        self.settle(active, settlement).await;
    }

    /// Pauses an integration whose endpoint wants no more. What comes later is kept until somebody resumes it.
    async fn pause_gone(&self, active: &ActiveIntegration) {
        let mut row = (*active.row).clone();
        row.paused = true;
        let change = vec![ConfigurationChange::PutIntegration(row)];
        match self
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
    async fn settle(&self, active: &ActiveIntegration, settlement: Settlement) {
        let mut pause = Duration::from_millis(50);
        loop {
            let lease_until = active.lease_until(self.system().now());
            match self.ledger().settle(settlement.clone(), lease_until).await {
                Ok(settled) => {
                    if self.core().is_stopping() {
                        self.return_leases(&settled.released).await;
                    } else {
                        for lease in settled.released {
                            self.take_up(lease, lease_until);
                        }
                    }
                    self.note_change();
                    return;
                }
                Err(error) if error.is_retryable() && pause < Duration::from_secs(30) => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; the delivery will be sent again when its lease runs out");
                    return;
                }
            }
        }
    }

    fn take_up(&self, lease: Lease, until: Timestamp) {
        let setup = self.setup();
        if let Some(active) = setup.integration(lease.integration) {
            self.inner
                .dispatcher
                .lane(active)
                .take_up(Job { lease, until });
            self.start_lanes();
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
        let now = self.system().now();
        let age = lease
            .accepted_at
            .duration_until(now)
            .try_into()
            .unwrap_or_default();
        let policy = active
            .configured
            .as_ref()
            .map(|configured| configured.retry());
        let pause = policy
            .ok()
            .and_then(|policy| policy.delay(lease.round + 1, age, asked, self.system().entropy()));
        pause
            .and_then(|pause| now.saturating_add(pause).ok())
            .map_or(Next::Failed(reason), |due_at| Next::Retry(reason, due_at))
    }

    /// Claims what is due: retries, deliveries that found no room, and leases of nodes that are gone.
    pub(crate) async fn poll_due(self) {
        let mut stopping = self.stopping();
        let mut reloads = self.core().reloads();
        loop {
            tokio::select! {
                () = self.inner.dispatcher.due.notified() => {}
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
        let now = self.system().now();
        let mut claimed = 0;
        let (setup, dispatcher) = (self.setup(), &self.inner.dispatcher);
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
        for id in self.ledger().integrations_due(&among, now).await? {
            let Some(active) = setup.integration(id) else {
                continue;
            };
            let lane = dispatcher.lane(active);
            let capacity = dispatcher.nodes.capacity(active.limits());
            let room = lane.reserve_up_to(CLAIM, capacity, now);
            if room == 0 {
                continue;
            }
            let until = active.lease_until(now);
            let leases = self
                .ledger()
                .claim(id, now, until, room)
                .await
                .inspect_err(|_| lane.give_back(room))?;
            lane.give_back(room - leases.len().min(room));
            claimed += leases.len();
            if leases.len() == CLAIM {
                self.inner.dispatcher.wake();
            }
            for lease in leases {
                lane.push(Job { lease, until });
            }
            self.start_lanes();
        }
        Ok(claimed)
    }
}
