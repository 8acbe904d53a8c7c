//! The RevenueCat v1 REST shapes, so that client SDKs work by changing their proxy URL. Source: RevenueCat's REST API v1 reference and its open-source SDKs.
//!
//! Every answer, errors included, is JSON: SDKs read nothing else. Pages of other origins may call, because web SDKs do.

mod attributes;
mod body;
mod client;
mod customers;
mod edge;
mod error;
#[cfg(feature = "fuzz")]
mod fuzzed;
mod grants;
mod let_in;
mod members;
mod offerings;
mod offers;
mod receipts;
mod start;
mod subscriber;

pub(crate) use client::{Client, Platform, Secret};
pub use edge::for_clients;
pub(crate) use error::Error;
#[cfg(feature = "fuzz")]
pub use fuzzed::read_client_body;

use web::{App, route::Route};

/// The routes of every file.
pub(crate) fn routes() -> Vec<Route<App>> {
    [
        customers::routes(),
        attributes::routes(),
        grants::routes(),
        receipts::routes(),
        offerings::routes(),
        offers::routes(),
        start::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
