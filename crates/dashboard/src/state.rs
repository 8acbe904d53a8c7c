//! What pages share beside what every surface does.

use crate::{overview::counted::Counted, simulator::lives::Lives};
use axum::extract::FromRef;
use std::sync::Arc;
use web::App;

/// What pages share beside what every surface does.
#[derive(Clone)]
pub struct Dashboard {
    app: App,
    /// What pages counted a moment ago.
    counted: Arc<Counted>,
    /// Lives that are being simulated.
    lives: Arc<Lives>,
}

impl Dashboard {
    /// Nothing counted yet, and nobody simulated.
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            counted: Arc::default(),
            lives: Arc::default(),
        }
    }
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
