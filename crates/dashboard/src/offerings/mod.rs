//! Offerings: what clients show to be sold together, and to whom.

mod act;
mod edit;
mod page;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), edit::routes(), act::routes()];
    routes.into_iter().flatten().collect()
}
