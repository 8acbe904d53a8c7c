//! Live streams, as server-sent events.
//!
//! Each stream follows the ledger by cursor and looks when the engine says that something changed, so it never misses an
//! event and never shows one twice; `Last-Event-ID` resumes where a connection broke.
//!
//! Tests: `crates/api/tests/resources/streams.rs`.

use crate::resources::DeliveryView;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response, sse::Event as Message},
};
use domain::DeliveryId;
use futures_util::stream;
use ledger::DeliveryState;
use serde::Serialize;
use std::{collections::BTreeMap, marker::PhantomData};
use utoipa::ToSchema;
use web::{
    App,
    access::{Access, Right},
    described::{Answers, Description},
    problem::Problem,
    project::InProject,
    query::{DeliveryQuery, DeliveryStreamQuery, EventQuery, EventStreamQuery, Filters},
    route::{Method, Route},
    stream::{BATCH, Following, LastEventId, Messages, follow, sse, start},
    view::{self, EventView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/events/stream",
            Read,
            "Events as they happen, as server-sent events; resumes after Last-Event-ID",
            events,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/deliveries/stream",
            Read,
            "Deliveries as they change, as server-sent events",
            deliveries,
        ),
    ]
}

/// A stream whose messages each carry one of these as their data.
pub(crate) struct Live<T>(Messages, PhantomData<fn() -> T>);

impl<T> Live<T> {
    const fn new(messages: Messages) -> Self {
        Self(messages, PhantomData)
    }
}

impl<T> IntoResponse for Live<T> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<T: ToSchema> Answers for Live<T> {
    fn answer(of: &mut Description) {
        of.answers_with::<T>(StatusCode::OK, "text/event-stream");
    }
}

/// The message with a view as its data.
fn with(message: Message, view: &impl Serialize) -> Message {
    message.data(serde_json::to_string(view).expect("a view has names for keys"))
}

/// `GET .../events/stream`.
pub(crate) async fn events(
    State(app): State<App>,
    right: Right,
    project: InProject,
    Filters(query): Filters<EventStreamQuery>,
    last: LastEventId,
) -> Result<Live<EventView>, Problem> {
    let query = EventQuery::from(query);
    let mut filter = query.events(&app, &project).await?;
    let from = start(&app, last, query.after, &filter).await?;
    // A position is a place in all of history, also for whoever comes back after a month.
    filter.since = query.since;
    let messages = follow(right, filter, from, |app, row| {
        let message = Message::default().id(row.position.to_string());
        let view = view::event(&app.engine.setup(), row);
        with(message.event("event"), &view)
    })?;
    Ok(Live::new(messages))
}

/// `GET .../deliveries/stream`: every change of the newest deliveries.
pub(crate) async fn deliveries(
    right: Right,
    project: InProject,
    Filters(query): Filters<DeliveryStreamQuery>,
) -> Result<Live<DeliveryView>, Problem> {
    let filter = DeliveryQuery::from(query).filter(&project)?;
    let seen: BTreeMap<DeliveryId, (u32, DeliveryState)> = BTreeMap::new();
    let messages = sse(stream::unfold(
        (Following::new(right)?, filter, seen),
        |(mut following, filter, seen)| async move {
            loop {
                if !following.goes_on().await {
                    return None;
                }
                let ledger = following.app().engine.ledger();
                if let Ok(rows) = ledger.deliveries(&filter, None, BATCH).await {
                    let rows: Vec<_> = rows.into_iter().map(DeliveryView::from).collect();
                    let now: BTreeMap<_, _> = rows
                        .iter()
                        .map(|row| (row.id, (row.attempts, row.state)))
                        .collect();
                    let messages: Vec<_> = rows
                        .iter()
                        .rev()
                        .filter(|row| seen.get(&row.id) != now.get(&row.id))
                        .map(|row| with(Message::default().event("delivery"), row))
                        .collect();
                    if !messages.is_empty() {
                        return Some((messages, (following, filter, now)));
                    }
                }
                following.wait().await;
            }
        },
    ));
    Ok(Live::new(messages))
}
