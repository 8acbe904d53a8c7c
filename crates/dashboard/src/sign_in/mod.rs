//! Signing in and out: with a password and what else the account asks for, with a key, or by the operator's link; and becoming a member.

mod by_password;
mod enter;
mod first_step;
mod invitation;
mod link;
mod new_account;
mod out;
mod page;
mod password;
mod second_step;
mod setup;
mod still_open;

use crate::state::Dashboard;
use web::route::Route;

pub(crate) use enter::signed_in_anew;
pub(crate) use new_account::email_problem;
pub(crate) use password::set_password;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        setup::routes(),
        invitation::routes(),
        first_step::routes(),
        second_step::routes(),
        link::routes(),
        out::routes(),
    ];
    routes.into_iter().flatten().collect()
}
