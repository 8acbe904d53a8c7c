//! Events: the feed of all of them, live, and each one as a chain from what the store said to every attempt to tell it on.

mod asked;
mod deliveries;
mod feed;
mod lines;
mod live;
mod page;
mod resend;
mod states;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        asked::routes(),
        feed::routes(),
        live::routes(),
        page::routes(),
        resend::routes(),
    ];
    routes.into_iter().flatten().collect()
}
