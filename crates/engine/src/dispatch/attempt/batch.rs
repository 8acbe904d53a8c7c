//! An attempt at several deliveries in one request.
//!
//! **How it works.** Each is rendered alone first: what cannot be falls out of the batch and is judged by itself. The others go together, as many as
//! their size allows; where that was too many (413), or all of them were refused for good with the same words, each half goes alone, until it is known
//! which of them is refused. Each has an outcome of its own, and is recorded as if it had gone alone, with
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
use futures_util::future::join_all;
use jiff::Timestamp;
use ledger::Lease;
use std::{collections::VecDeque, mem::discriminant};
use tracing::{Instrument, Span};

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
        let mut waiting = chunks(members, bytes);
        while let Some(chunk) = waiting.pop_front() {
            let span = chunk
                .first()
                .map_or_else(Span::none, |first| first.span.clone());
            let request = span.in_scope(|| fault::caught_at_once(|| together(&with, &chunk)));
            let is_large = matches!(&request, Some(Ok(made)) if made.length() > bytes);
            if chunk.len() > 1 && is_large {
                halve(&mut waiting, chunk);
                continue;
            }
            let came = match request {
                Some(Ok(request)) => {
                    let sender = self.sender(&with);
                    let exchanging = sender.exchange(request).instrument(span);
                    let came = fault::caught(exchanging).await;
                    Ok(came.unwrap_or_else(|| Exchange::nothing(fault::after())))
                }
                Some(Err(why)) => Err(why),
                None => Ok(Exchange::nothing(fault::before())),
            };
            match came {
                Ok(exchange) if chunk.len() > 1 && must_part(&with, &exchange, &chunk) => {
                    halve(&mut waiting, chunk);
                }
                came => {
                    let took = self.core.system().uptime().saturating_sub(with.began);
                    let ended = ended(&with, chunk, came, took);
                    self.finish(&with, lane, ended).await;
                }
            }
        }
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

/// Each half is to go alone, before what else waits.
fn halve(waiting: &mut VecDeque<Vec<Member>>, mut chunk: Vec<Member>) {
    let second = chunk.split_off(chunk.len() / 2);
    waiting.push_front(second);
    waiting.push_front(chunk);
}

/// Those that fit into a request each, in order, as far as that is seen from each alone.
fn chunks(members: Vec<Member>, most: usize) -> VecDeque<Vec<Member>> {
    let mut all = VecDeque::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for member in members {
        if bytes + member.bytes > most && !chunk.is_empty() {
            all.push_back(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += member.bytes;
        chunk.push(member);
    }
    if !chunk.is_empty() {
        all.push_back(chunk);
    }
    all
}

/// Whether each half is to go alone: they were too many, or all were refused for good in the same words, which may be about one of them.
fn must_part(with: &Outgoing<'_>, exchange: &Exchange, chunk: &[Member]) -> bool {
    let Came::Answer(response) = &exchange.came else {
        return false;
    };
    if response.status == TOO_LARGE {
        return true;
    }
    let items: Vec<Item<'_>> = chunk.iter().map(Member::item).collect();
    let outcomes = fault::caught_at_once(|| with.configured.classify_batch(response, &items));
    let outcomes = outcomes.unwrap_or_default();
    let first = outcomes.first();
    let is_same = |outcome: &Outcome| Some(outcome) == first;
    matches!(first, Some(Outcome::Rejected(_))) && outcomes.iter().all(is_same)
}

/// How it ended for each of a request.
fn ended(
    with: &Outgoing<'_>,
    chunk: Vec<Member>,
    came: Result<Exchange, Unsendable>,
    took: std::time::Duration,
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
    let mut outcomes = configured.classify_batch(response, &items).into_iter();
    let conceal = |why: &str| exchange.request.concealed(why);
    let each = chunk.iter().map(|member| {
        // Of what nothing was said, the answer as a whole tells.
        let outcome = outcomes.next();
        let outcome = outcome.unwrap_or_else(|| configured.classify(response));
        with.answered(response, outcome.in_words(conceal), &member.lease)
    });
    each.collect()
}
