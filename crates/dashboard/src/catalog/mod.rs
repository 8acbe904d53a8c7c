//! Products and what they unlock.

mod bulk;
mod entitlements;
mod page;
mod products;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        bulk::routes(),
        page::routes(),
        products::routes(),
        entitlements::routes(),
    ];
    routes.into_iter().flatten().collect()
}
