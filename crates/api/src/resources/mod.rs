//! The management and read API, `/api/v1`: a file for each resource, with its routes, handlers and views.

mod answer;
pub(crate) mod apps;
pub(crate) mod consumption;
pub(crate) mod customer;
pub(crate) mod customers;
pub(crate) mod deliveries;
pub(crate) mod destinations;
pub(crate) mod entitlements;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod health;
pub(crate) mod inbox;
pub(crate) mod integrations;
pub(crate) mod offerings;
pub(crate) mod parked;
pub(crate) mod products;
pub(crate) mod projects;
pub(crate) mod purchases;
pub(crate) mod replays;

pub(crate) use deliveries::DeliveryView;
pub(crate) use health::of_operators;
pub use health::{missing, wrong_method};

use web::{App, route::Route};

/// The routes of every resource.
pub(crate) fn routes() -> Vec<Route<App>> {
    [
        apps::routes(),
        consumption::routes(),
        customer::routes(),
        customers::routes(),
        deliveries::routes(),
        destinations::routes(),
        entitlements::routes(),
        events::routes(),
        grants::routes(),
        health::routes(),
        inbox::routes(),
        integrations::routes(),
        offerings::routes(),
        parked::routes(),
        products::routes(),
        projects::routes(),
        purchases::routes(),
        replays::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
