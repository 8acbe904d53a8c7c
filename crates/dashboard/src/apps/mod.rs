//! Apps and stores: how each hears its store, whether that works, and what waits for it.

mod check;
mod edit;
mod finding;
mod list;
mod page;
mod parked;
mod target;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        list::routes(),
        page::routes(),
        edit::routes(),
        check::routes(),
        parked::routes(),
    ];
    routes.into_iter().flatten().collect()
}
