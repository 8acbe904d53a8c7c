//! Customers: who they are, what they may use, and everything that happened to them on one axis.

mod access;
mod axis;
mod forget;
mod grants;
mod list;
mod page;
mod path;
mod timeline;
mod transfer;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        list::routes(),
        page::routes(),
        grants::routes(),
        transfer::routes(),
        forget::routes(),
    ];
    routes.into_iter().flatten().collect()
}
