//! Live streams, as server-sent events.
//!
//! Each stream follows the ledger by cursor and looks when the engine says that something changed, so it never misses an
//! event and never shows one twice; `Last-Event-ID` resumes where a connection broke.

use crate::{
    App,
    described::{Asks, Description},
    problem::Problem,
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

/// Waits for a change, or for the end of the server. `false` at the end.
pub async fn wait(
    changes: &mut watch::Receiver<u64>,
    stopping: &mut watch::Receiver<bool>,
) -> bool {
    tokio::time::sleep(BREATH).await;
    tokio::select! {
        changed = changes.changed() => changed.is_ok(),
        () = tokio::time::sleep(Duration::from_secs(5)) => true,
        _ = stopping.wait_for(|stopping| *stopping) => false,
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
    app: App,
    filter: EventFilter,
    from: u64,
    show: impl Fn(&App, ledger::FeedRow) -> Message + Send + Sync + 'static,
) -> Messages {
    let (changes, stopping) = (app.engine.changes(), app.engine.stopping());
    sse(stream::unfold(
        (app, filter, from, changes, stopping, show),
        |(app, filter, mut from, mut changes, mut stopping, show)| async move {
            loop {
                if *stopping.borrow() {
                    return None;
                }
                match app
                    .engine
                    .ledger()
                    .events(&filter, Page::After(from, BATCH))
                    .await
                {
                    Ok(rows) if !rows.is_empty() => {
                        from = rows.last().map_or(from, |row| row.position);
                        let messages = rows.into_iter().map(|row| show(&app, row)).collect();
                        return Some((messages, (app, filter, from, changes, stopping, show)));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a live stream could not read; it goes on");
                    }
                }
                if !wait(&mut changes, &mut stopping).await {
                    return None;
                }
            }
        },
    ))
}

/// The position a connection broke at, as browsers and clients of streams tell it.
#[derive(Debug, Clone, Copy)]
pub struct LastEventId(Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.headers.get("last-event-id");
        Ok(Self(told.and_then(|id| id.to_str().ok()?.parse().ok())))
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
        return Ok(from);
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
