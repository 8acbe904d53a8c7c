//! A project's own settings, and its API keys.

mod edit;
mod keys;
mod page;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), edit::routes(), keys::routes()];
    routes.into_iter().flatten().collect()
}
