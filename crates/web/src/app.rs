//! What handlers share.

use crate::{
    access::Sessions,
    described::{Asks, Description},
    followers::Followers,
    paces::Paces,
    passwords::{Hashing, Throttle},
    proxies::Proxies,
    readiness::Readiness,
};
use axum::extract::State;
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
    /// Who follows what happens.
    pub followers: Arc<Followers>,
    /// Whether it can take work.
    pub readiness: Arc<Readiness>,
    /// Whether operators have a listener of their own: then nobody else is told about it.
    pub has_operations: bool,
    /// What somebody who is not known yet has to pass.
    pub gate: Arc<Gate>,
    /// Renders `/metrics`.
    pub metrics: Option<PrometheusHandle>,
}

/// What somebody who is not known yet has to pass.
#[derive(Debug, Default)]
pub struct Gate {
    /// Slows guessing down.
    pub throttle: Throttle,
    /// Slows down what whoever has only a public key makes the server keep.
    pub paces: Paces,
    /// Where passwords are hashed.
    pub hashing: Hashing,
    /// Who is believed when it says for whom it asks, and how it was asked.
    pub proxies: Proxies,
    /// Where people reach the server, where its operator said so: forms come from pages there and from no others.
    pub stated_url: Option<String>,
}

impl Asks for State<App> {
    fn ask(_: &mut Description) {}
}
