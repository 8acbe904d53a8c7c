//! Exchange rates: what amounts in dollars are worked out with, and newer ones pasted in.

mod add;
mod page;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), add::routes()];
    routes.into_iter().flatten().collect()
}
