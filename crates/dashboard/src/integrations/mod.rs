//! Integrations: how each stands, what it was sent last, its settings, and what they would send.

mod act;
mod edit;
mod list;
mod page;
mod preview;
mod sent;
mod target;
mod tested;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        list::routes(),
        page::routes(),
        edit::routes(),
        preview::routes(),
        act::routes(),
    ];
    routes.into_iter().flatten().collect()
}
