//! One attempt: rendered, signed, sent, judged and recorded.

mod batch;
mod exchange;
mod fault;
mod heard;
mod known;
mod parting;
mod record;
mod send;
mod waits;

use super::{
    Dispatch,
    end::{End, Judgement, Says, Verdict},
    held::{Job, Room},
    lane::{Lane, Tried},
    settle::is_early,
};
use crate::{metric::Metric, setup::ActiveIntegration, trace};
use destinations::Configured;
use domain::{EventKind, NotSent, time::after};
use exchange::Budget;
use jiff::{SignedDuration, Timestamp};
use ledger::{Failure, Lease, Next, Settlement};
use record::Sent;
use send::Outgoing;
use std::time::Duration;
use tracing::Span;

/// How often a delivery is put off without that being a try of its own.
const MOST_PUT_OFF: u32 = 100;
/// How long before its lease ends an attempt is over, so that there is time to record it.
const TO_RECORD: Duration = Duration::from_secs(5);

impl Dispatch {
    /// One attempt, from the rendered request to its record in the ledger, by a lease until then.
    pub(super) async fn attempt(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        (lease, room): (Lease, Room),
        until: Timestamp,
    ) {
        let Ok(configured) = &active.configured else {
            return;
        };
        let with = self.outgoing(active, configured.as_ref(), until);
        measure_lag(active, &lease, with.at);
        let sending = fault::caught(self.send(&with, &lease)).await;
        let (end, sent) = sending.unwrap_or_else(|| {
            let unanswered = with.unanswered(&fault::after(), &lease);
            (unanswered, Sent::default())
        });
        let judged = weigh(&end, lane, &lease);
        let tried = self.tried_at(&with, &lease);
        let said = (&end, judged.says);
        self.tell(active, lane, &lease, said, tried).await;
        let how = (tried, self.core.system().entropy());
        self.conclude(active, lane, (lease, room), (end, judged), sent, how)
            .await;
    }

    /// What an attempt is made with that begins now, by leases until then.
    fn outgoing<'a>(
        &self,
        active: &'a ActiveIntegration,
        configured: &'a dyn Configured,
        until: Timestamp,
    ) -> Outgoing<'a> {
        let (at, began) = (self.core.system().now(), self.core.system().uptime());
        Outgoing {
            active,
            configured,
            at,
            began,
            budget: budget(active.timeout(), began, at.duration_until(until)),
        }
    }

    /// An attempt, as far as it says something about outages.
    fn tried_at(&self, with: &Outgoing<'_>, lease: &Lease) -> Tried {
        Tried {
            at: with.at,
            ended: self.core.system().now(),
            is_early: is_early(with.configured.retry(), lease, with.at),
        }
    }

    /// Records what became of a delivery, and takes up what that released.
    async fn conclude(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        (lease, room): (Lease, Room),
        (end, judged): (End, Judgement),
        sent: Sent,
        (tried, entropy): (Tried, u64),
    ) {
        let Ok(configured) = &active.configured else {
            return;
        };
        let Judgement {
            says,
            verdict,
            detail,
        } = judged;
        let at = tried.at;
        let kept = self.kept(active, lane, &lease, verdict);
        let next = match verdict {
            Verdict::Delivered => Next::Delivered,
            Verdict::Failed(reason) => Next::Failed(reason),
            Verdict::Again(reason) => {
                let policy = configured.retry();
                let pause = Self::pause(policy, &lease, tried, sent.took, entropy);
                self.retry(tried, reason, pause, end.asked())
            }
            Verdict::Later(reason) => {
                Next::Later(reason, kept.unwrap_or_else(|| lane.due(&lease, at)))
            }
            Verdict::Waits(reason, until) => Next::Later(reason, until),
        };
        if matches!(next, Next::Delivered | Next::Failed(_)) {
            lane.forget(lease.id);
        }
        let order = lane.order(active, at, self.core.system().uptime());
        let outcome = sent.outcome(&end, &next);
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
        // What is held waits in the ledger until it is asked again, whatever it was put off for.
        if !matches!(verdict, Verdict::Later(_)) || lane.is_locked_out() {
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
}

/// How long the requests of an attempt may take that `began` so long before its lease ends.
fn budget(timeout: Duration, began: Duration, left: SignedDuration) -> Budget {
    let left = Duration::try_from(left).unwrap_or_default();
    let left = left.saturating_sub(TO_RECORD).max(timeout);
    Budget {
        timeout,
        end: began.saturating_add(left),
    }
}

/// What an attempt says about its endpoint, what becomes of its delivery, and what people read about it. What is put off while others are
/// taken, or too often, is tried again like anything else: it is not the endpoint that waits. Where the endpoint is held, the attempt was made to see whether
/// it takes the credentials again: that it fails in another way is no try of its delivery either, however often that is.
fn weigh(end: &End, lane: &Lane, lease: &Lease) -> Judgement {
    let mut judged = end.judge();
    if lane.is_locked_out() {
        if let Verdict::Again(reason) = judged.verdict {
            judged.verdict = Verdict::Later(reason);
        }
        return judged;
    }
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
