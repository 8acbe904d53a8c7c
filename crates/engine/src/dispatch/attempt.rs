//! One attempt: rendered, signed, sent, judged and recorded.

use super::{
    Dispatch,
    end::{End, Judgement, Remark, Says, Verdict},
    held::{Job, Room},
    lane::{Lane, Tried, Turned},
    retry_after::asked,
    settle::is_early,
};
use crate::{core::MENDED, metric::Metric, setup::ActiveIntegration, trace};
use destinations::{AppFacts, Configured, Header, Now, Outcome, Request};
use domain::{Environment, EventKind, Headers, NotSent, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    ConfigurationChange, Failure, Integration, Lease, MadeWith, Next, Order, SentRequest,
    Settlement, Verification,
};
use std::time::Duration;
use tracing::Span;

/// Most of an answer that is stored.
const STORED_ANSWER: usize = 4 << 10;
/// How often a delivery is put off without that being a try of its own.
const MOST_PUT_OFF: u32 = 100;

impl Dispatch {
    /// One attempt, from the rendered request to its record in the ledger.
    pub(super) async fn attempt(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        lease: Lease,
        room: &Room,
    ) {
        let Ok(configured) = &active.configured else {
            return;
        };
        let at = self.core.system().now();
        measure_lag(active, &lease, at);
        let (end, sent) = self.send(active, configured.as_ref(), &lease, at).await;
        let Judgement {
            says,
            verdict,
            detail,
        } = weigh(&end, lane, &lease);
        let tried = Tried {
            at,
            ended: self.core.system().now(),
            is_early: is_early(configured.retry(), &lease, at),
        };
        self.tell(active, lane, &lease, (&end, says), tried).await;
        let kept = self.kept(active, lane, &lease, verdict);
        let next = match verdict {
            Verdict::Delivered => Next::Delivered,
            Verdict::Failed(reason) => Next::Failed(reason),
            Verdict::Again(reason) => {
                let policy = configured.retry();
                self.retry(policy, &lease, tried, sent.took, reason, end.asked())
            }
            Verdict::Later(reason) => {
                Next::Later(reason, kept.unwrap_or_else(|| lane.due(&lease, at)))
            }
        };
        if matches!(next, Next::Delivered | Next::Failed(_)) {
            lane.forget(lease.id);
        }
        let order = lane.order(active, at, self.core.system().uptime());
        let outcome = sent.outcome(&next);
        let settlement = sent.settlement(active, &lease, at, detail, next, order);
        if says.is_outcome() {
            let heard = self.core.system().now();
            lane.note(at, heard, failure(says, &settlement));
        }
        let told = lane.tell(says, self.core.system().uptime());
        note(active, &lease, &settlement, outcome, told);
        let may_be_mended = settlement.lacked.is_some();
        let released = self.settle(active, settlement).await;
        if let Some(until) = kept.filter(|_| released.is_recorded) {
            lane.push(Job::new(lease.put_off(), until, room.another()));
        }
        if may_be_mended {
            self.look_for_other_settings().await;
        }
        // What comes after this one goes to the same endpoint.
        for lease in released.leases {
            lane.push(Job::new(lease, released.until, room.another()));
        }
    }

    /// Until when what its endpoint put off stays leased to this node, to go first.
    fn kept(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        lease: &Lease,
        verdict: Verdict,
    ) -> Option<Timestamp> {
        if !matches!(verdict, Verdict::Later(_)) {
            return None;
        }
        let (now, uptime) = (self.core.system().now(), self.core.system().uptime());
        let until = active.lease_until(now);
        let needed = lane
            .keeps(lease.id, uptime)?
            .saturating_add(active.timeout());
        let needed = SignedDuration::try_from(needed).ok()?;
        (after(now, needed) < until).then_some(until)
    }

    /// What failed for want of settings is due again soon where others were saved since its attempt began: the next is made with them.
    async fn look_for_other_settings(&self) {
        if let Err(error) = self.core.reload().await {
            tracing::warn!(%error, "the configuration could not be read again; trying again soon");
        }
    }

    /// Renders, signs and sends a message. Answers how that ended, and what there is to record.
    async fn send(
        &self,
        active: &ActiveIntegration,
        configured: &dyn Configured,
        lease: &Lease,
        at: Timestamp,
    ) -> (End, Sent) {
        let now = Now::of(&lease.event, at, AppFacts::UNKNOWN);
        let mut request = match configured.render(&lease.message, &lease.event, now) {
            Err(unsendable) => return (End::Unsendable(unsendable), Sent::default()),
            Ok(request) => request,
        };
        configured.sign(&mut request, &lease.id.to_string(), at);
        if let Some(trace) = trace::of(&Span::current()) {
            request.headers.push(Header {
                name: "traceparent",
                value: trace,
                secret: false,
            });
        }
        let system = self.core.system();
        let began = system.uptime();
        let transport = self.core.transport();
        let mut answer = transport.send(&request, active.timeout()).await;
        let mut sent = Sent {
            took: system.uptime().saturating_sub(began),
            request: Some(shown(&request)),
            ..Sent::default()
        };
        if let Ok(response) = &mut answer {
            response.retry_after = asked(response.status, &response.headers, system.now());
        }
        let end = End::of(configured, &answer);
        if let Ok(mut response) = answer {
            sent.remark = Remark::of(&response);
            response.body.truncate(STORED_ANSWER);
            sent.status = Some(response.status);
            sent.headers = response.headers;
            sent.response = response.body;
        }
        (end, sent)
    }

    /// Tells the lane, and whoever has to act, what an attempt said about the endpoint.
    async fn tell(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        lease: &Lease,
        (end, says): (&End, Says),
        tried: Tried,
    ) {
        let (now, uptime) = (self.core.system().now(), self.core.system().uptime());
        let turned = lane.heard(says, lease, tried, uptime);
        lane.note_pause(turned, now, uptime);
        match turned {
            Turned::No => {}
            Turned::Opened => {
                tracing::warn!(integration.id = %active.row.id, destination.key = active.spec.key, "the endpoint keeps failing; it is left alone and probed");
            }
            Turned::LockedOut => self.lock_out(active, lease.lane.endpoint, end).await,
        }
        if says == Says::Accepted {
            self.release(active, lease.lane.endpoint).await;
        }
        if matches!(end, End::Answered(_, Outcome::Gone(_))) {
            self.leave_gone(active, lease.lane.endpoint, end).await;
        }
    }

    /// Holds an endpoint that refused the credentials twice in a row, or wants no more: nothing gets through until somebody changes that.
    async fn lock_out(&self, active: &ActiveIntegration, endpoint: Environment, end: &End) {
        let problem = end.detail();
        let at = self.core.system().now();
        tracing::warn!(integration.id = %active.row.id, endpoint = endpoint.id(), problem, "the endpoint refuses what it is sent; its deliveries are held");
        let is_gone = matches!(end, End::Answered(_, Outcome::Gone(_)));
        let refused = Verification::Refused {
            problem,
            at,
            is_gone,
        };
        if let Err(error) = self.store(&refused, active, endpoint).await {
            tracing::error!(integration.id = %active.row.id, %error, "an endpoint that refuses what it is sent could not be held");
        }
    }

    /// Lets everything go to an endpoint that was held for the credentials it refused, and has taken them.
    async fn release(&self, active: &ActiveIntegration, endpoint: Environment) {
        let setup = self.core.setup();
        let is_held = setup
            .integration(active.row.id)
            .is_some_and(|current| current.may_take_again(endpoint));
        if !is_held {
            return;
        }
        tracing::info!(integration.id = %active.row.id, endpoint = endpoint.id(), "the endpoint takes the credentials again; its deliveries go on");
        if let Err(error) = self.store(&Verification::Passed, active, endpoint).await {
            tracing::error!(integration.id = %active.row.id, %error, "an endpoint that takes the credentials again is still held; the next that it accepts says so again");
        }
        self.wake();
    }

    /// Leaves an endpoint alone that wants no more: it is held, and its integration is paused where it has no other.
    async fn leave_gone(&self, active: &ActiveIntegration, endpoint: Environment, end: &End) {
        if active.endpoints().iter().any(|other| *other != endpoint) {
            self.lock_out(active, endpoint, end).await;
        } else {
            self.pause_gone(active).await;
        }
    }

    /// Pauses an integration whose endpoint wants no more. What comes later is kept until somebody resumes it.
    async fn pause_gone(&self, active: &ActiveIntegration) {
        let _turn = self.core.turn_to_decide().await;
        let setup = self.core.setup();
        // As it is now, and not as it was when the attempt began.
        let current = setup
            .integration(active.row.id)
            .filter(|current| current.row.sealed_settings == active.row.sealed_settings);
        let Some(current) = current else {
            return;
        };
        let row = Integration {
            paused: true,
            ..(*current.row).clone()
        };
        let change = vec![ConfigurationChange::PutIntegration(row)];
        match self
            .core
            .configure(&setup, change, "the endpoint, which answered 410")
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
}

/// What an attempt says about its endpoint, what becomes of its delivery, and what people read about it. What is put off while others are
/// taken, or too often, is tried again like anything else: it is not the endpoint that waits.
fn weigh(end: &End, lane: &Lane, lease: &Lease) -> Judgement {
    let mut judged = end.judge();
    if let Verdict::Later(reason) = judged.verdict {
        let is_singled_out = lane.is_singled_out(lease);
        if is_singled_out {
            judged.says = Says::Failing;
        }
        if is_singled_out || lane.times_put_off(lease) >= MOST_PUT_OFF {
            judged.verdict = Verdict::Again(reason);
        }
    }
    judged
}

/// The settings of an attempt, where others may mend what became of it.
fn lacked(active: &ActiveIntegration, next: &Next) -> Option<MadeWith> {
    let Next::Failed(reason) = next else {
        return None;
    };
    MENDED.contains(reason).then(|| MadeWith {
        integration: active.row.id,
        sealed_settings: active.row.sealed_settings.clone(),
    })
}

/// What an attempt leaves to be recorded.
#[derive(Default)]
struct Sent {
    took: Duration,
    status: Option<u16>,
    headers: Headers,
    response: Vec<u8>,
    /// What people should know of the answer, whatever it means.
    remark: Option<Remark>,
    request: Option<SentRequest>,
}

impl Sent {
    /// What metrics, traces and logs call it. That a format takes an answer for accepted is not all there is to say of it.
    fn outcome(&self, next: &Next) -> &'static str {
        match (next.reason(), &self.remark) {
            (Some(reason), _) => reason.id(),
            (None, Some(remark)) => remark.outcome(),
            (None, None) => trace::DELIVERED,
        }
    }

    /// The record of the attempt that began `at`.
    fn settlement(
        self,
        active: &ActiveIntegration,
        lease: &Lease,
        at: Timestamp,
        detail: String,
        next: Next,
        order: Order,
    ) -> Settlement {
        let detail = match &self.remark {
            Some(remark) => {
                let remark = remark.text(next == Next::Delivered);
                format!("{}: {remark}", said(&detail, self.status))
            }
            None => detail,
        };
        Settlement {
            customer: lease.event.customer.id,
            delivery: lease.id,
            attempts: lease.attempts,
            at,
            took: self.took,
            status: self.status,
            headers: self.headers,
            response: self.response,
            detail,
            request: self.request,
            names_customer: !lease.event.customer.is_forgotten(),
            lacked: lacked(active, &next),
            next,
            order,
        }
    }
}

/// What is told of an attempt before what is remarked about its answer.
fn said(detail: &str, status: Option<u16>) -> String {
    match status {
        Some(status) if detail.is_empty() => format!("answered {status}"),
        _ => detail.to_owned(),
    }
}

fn measure_lag(active: &ActiveIntegration, lease: &Lease, at: Timestamp) {
    if lease.attempts == 0 {
        let lag = lease.event.recorded_at.duration_until(at);
        Metric::LagSeconds.time(active.spec.key, lag.try_into().unwrap_or_default());
    }
}

/// Why nothing was accepted, if nothing was.
fn failure(says: Says, settlement: &Settlement) -> Option<Failure> {
    // Where none is recorded, its format takes a redirect for an answer.
    let reason = settlement.next.reason();
    let reason = reason.unwrap_or(NotSent::RejectedByDestination);
    (says != Says::Accepted).then(|| Failure {
        at: settlement.at,
        reason,
        detail: settlement.detail.clone(),
    })
}

/// Counts an attempt, and logs it where it is to be told, with how many before it were not.
fn note(
    active: &ActiveIntegration,
    lease: &Lease,
    settlement: &Settlement,
    outcome: &'static str,
    told: Option<u64>,
) {
    let destination = active.spec.key;
    trace::attempted(&Span::current(), outcome, settlement.status);
    Metric::AttemptsMade.count([("destination", destination), ("outcome", outcome)]);
    Metric::AttemptSeconds.time(destination, settlement.took);
    if lease.event.kind == EventKind::Test && outcome != trace::DELIVERED {
        // Somebody asked whether it works, and looks here.
        tracing::warn!(delivery.id = %lease.id, integration.id = %active.row.id, destination.key = destination, outcome, status = settlement.status, detail = settlement.detail, "a test event was not accepted");
    }
    let Some(untold) = told else { return };
    let duration_ms = u64::try_from(settlement.took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(delivery.id = %lease.id, event.id = %lease.event.id, destination.key = destination, attempt = lease.attempts + 1, outcome, status = settlement.status, duration_ms, untold, "attempt made");
}

/// A request as people may see it.
pub(super) fn shown(request: &Request) -> SentRequest {
    SentRequest {
        url: request.shown_url(),
        headers: request.shown_headers(),
        body: request.shown_body(),
    }
}
