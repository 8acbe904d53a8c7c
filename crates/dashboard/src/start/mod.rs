//! The guided start: a project, a store, an integration, a test event, each with a live check that it worked.

mod page;
mod welcome;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [welcome::routes(), page::routes()];
    routes.into_iter().flatten().collect()
}
