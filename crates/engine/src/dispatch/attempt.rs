//! One attempt: rendered, signed, sent, judged and recorded.

use super::{
    Dispatch,
    end::{End, Verdict},
    held::{Job, Room},
    lane::Lane,
};
use crate::{metric::Metric, setup::ActiveIntegration, trace};
use destinations::{Header, Outcome, Request};
use ledger::{ConfigurationChange, Lease, Next, SentRequest, Settlement};
use std::time::Duration;
use tracing::Span;

/// Most of an answer that is stored.
const STORED_ANSWER: usize = 4 << 10;

impl Dispatch {
    /// One attempt, from the rendered request to its record in the ledger.
    pub(super) async fn attempt(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        lease: Lease,
        room: &Room,
    ) {
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
            order: lane.order(active, at, self.core.system().uptime()),
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
            Verdict::Again(reason, asked) => self.retry(active, &lease, at, reason, asked),
        };
        let outcome = match &settlement.next {
            Next::Delivered => "delivered",
            Next::Failed(reason) | Next::Retry(reason, _) | Next::Later(reason, _) => reason.id(),
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
}

/// A request as people may see it.
pub(super) fn shown(request: &Request) -> SentRequest {
    SentRequest {
        url: request.shown_url(),
        headers: request
            .shown_headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8_lossy(&request.body).into_owned(),
    }
}
