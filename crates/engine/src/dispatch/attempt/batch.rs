//! An attempt at several deliveries in one request.
//!
//! **How it works.** Each is rendered alone first: what cannot be falls out of the batch and is judged by itself. The others go together, as many as
//! their size allows; where that was too many (413), or they were refused for good without a word about any of them, they go in parts, until it is known
//! which of them is refused ([`Parting`]). Each has an outcome of its own, and is recorded as if it had gone alone, with
//! its own part of the body. The lane is told once of each thing that was said: one request that fails is one failure.
//!
//! **Who waits where.** Some seconds are waited in the lane, by what is leased. What waits longer, as for the file of an hour, waits in the ledger: it is due
//! when its stretch of time is full, and a lane holds some 1,000 of that at once, which is what then goes in one request at most.
//!
//! **Order.** Within a request, deliveries stand in the order in which they go, those of one customer in that of their events; batches of a lane go as its
//! concurrency allows. Where a lane is ordered by customers, a batch holds one delivery of each, and what comes after it goes once it is settled. Where it is
//! not, several of one customer may stand in a batch, and if one of them is to be tried again, what came after it and was accepted stays accepted: it
//! was taken in order as far as it was taken.
//!
//! **Again.** What is to be tried again as a whole is, in the same composition: the lane remembers it. A crash forgets that, and the same deliveries go in
//! other batches: whoever names what is written after the first has some of it twice then.

use super::{
    exchange::{Came, Exchange},
    fault,
    known::Known,
    parting::{Part, Parting},
    record::Sent,
    send::Outgoing,
    weigh,
};
use crate::{
    TransportError,
    dispatch::{
        Dispatch,
        end::{End, Judgement, Says, Verdict},
        held::Room,
        lane::Lane,
    },
    setup::ActiveIntegration,
    trace,
};
use destinations::{Item, Outcome, Request, Response, Unsendable};
use domain::{NotSent, time::after};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use ledger::Lease;
use std::{mem::discriminant, time::Duration};
use tracing::{Instrument, Span};

/// How long what is put off waits at least.
const SOON: SignedDuration = SignedDuration::from_secs(1);
/// Content Too Large. Source: RFC 9110, 15.5.14.
const TOO_LARGE: u16 = 413;

/// A delivery that goes together with others.
struct Member {
    id: String,
    lease: Lease,
    room: Room,
    known: Known,
    /// Its own part of the body, as people may see it, and how long that is.
    part: String,
    bytes: usize,
    span: Span,
}

/// How several were refused, with how many others each was.
#[derive(Clone)]
struct Refusal {
    why: String,
    others: usize,
    sent: Sent,
}

/// How it ended for one.
struct Ended {
    lease: Lease,
    room: Room,
    span: Span,
    end: End,
    sent: Sent,
}

impl Member {
    fn item(&self) -> Item<'_> {
        Item {
            delivery: &self.id,
            message: &self.lease.message,
            event: &self.lease.event,
            now: self.known.now(&self.lease.event),
        }
    }

    fn ended(self, end: End, sent: Sent) -> Ended {
        Ended {
            lease: self.lease,
            room: self.room,
            span: self.span,
            end,
            sent,
        }
    }
}

impl Dispatch {
    /// One attempt at several deliveries, in as few requests as they fit into, by leases until then.
    pub(in crate::dispatch) async fn attempt_together(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        leased: Vec<(Lease, Room)>,
        until: Timestamp,
    ) {
        let Ok(configured) = &active.configured else {
            return;
        };
        let bytes = configured.batching().map_or(0, |batching| batching.bytes);
        let with = self.outgoing(active, configured.as_ref(), until);
        let (members, apart) = self.parted(&with, leased).await;
        self.finish(&with, lane, apart).await;
        let mut parting = Parting::of(chunks(members, bytes));
        while let Some(part) = parting.next() {
            self.go(&with, lane, part, &mut parting).await;
        }
        for part in parting.alone() {
            self.go(&with, lane, part, &mut parting).await;
        }
        let (left, are_refused) = parting.left();
        let soon = after(self.core.system().now(), SOON);
        for part in left {
            if !are_refused {
                let ids = part.members.iter().map(|member| member.lease.id);
                lane.go_together(ids.collect());
            }
            let ended = left_over(part, (!are_refused).then_some(soon));
            self.finish(&with, lane, ended).await;
        }
    }

    /// Sends what goes in one request, and records what became of it, unless it has to be parted.
    async fn go(
        &self,
        with: &Outgoing<'_>,
        lane: &Lane,
        part: Part<Member, Refusal>,
        parting: &mut Parting<Member, Refusal>,
    ) {
        let span = part.members.first();
        let span = span.map_or_else(Span::none, |first| first.span.clone());
        let request = span.in_scope(|| fault::caught_at_once(|| together(with, &part.members)));
        let bytes = with.configured.batching().map_or(0, |of| of.bytes);
        let many = part.members.len();
        let is_large = matches!(&request, Some(Ok(made)) if made.length() > bytes);
        if many > 1 && is_large {
            return parting.halve(part);
        }
        // The first of an attempt was admitted; what it is parted into asks for itself.
        if part.refused.is_some() && !self.may_ask_more(with, lane) {
            return parting.leave(part);
        }
        let came = match request {
            Some(Ok(request)) => {
                let sender = self.sender(with);
                let exchanging = sender.exchange(request).instrument(span);
                let came = fault::caught(exchanging).await;
                Ok(came.unwrap_or_else(|| Exchange::nothing(fault::after())))
            }
            Some(Err(why)) => Err(why),
            None => Ok(Exchange::nothing(fault::before())),
        };
        let took = self.core.system().uptime().saturating_sub(with.began);
        match came {
            Ok(exchange) if many > 1 && is_refused_whole(with, &exchange, &part.members) => {
                let refusal = refusal(with, exchange, &part.members, took);
                parting.refused(part.members, &refusal);
            }
            came => {
                let ended = ended(with, part.members, came, took);
                if !ended.iter().all(|one| one.end.is_rejected()) {
                    parting.is_heard();
                }
                self.finish(with, lane, ended).await;
            }
        }
    }

    /// Whether an attempt may make another request: there is time for one, and the pace of the lane allows it.
    fn may_ask_more(&self, with: &Outgoing<'_>, lane: &Lane) -> bool {
        let uptime = self.core.system().uptime();
        let pace = lane.wait(with.active.limits(), &self.state.nodes, uptime);
        with.budget.has_time(uptime) && pace.is_none()
    }

    /// Those that can be rendered, and how it ended for the others.
    async fn parted(
        &self,
        with: &Outgoing<'_>,
        leased: Vec<(Lease, Room)>,
    ) -> (Vec<Member>, Vec<Ended>) {
        let (mut members, mut apart) = (Vec::new(), Vec::new());
        for (lease, room) in leased {
            let span = trace::attempt(with.active.spec.key, &lease);
            match self.rendered(with, &lease).await {
                Ok((request, known)) => members.push(Member {
                    id: lease.id.to_string(),
                    part: request.shown_body(),
                    bytes: request.length(),
                    lease,
                    room,
                    known,
                    span,
                }),
                Err(end) => apart.push(Ended {
                    lease,
                    room,
                    span,
                    end,
                    sent: Sent::default(),
                }),
            }
        }
        (members, apart)
    }

    /// Tells what was said about the endpoint, and records what became of each.
    async fn finish(&self, with: &Outgoing<'_>, lane: &Lane, ended: Vec<Ended>) {
        let judged: Vec<(Ended, Judgement)> = ended
            .into_iter()
            .map(|one| {
                let judged = weigh(&one.end, lane, &one.lease);
                (one, judged)
            })
            .collect();
        let again = |(_, judged): &(Ended, Judgement)| {
            matches!(judged.verdict, Verdict::Again(_) | Verdict::Later(_))
        };
        if judged.iter().all(again) {
            lane.go_together(judged.iter().map(|(one, _)| one.lease.id).collect());
        }
        self.tell_once(with, lane, &judged).await;
        let entropy = self.core.system().entropy();
        let all = judged.into_iter().map(|(one, judged)| {
            let tried = self.tried_at(with, &one.lease);
            let leased = (one.lease, one.room);
            let (ended, how) = ((one.end, judged), (tried, entropy));
            let concluding = self.conclude(with.active, lane, leased, ended, one.sent, how);
            concluding.instrument(one.span)
        });
        join_all(all).await;
    }

    /// Tells the lane once of each thing that was said, of what was accepted last. All that was put off is remembered.
    async fn tell_once(&self, with: &Outgoing<'_>, lane: &Lane, judged: &[(Ended, Judgement)]) {
        let accepted = |(_, judged): &&(Ended, Judgement)| judged.says == Says::Accepted;
        let (accepted, others): (Vec<_>, Vec<_>) = judged.iter().partition(accepted);
        let mut told = Vec::new();
        for (one, judged) in others.into_iter().chain(accepted) {
            let kind = discriminant(&judged.says);
            if told.contains(&kind) {
                if matches!(judged.says, Says::NotNow(_) | Says::LockedOut) {
                    lane.put_off(one.lease.id, self.core.system().uptime());
                }
                continue;
            }
            told.push(kind);
            let tried = self.tried_at(with, &one.lease);
            let said = (&one.end, judged.says);
            self.tell(with.active, lane, &one.lease, said, tried).await;
        }
    }
}

/// The request of several, signed as the first of them.
fn together(with: &Outgoing<'_>, chunk: &[Member]) -> Result<Request, Unsendable> {
    let items: Vec<Item<'_>> = chunk.iter().map(Member::item).collect();
    let request = with.configured.render_batch(&items)?;
    let mut request = match chunk.first() {
        Some(first) => with.ready(request, &first.lease),
        None => request,
    };
    request.counts_twice = chunk.iter().any(|member| with.counts_twice(&member.lease));
    Ok(request)
}

/// Those that fit into a request each, in order, as far as that is seen from each alone.
fn chunks(members: Vec<Member>, most: usize) -> Vec<Vec<Member>> {
    let mut all = Vec::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for member in members {
        if bytes + member.bytes > most && !chunk.is_empty() {
            all.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += member.bytes;
        chunk.push(member);
    }
    if !chunk.is_empty() {
        all.push(chunk);
    }
    all
}

/// Whether they were refused for good without a word about any of them, or were too many.
fn is_refused_whole(with: &Outgoing<'_>, exchange: &Exchange, members: &[Member]) -> bool {
    let Came::Answer(response) = &exchange.came else {
        return false;
    };
    let items: Vec<Item<'_>> = members.iter().map(Member::item).collect();
    let configured = with.configured;
    let is_refused = || {
        configured.classify_batch(response, &items).is_none()
            && matches!(configured.classify(response), Outcome::Rejected(_))
    };
    response.status == TOO_LARGE || fault::caught_at_once(is_refused).unwrap_or_default()
}

/// How several were refused that go in parts now.
fn refusal(with: &Outgoing<'_>, exchange: Exchange, members: &[Member], took: Duration) -> Refusal {
    let why = match &exchange.came {
        Came::Answer(response) => match with.configured.classify(response) {
            Outcome::Rejected(why) => exchange.request.concealed(&why),
            _ => format!("answered {}", response.status),
        },
        _ => String::new(),
    };
    Refusal {
        why,
        others: members.len() - 1,
        sent: Sent::of(exchange, String::new(), took),
    }
}

/// What became of those that went in no request of their own: they are put off, or refused as they were with more.
fn left_over(part: Part<Member, Refusal>, until: Option<Timestamp>) -> Vec<Ended> {
    let Some(refusal) = part.refused else {
        return Vec::new();
    };
    let members = part.members.into_iter();
    let ended = members.map(|mut member| {
        let status = refusal.sent.status().unwrap_or_default();
        let end = match until {
            None => End::Answered(status, Outcome::Rejected(refusal.why.clone())),
            Some(until) => {
                let detail = format!("refused among others, and sent with fewer: {}", refusal.why);
                let reason = NotSent::RejectedByDestination;
                End::Waits(Unsendable { reason, detail }, until)
            }
        };
        let body = std::mem::take(&mut member.part);
        let news = member.known.news(&member.lease.event);
        let sent = refusal.sent.in_part(body, &news, refusal.others);
        member.ended(end, sent)
    });
    ended.collect()
}

/// How it ended for each of a request.
fn ended(
    with: &Outgoing<'_>,
    chunk: Vec<Member>,
    came: Result<Exchange, Unsendable>,
    took: Duration,
) -> Vec<Ended> {
    let exchange = match came {
        Ok(exchange) => exchange,
        Err(why) => {
            let ended = chunk.into_iter();
            return ended
                .map(|member| member.ended(End::Unsendable(why.clone()), Sent::default()))
                .collect();
        }
    };
    let unanswered = |error: &TransportError| {
        let of_one = |member: &Member| with.unanswered(error, &member.lease);
        chunk.iter().map(of_one).collect()
    };
    let ends: Vec<End> = match &exchange.came {
        Came::Answer(response) => {
            let judged = fault::caught_at_once(|| judged(with, &exchange, response, &chunk));
            judged.unwrap_or_else(|| unanswered(&fault::after()))
        }
        Came::NoToken(response, outcome) => {
            vec![End::Answered(response.status, outcome.clone()); chunk.len()]
        }
        Came::Unsendable(why) => vec![End::Unsendable(why.clone()); chunk.len()],
        Came::Nothing(error) => unanswered(error),
    };
    let others = chunk.len() - 1;
    let sent = Sent::of(exchange, String::new(), took);
    let ended = chunk.into_iter().zip(ends);
    ended
        .map(|(mut member, end)| {
            let part = std::mem::take(&mut member.part);
            let sent = sent.in_part(part, &member.known.news(&member.lease.event), others);
            member.ended(end, sent)
        })
        .collect()
}

/// What an answer means for each.
fn judged(
    with: &Outgoing<'_>,
    exchange: &Exchange,
    response: &Response,
    chunk: &[Member],
) -> Vec<End> {
    let configured = with.configured;
    let items: Vec<Item<'_>> = chunk.iter().map(Member::item).collect();
    let outcomes = configured.classify_batch(response, &items);
    let mut outcomes = outcomes.unwrap_or_default().into_iter();
    let conceal = |why: &str| exchange.request.concealed(why);
    let each = chunk.iter().map(|member| {
        // Of what nothing was said, the answer as a whole tells.
        let outcome = outcomes.next();
        let outcome = outcome.unwrap_or_else(|| configured.classify(response));
        with.answered(response, outcome.in_words(conceal), &member.lease)
    });
    each.collect()
}
