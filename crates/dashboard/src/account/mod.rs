//! One's own account: the password, and where one is signed in.

mod browser;
mod page;
mod password;
mod sessions;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [page::routes(), password::routes(), sessions::routes()];
    routes.into_iter().flatten().collect()
}
