//! How a message goes out: rendered with what is known now, signed, sent, and once more after a remedy where one helps.

use super::{
    exchange::{Budget, Came, Exchange, Sender},
    fault,
    known::{Known, is_known, may_have_changed},
    record::{Sent, joined},
    waits,
};
use crate::{
    TransportError,
    decide::Within,
    dispatch::{Dispatch, end::End},
    setup::ActiveIntegration,
    trace,
};
use destinations::{Configured, Header, Outcome, Request, Response, Unsendable};
use domain::NotSent;
use jiff::Timestamp;
use ledger::Lease;
use std::{collections::BTreeMap, time::Duration};
use tracing::Span;

/// What a message goes out with.
pub(super) struct Outgoing<'a> {
    pub(super) active: &'a ActiveIntegration,
    pub(super) configured: &'a dyn Configured,
    pub(super) at: Timestamp,
    /// The same as uptime.
    pub(super) began: Duration,
    pub(super) budget: Budget,
}

impl Dispatch {
    /// Renders, signs and sends a message. Answers how that ended, and what there is to record.
    pub(super) async fn send(&self, with: &Outgoing<'_>, lease: &Lease) -> (End, Sent) {
        let (request, known) = match self.rendered(with, lease).await {
            Err(end) => return (end, Sent::default()),
            Ok(rendered) => rendered,
        };
        let request = with.ready(request, lease);
        let began = self.core.system().uptime();
        let sender = self.sender(with);
        let mut exchange = sender.exchange(request.clone()).await;
        let mut also = String::new();
        if let Came::Answer(response) = &exchange.came
            && let Some(remedy) = with.remedy(lease, &known, response)
        {
            let remedy = Request {
                counts_twice: false,
                ..with.ready(remedy, lease)
            };
            let mended = sender.exchange(remedy).await;
            also = said_of(&exchange);
            exchange = if with.is_mended(&mended) {
                also = format!("{also}, then {}", said_of(&mended));
                sender.exchange(request).await
            } else {
                mended.that_may_be_repeated()
            };
        }
        let end = with.end(&exchange, lease);
        let took = self.core.system().uptime().saturating_sub(began);
        let also = joined(&known.news(&lease.event), &also);
        (end, Sent::of(exchange, also, took))
    }

    /// What sends the requests of an attempt.
    pub(super) fn sender<'a>(&'a self, with: &Outgoing<'a>) -> Sender<'a> {
        Sender {
            core: &self.core,
            tokens: &self.state.tokens,
            active: with.active,
            budget: with.budget,
        }
    }

    /// A message rendered with what is known now, or why it is not sent, or not yet.
    pub(super) async fn rendered(
        &self,
        with: &Outgoing<'_>,
        lease: &Lease,
    ) -> Result<(Request, Known), End> {
        let rendering = fault::caught(self.render(with, lease)).await;
        rendering.unwrap_or_else(|| Err(with.unanswered(&fault::before(), lease)))
    }

    async fn render(&self, with: &Outgoing<'_>, lease: &Lease) -> Result<(Request, Known), End> {
        let (event, configured) = (&lease.event, with.configured);
        match Within::of(configured.window(), event, with.at) {
            Within::Yes => {}
            Within::TooOld(detail) => {
                let reason = NotSent::TooOld;
                return Err(End::Unsendable(Unsendable { reason, detail }));
            }
            Within::NotBefore(from, detail) => {
                let reason = NotSent::TooEarly;
                return Err(End::Waits(Unsendable { reason, detail }, from));
            }
        }
        let mut known = Known::of(self.core.setup(), with.at);
        let looks = configured.reads_attributes() && is_known(event);
        if looks && may_have_changed(lease, with.at) {
            known.attributes = self.newest(lease).await;
        }
        let mut rendered = configured.render(&lease.message, event, known.now(event));
        if looks && known.attributes.is_none() && lacks_attribute(&rendered) {
            known.attributes = self.newest(lease).await;
            rendered = configured.render(&lease.message, event, known.now(event));
        }
        match rendered {
            Ok(request) => Ok((request, known)),
            Err(unsendable) => Err(with.waits(lease, unsendable)),
        }
    }

    /// The attributes of a customer as they are now. Where they cannot be read, those of the event have to do.
    async fn newest(&self, lease: &Lease) -> Option<BTreeMap<String, String>> {
        let (event, ledger) = (&lease.event, self.core.ledger());
        let who = event.customer.id.to_string();
        match ledger.customer(event.project, &who).await {
            Ok(found) => found.map(|record| record.customer.attributes),
            Err(error) => {
                tracing::warn!(delivery.id = %lease.id, %error, "the attributes of a customer could not be read again");
                None
            }
        }
    }
}

fn lacks_attribute(rendered: &Result<Request, Unsendable>) -> bool {
    let why = rendered.as_ref().err();
    why.is_some_and(|why| why.reason == NotSent::MissingCustomerData)
}

/// What was sent and answered, in words.
fn said_of(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let did = format!("{} {}", request.verb(), request.shown_url());
    match &exchange.came {
        Came::Answer(response) | Came::NoToken(response, _) => {
            format!("{did} was answered {}", response.status)
        }
        Came::Unsendable(why) => format!("{did} was not sent ({})", why.detail),
        Came::Nothing(error) => format!("{did} was not answered ({error})"),
    }
}

impl Outgoing<'_> {
    /// A request with what depends on the moment of sending.
    pub(super) fn ready(&self, mut request: Request, lease: &Lease) -> Request {
        self.configured
            .sign(&mut request, &lease.id.to_string(), self.at);
        request.counts_twice = self.counts_twice(lease);
        if let Some(trace) = trace::of(&Span::current()) {
            request.headers.push(Header {
                name: "traceparent",
                value: trace,
                secret: false,
            });
        }
        request
    }

    /// Whether a message would count twice if it came twice.
    pub(super) fn counts_twice(&self, lease: &Lease) -> bool {
        !self.configured.repeatable(&lease.message, &lease.event)
    }

    /// One that lacks an attribute waits for it, for a while.
    fn waits(&self, lease: &Lease, why: Unsendable) -> End {
        if why.reason != NotSent::MissingCustomerData {
            return End::Unsendable(why);
        }
        let waits = self.configured.waits_for_attributes();
        let oldest = self.configured.window().oldest;
        let Some((again, end)) = waits::again(&lease.event, waits, oldest, self.at) else {
            return End::Unsendable(why);
        };
        let detail = format!("{}; it is waited for until {end}", why.detail);
        End::Waits(Unsendable { detail, ..why }, again)
    }

    fn remedy(&self, lease: &Lease, known: &Known, response: &Response) -> Option<Request> {
        let (message, event) = (&lease.message, &lease.event);
        let now = known.now(event);
        self.configured.remedy(message, event, now, response)
    }

    /// Whether the message may go once more after a remedy: one that was not answered, or answered that it comes too soon or with wrong credentials,
    /// has mended nothing.
    fn is_mended(&self, remedy: &Exchange) -> bool {
        let Came::Answer(response) = &remedy.came else {
            return false;
        };
        let outcome = self.configured.classify(response);
        !matches!(outcome, Outcome::Retry(_) | Outcome::CredentialsRefused(_))
    }

    /// What an exchange comes to.
    fn end(&self, exchange: &Exchange, lease: &Lease) -> End {
        let conceal = |why: &str| exchange.request.concealed(why);
        match &exchange.came {
            Came::Answer(response) => {
                let outcome = self.configured.classify(response).in_words(conceal);
                self.answered(response, outcome, lease)
            }
            Came::NoToken(response, outcome) => End::Answered(response.status, outcome.clone()),
            Came::Unsendable(why) => End::Unsendable(why.clone()),
            Came::Nothing(error) => self.unanswered(error, lease),
        }
    }

    /// What it comes to that a message was answered so. A yes whose body broke off may have been one to the message: where only the body
    /// proves it, and a repetition would count twice, it is not sent again.
    pub(super) fn answered(&self, response: &Response, outcome: Outcome, lease: &Lease) -> End {
        match (&response.unread, outcome) {
            (Some(why), Outcome::Retry(_))
                if matches!(response.status, 200..=299) && self.counts_twice(lease) =>
            {
                let status = response.status;
                End::Unconfirmed(format!("it was answered {status}, and {why}"))
            }
            (_, outcome) => End::Answered(response.status, outcome),
        }
    }

    /// What it comes to that a message was not answered.
    pub(super) fn unanswered(&self, error: &TransportError, lease: &Lease) -> End {
        match error {
            TransportError::Unanswered(why) if self.counts_twice(lease) => {
                End::Unconfirmed(why.clone())
            }
            error => End::Unanswered(error.clone()),
        }
    }
}
