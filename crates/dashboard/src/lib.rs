//! What people see: pages rendered here, their form, and the lives that are simulated on one of them.
//!
//! **How it works.** Each page's file lists its routes beside their handlers; [`routes`] is all of them. Forms post to pages
//! and turn fields into the JSON that the API takes.
//!
//! **What it does not do.** No SQL and no business rules: what may be configured is `configuration`.
#![warn(missing_docs)]

mod filters;
mod form;
mod pages;
mod simulator;

pub use pages::{harden, readable};

use axum::{Router, extract::FromRef};
use pages::Counted;
use simulator::Lives;
use std::sync::Arc;
use web::{
    App,
    route::{Route, mount},
};

/// What pages share beside what every surface does.
#[derive(Clone)]
pub struct Dashboard {
    app: App,
    /// What pages counted a moment ago.
    counted: Arc<Counted>,
    /// Lives that are being simulated.
    lives: Arc<Lives>,
}

impl FromRef<Dashboard> for App {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.app.clone()
    }
}

impl FromRef<Dashboard> for Arc<Counted> {
    fn from_ref(dashboard: &Dashboard) -> Self {
        Arc::clone(&dashboard.counted)
    }
}

impl FromRef<Dashboard> for Arc<Lives> {
    fn from_ref(dashboard: &Dashboard) -> Self {
        Arc::clone(&dashboard.lives)
    }
}

/// Every route, with its access rule.
pub fn routes() -> Vec<Route<Dashboard>> {
    pages::routes()
}

/// All pages, each behind its access rule.
pub fn router(app: &App) -> Router {
    let dashboard = Dashboard {
        app: app.clone(),
        counted: Arc::default(),
        lives: Arc::default(),
    };
    mount(app, routes()).with_state(dashboard)
}
