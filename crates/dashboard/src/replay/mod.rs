//! Past events sent again: what it would do, and how far each replay has come.

mod asked;
mod begin;
mod foreseen;
mod line;
mod page;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), begin::routes()];
    routes.into_iter().flatten().collect()
}
