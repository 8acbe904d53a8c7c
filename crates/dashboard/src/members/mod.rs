//! Who may sign in, and as what.

mod change;
mod invite;
mod may;
mod page;
mod second_factor;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        page::routes(),
        invite::routes(),
        change::routes(),
        second_factor::routes(),
    ];
    routes.into_iter().flatten().collect()
}
