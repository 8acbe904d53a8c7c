//! What people and programs see: store callbacks, the management API, live streams, pages.
//!
//! **How it works.** `routes::table` lists every route with its access rule; the router and the `OpenAPI` document are
//! both made from it, so a route without a rule or a description cannot exist. Handlers parse, call one thing, present.
//!
//! **What it does not do.** No SQL and no business rules: what may be configured is `configuration`, what an event is
//! `domain`.
#![warn(missing_docs)]

mod access;
mod api;
mod apps;
mod body;
mod callbacks;
mod filters;
mod forms;
mod openapi;
mod pages;
mod passwords;
mod people;
mod problem;
mod replays;
mod routes;
mod simulator;
mod stream;
mod v1;
mod view;

pub use access::{Sessions, digest, new_api_key, new_client_key};
pub use callbacks::callback_path;
pub use pages::Counted;
pub use routes::router;
pub use simulator::Lives;

use engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;

/// What handlers share.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Who is signed in to the pages.
    pub sessions: Arc<Sessions>,
    /// What pages counted a moment ago.
    pub counted: Arc<Counted>,
    /// Lives that are being simulated.
    pub lives: Arc<Lives>,
    /// Renders `/metrics`.
    pub metrics: Option<PrometheusHandle>,
}
