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
mod v2;

pub use resources::{missing, wrong_method};
pub use v1::for_clients;
#[cfg(feature = "fuzz")]
pub use v1::read_client_body;

use axum::Router;
use utoipa::openapi::OpenApi;
use web::{
    App,
    route::{Route, mount},
};

/// Every route, with its access rule and what the reference says about it.
pub fn routes() -> Vec<Route<App>> {
    [
        resources::routes(),
        streams::routes(),
        callbacks::routes(),
        openapi::routes(routes),
        v1::routes(),
        v2::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The `OpenAPI` document of every operation there is.
pub fn document() -> OpenApi {
    openapi::document(routes())
}

/// What operators are told, on a listener of their own.
pub fn operations(app: &App) -> Router {
    mount(app, resources::of_operators())
        .method_not_allowed_fallback(wrong_method)
        .fallback(missing)
        .with_state(app.clone())
}

/// What stores call, for a listener of their own.
pub fn callbacks(app: &App) -> Router {
    mount(app, callbacks::routes()).with_state(app.clone())
}

/// All of it, each route behind its access rule.
pub fn router(app: &App) -> Router {
    mount(app, routes()).with_state(app.clone())
}
