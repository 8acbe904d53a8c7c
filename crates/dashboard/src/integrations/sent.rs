//! What an integration was sent, and how its endpoint was asked whose it is, as people read it.

use crate::{
    as_shown::as_shown,
    text::{clock, exact, indented},
};
use domain::NotSent;
use engine::Handshake;
use ledger::{DeliveryRecord, DeliveryState, SentRequest};
use web::view::{self, Accepted};

/// A delivery as people read it.
pub(crate) struct SentRow {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) at: String,
    pub(crate) at_short: String,
    pub(crate) title: &'static str,
    pub(crate) message: String,
    pub(crate) state: &'static str,
    pub(crate) color: &'static str,
    pub(crate) text: String,
    pub(crate) next: String,
    pub(crate) attempts: u32,
    /// How it is, for whoever sends it again.
    pub(crate) shown: String,
    pub(crate) request: String,
    pub(crate) answer: String,
}

impl SentRow {
    /// `held` is why its integration sends nothing, if it does not.
    pub(crate) fn of(record: DeliveryRecord, held: Option<NotSent>) -> Self {
        let is_pending = record.state == DeliveryState::Pending;
        let held = held.filter(|_| is_pending);
        let accepted = accepted(&record);
        let color = match record.state {
            DeliveryState::Delivered => accepted.color,
            DeliveryState::Pending if held.is_some() || record.attempts == 0 => "blue",
            DeliveryState::Pending | DeliveryState::Failed => "red",
        };
        let answer = record.last.as_ref().map(|last| {
            let status = last
                .status
                .map_or("no answer".into(), |status| status.to_string());
            let said = [last.detail.as_str(), last.response.as_str()];
            let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
            format!(
                "{status} after {} ms\n{}",
                last.duration_ms,
                said.join("\n")
            )
        });
        let request = record.request.as_ref().map(as_text);
        Self {
            shown: as_shown(&record),
            id: record.id.to_string(),
            event: record.event.to_string(),
            at: exact(record.accepted_at),
            at_short: clock(record.accepted_at),
            title: record.kind.title(),
            message: record.message.name,
            state: match record.state {
                _ if held.is_some() => "held",
                DeliveryState::Delivered => accepted.word,
                state => state.id(),
            },
            color,
            text: match held.or(record.reason) {
                Some(reason) => reason.text().to_owned(),
                None if record.waits => view::WAITS.to_owned(),
                None if color == "yellow" => accepted.text,
                None => String::new(),
            },
            next: if is_pending && held.is_none() && !record.waits {
                exact(record.due_at)
            } else {
                String::new()
            },
            attempts: record.attempts,
            request: request.unwrap_or_default(),
            answer: answer.unwrap_or_default(),
        }
    }
}

/// How it is shown where it was delivered.
pub(crate) fn accepted(record: &DeliveryRecord) -> Accepted {
    let last = record.last.as_ref();
    view::accepted(last.map_or("", |last| &last.detail))
}

/// A handshake as people read it.
pub(crate) struct HandshakeLine {
    pub(crate) endpoint: &'static str,
    pub(crate) at: String,
    pub(crate) color: &'static str,
    pub(crate) outcome: String,
    pub(crate) request: String,
    pub(crate) answer: String,
}

impl HandshakeLine {
    pub(crate) fn of(made: Handshake) -> Self {
        let status = made
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        Self {
            endpoint: made.endpoint,
            at: exact(made.at),
            color: if made.problem.is_none() {
                "green"
            } else {
                "red"
            },
            outcome: made.problem.unwrap_or_else(|| "passed".to_owned()),
            request: as_text(&made.request),
            answer: format!(
                "{status} after {} ms\n{}",
                made.took.as_millis(),
                made.answer
            ),
        }
    }
}

/// A request as it goes over the wire, secrets masked.
fn as_text(request: &SentRequest) -> String {
    let headers = request
        .headers
        .iter()
        .map(|header| format!("{}: {}\n", header.name, header.value));
    format!(
        "{} {}\n{}\n{}",
        request.method,
        request.url,
        headers.collect::<String>(),
        indented(&request.body)
    )
}
