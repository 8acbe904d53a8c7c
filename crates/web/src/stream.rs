//! Live streams, as server-sent events.
//!
//! Each stream follows the ledger by cursor and looks when the engine says that something changed, so it never misses an
//! event and never shows one twice; `Last-Event-ID` resumes where a connection broke. Before each look the right of whoever follows is asked again,
//! at least every five seconds.

use crate::{
    App,
    access::Right,
    described::{Asks, Description},
    followers::Follower,
    problem::Problem,
    query::position,
};
use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::sse::{Event as Message, KeepAlive, KeepAliveStream, Sse},
};
use futures_util::{Stream, stream};
use ledger::{EventFilter, Page};
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;
use utoipa::openapi::{
    ObjectBuilder, Required, Type,
    path::{ParameterBuilder, ParameterIn},
};

/// Rows fetched at once.
pub const BATCH: usize = 100;
/// At most this often, however fast things happen.
const BREATH: Duration = Duration::from_millis(200);

type Boxed = std::pin::Pin<Box<dyn Stream<Item = Result<Message, Infallible>> + Send>>;
/// What a stream answers with.
pub type Messages = Sse<KeepAliveStream<Boxed>>;

/// What a stream goes on by: the server's changes, and the right of whoever it is shown to.
pub struct Following {
    right: Right,
    _place: Follower,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
}

impl Following {
    /// From now on. Errors: too many follow already.
    pub fn new(right: Right) -> Result<Self, Problem> {
        let place = right.follow()?;
        let engine = &right.app().engine;
        Ok(Self {
            _place: place,
            changes: engine.changes(),
            stopping: engine.stopping(),
            right,
        })
    }

    /// The server.
    pub fn app(&self) -> &App {
        self.right.app()
    }

    /// Whether it goes on: the server does, and the caller may still see what it is shown.
    pub async fn goes_on(&self) -> bool {
        let is_stopping = *self.stopping.borrow();
        !is_stopping && self.right.holds().await
    }

    /// Waits for a change, for the time to ask again, or for the end of the server.
    pub async fn wait(&mut self) {
        tokio::time::sleep(BREATH).await;
        tokio::select! {
            _ = self.changes.changed() => {}
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

/// A stream of batches as one of messages.
pub fn sse(messages: impl Stream<Item = Vec<Message>> + Send + 'static) -> Messages {
    use futures_util::StreamExt;
    let flat = messages.flat_map(|batch| stream::iter(batch.into_iter().map(Ok)));
    let boxed: Boxed = Box::pin(flat);
    Sse::new(boxed).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Follows events from a cursor; each message is made by `show`, with the position as its id.
pub fn follow(
    right: Right,
    filter: EventFilter,
    from: u64,
    show: impl Fn(&App, ledger::FeedRow) -> Message + Send + Sync + 'static,
) -> Result<Messages, Problem> {
    Ok(sse(stream::unfold(
        (Following::new(right)?, filter, from, show),
        |(mut following, filter, mut from, show)| async move {
            loop {
                if !following.goes_on().await {
                    return None;
                }
                let app = following.app();
                let ledger = app.engine.ledger();
                match ledger.events(&filter, Page::After(from, BATCH)).await {
                    Ok(rows) if !rows.is_empty() => {
                        from = rows.last().map_or(from, |row| row.position);
                        let messages = rows.into_iter().map(|row| show(app, row)).collect();
                        return Some((messages, (following, filter, from, show)));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a live stream could not read; it goes on");
                    }
                }
                following.wait().await;
            }
        },
    )))
}

/// The position a connection broke at, as browsers and clients of streams tell it.
#[derive(Debug, Clone, Copy)]
pub struct LastEventId(Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.headers.get("last-event-id");
        let id = told.and_then(|id| id.to_str().ok()?.parse().ok());
        // What cannot be a position is none of ours.
        Ok(Self(id.filter(|id| position("", *id).is_ok())))
    }
}

impl Asks for LastEventId {
    fn ask(of: &mut Description) {
        let position = ObjectBuilder::new().schema_type(Type::Integer);
        let header = ParameterBuilder::new()
            .name("Last-Event-ID")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("Goes on after the message of this id."))
            .schema(Some(position));
        of.takes([header.build()]);
    }
}

/// Where a stream begins: after `Last-Event-ID`, after `after`, or now.
pub async fn start(
    app: &App,
    LastEventId(resumed): LastEventId,
    after: Option<u64>,
    filter: &EventFilter,
) -> Result<u64, Problem> {
    if let Some(from) = resumed.or(after) {
        return position("after", from);
    }
    let everything = EventFilter {
        project: filter.project,
        ..EventFilter::default()
    };
    Ok(app
        .engine
        .ledger()
        .events(&everything, Page::Before(None, 1))
        .await?
        .first()
        .map_or(0, |row| row.position))
}
