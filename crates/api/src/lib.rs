//! What programs see: the management and read API, the shapes client SDKs know, store callbacks, streams, and the document
//! that describes them.
//!
//! **How it works.** Each file lists its routes beside their handlers; [`routes`] is all of them, and the router and the
//! `OpenAPI` document are both made from it. Handlers parse, call one thing, present.
//!
//! **What it does not do.** No SQL, no business rules, no pages.
#![warn(missing_docs)]

mod callbacks;
mod openapi;
mod resources;
mod streams;
mod v1;
mod view;

pub use openapi::document;
pub use resources::{missing, wrong_method};
#[cfg(feature = "fuzz")]
pub use v1::read_client_body;

use axum::{Router, middleware, routing::options};
use web::{
    App,
    access::Access,
    route::{Route, mount},
};

/// Every route, with its access rule and what the reference says about it.
pub fn routes() -> Vec<Route<App>> {
    [
        resources::routes(),
        streams::routes(),
        callbacks::routes(),
        openapi::routes(),
        v1::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All of it, each route behind its access rule.
pub fn router(app: &App) -> Router {
    let (of_clients, others): (Vec<_>, Vec<_>) = routes()
        .into_iter()
        .partition(|route| route.access == Access::Client);
    // Pages of any origin may call what client SDKs call.
    let mut client_paths: Vec<_> = of_clients.iter().map(|route| route.path).collect();
    client_paths.sort_unstable();
    client_paths.dedup();
    let mut clients = mount(app, of_clients)
        .layer(middleware::map_response(v1::spoken))
        .layer(middleware::from_fn(v1::cors));
    for path in client_paths {
        clients = clients.route(path, options(v1::preflight));
    }
    mount(app, others).merge(clients).with_state(app.clone())
}
