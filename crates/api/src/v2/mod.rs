//! RevenueCat's REST API, version 2, as far as what it names is here: customers with what they bought and may use, entitlements, offerings, products
//! and webhook integrations. Source: RevenueCat's REST API v2 reference.
//!
//! Keys, projects and paging are this server's: a secret key, `{project}` by id or key, `limit` and `starting_after`. What is answered has the
//! reference's members; those that nothing is known of here are null.

mod answer;
mod catalog;
mod customers;
mod error;
mod hooks;
mod purchases;

pub(crate) use error::spoken;

use web::{App, route::Route};

/// The routes of every file.
pub(crate) fn routes() -> Vec<Route<App>> {
    let routes = [
        customers::routes(),
        purchases::routes(),
        catalog::routes(),
        hooks::routes(),
    ];
    routes.into_iter().flatten().collect()
}
