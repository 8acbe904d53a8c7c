//! What every HTTP surface shares: guarded routes, access, sessions, problems, bodies, the project a path names.
//!
//! **How it works.** A surface lists its routes, each with its access rule, as [`route::Route`]s; [`route::mount`] puts
//! every one behind [`access::enforce`], so that no handler runs before it is known who calls, and what changes something behind
//! [`audit`], so that none does so without a trace. Handlers take
//! [`project::InProject`], which exists only for a project that the caller reaches.
//!
//! **What it does not do.** It knows no page, no resource and no business rule: what may be configured is
//! `configuration`, what an event is `domain`.
#![warn(missing_docs)]

pub mod access;
pub mod answer;
pub mod audit;
pub mod body;
mod callback_path;
pub mod configure;
mod counted;
pub mod described;
pub mod followers;
pub mod paces;
pub mod passwords;
pub mod problem;
pub mod project;
pub mod proxies;
pub mod query;
pub mod readiness;
pub mod replay_form;
pub mod route;
pub mod second_factor;
pub mod signed;
pub mod stream;
#[cfg(feature = "test")]
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a server for tests: a panic is how it reports"
)]
pub mod test;
pub mod view;

pub use callback_path::callback_path;
pub use counted::counted;

use access::Sessions;
use engine::Engine;
use followers::Followers;
use metrics_exporter_prometheus::PrometheusHandle;
use paces::Paces;
use passwords::{Hashing, Throttle};
use proxies::Proxies;
use readiness::Readiness;
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
