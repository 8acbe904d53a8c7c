//! Kinds of integrations and their settings.

use super::answer::{Answer, List, list};
use destinations::Spec;
use web::{
    App,
    access::Access,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![Route::operation(
        Get,
        "/api/v1/destinations",
        Read,
        "Kinds of integrations and their settings",
        destinations,
    )]
}

pub(crate) async fn destinations(_: Filters<NoFilters>) -> Answer<List<Spec>> {
    let specs = destinations::ALL
        .iter()
        .map(|destination| *destination.spec());
    Ok(list(specs, None))
}
