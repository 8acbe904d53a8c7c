//! Scripted lives played against a project's sandbox, and what they lead to as it happens.

mod cast;
mod line;
pub(crate) mod lives;
mod page;
mod play;
mod script;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), play::routes()];
    routes.into_iter().flatten().collect()
}
