//! What an attempt leaves to be recorded.

use super::exchange::{Came, Exchange};
use crate::{
    core::MENDED,
    dispatch::{
        end::{End, Remark},
        shown::shown,
    },
    setup::ActiveIntegration,
    trace,
};
use domain::Headers;
use jiff::Timestamp;
use ledger::{Lease, MadeWith, Next, Order, SentRequest, Settlement};
use std::time::Duration;

/// Most of an answer that is stored.
const STORED_ANSWER: usize = 4 << 10;
/// What metrics and traces call a delivery that was accepted with a reservation.
const PARTLY: &str = "delivered_partly";

/// What an attempt leaves to be recorded.
#[derive(Clone, Default)]
pub(super) struct Sent {
    pub(super) took: Duration,
    status: Option<u16>,
    headers: Headers,
    response: Vec<u8>,
    /// What people should know of the answer, whatever it means.
    remark: Option<Remark>,
    request: Option<SentRequest>,
}

impl Sent {
    /// What came of the last request of an attempt, which `took` so long in all, and in which this was `also` sent.
    pub(super) fn of(exchange: Exchange, also: String, took: Duration) -> Self {
        let Exchange { request, came } = exchange;
        let via = request.via.clone();
        let is_sent = !request.url.is_empty();
        let request = is_sent.then(|| SentRequest {
            also,
            ..shown(&request)
        });
        let sent = Self {
            took,
            request,
            ..Self::default()
        };
        match came {
            Came::Answer(mut response) | Came::NoToken(mut response, _) => {
                let remark = Remark::of(&via, &response);
                response.body.truncate(STORED_ANSWER);
                Self {
                    status: Some(response.status),
                    headers: response.headers,
                    response: response.body,
                    remark,
                    ..sent
                }
            }
            Came::Unsendable(_) | Came::Nothing(_) => sent,
        }
    }

    /// The same for one of several deliveries that went in one request, with its own part of the body, and the `news` of its customer.
    pub(super) fn in_part(&self, part: String, news: &str, others: usize) -> Self {
        let also = match others {
            0 => String::new(),
            1 => "another delivery went in the same request".to_owned(),
            others => format!("{others} other deliveries went in the same request"),
        };
        let request = self.request.as_ref().map(|request| SentRequest {
            body: if others == 0 {
                request.body.clone()
            } else {
                part
            },
            also: joined(news, &also),
            ..request.clone()
        });
        Self {
            request,
            ..self.clone()
        }
    }

    /// What was answered.
    pub(super) const fn status(&self) -> Option<u16> {
        self.status
    }

    /// What metrics, traces and logs call it. That a format takes an answer for accepted is not all there is to say of it.
    pub(super) fn outcome(&self, end: &End, next: &Next) -> &'static str {
        match (next.reason(), &self.remark) {
            (Some(reason), _) => reason.id(),
            (None, Some(remark)) => remark.outcome(),
            (None, None) if end.is_partly() => PARTLY,
            (None, None) => trace::DELIVERED,
        }
    }

    /// The record of the attempt that began `at`.
    pub(super) fn settlement(
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

/// Two remarks, of which there may be none.
pub(super) fn joined(one: &str, other: &str) -> String {
    let between = if one.is_empty() || other.is_empty() {
        ""
    } else {
        "; "
    };
    format!("{one}{between}{other}")
}

/// What is told of an attempt before what is remarked about its answer.
fn said(detail: &str, status: Option<u16>) -> String {
    match status {
        Some(status) if detail.is_empty() => format!("answered {status}"),
        _ => detail.to_owned(),
    }
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
