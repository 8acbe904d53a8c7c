//! One's own account: the password, the second factor, and where one is signed in.

mod browser;
mod page;
mod password;
mod second_factor;
mod sessions;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        page::routes(),
        password::routes(),
        second_factor::routes(),
        sessions::routes(),
    ];
    routes.into_iter().flatten().collect()
}
