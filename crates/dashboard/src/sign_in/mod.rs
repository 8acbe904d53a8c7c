//! Signing in and out: with a password, with a key, or by the operator's link; and becoming a member.

mod enter;
mod invitation;
mod new_account;
mod page;
mod password;
mod setup;

use crate::state::Dashboard;
use web::route::Route;

pub(crate) use enter::enter;
pub(crate) use password::set_password;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [setup::routes(), invitation::routes(), page::routes()];
    routes.into_iter().flatten().collect()
}
