//! What people see: pages rendered here, readable without a script, live with one.
//!
//! **How it works.** A folder per section: its pages, the templates beside them, its forms and what they do. Every file lists
//! its routes beside their handlers; [`routes`] is all of them. Every page of a project stands in the same shell. Forms post to
//! pages and are answered with a redirect, or, when something is wrong with them, with the page itself and each problem beside
//! its field.
//!
//! **What it does not do.** No SQL and no business rules: what may be configured is `configuration`. No section knows the pages
//! of another.
#![warn(missing_docs)]

mod account;
mod apps;
mod as_shown;
mod audit;
mod badges;
mod catalog;
mod choice;
mod count;
mod customers;
mod decoded;
mod events;
mod filters;
mod form;
mod health;
mod integrations;
mod label;
mod members;
mod message;
mod messages;
mod offerings;
mod once;
mod overview;
mod rates;
mod replay;
mod respond;
mod row;
mod settings;
mod shell;
mod sign_in;
mod simulator;
mod start;
mod state;
mod text;

pub use respond::{harden, readable};
pub use state::Dashboard;

use axum::Router;
use web::{
    App,
    route::{Route, mount},
};

/// Every route, with its access rule.
pub fn routes() -> Vec<Route<Dashboard>> {
    let routes = [
        respond::routes(),
        account::routes(),
        apps::routes(),
        audit::routes(),
        catalog::routes(),
        customers::routes(),
        events::routes(),
        integrations::routes(),
        members::routes(),
        messages::routes(),
        offerings::routes(),
        overview::routes(),
        rates::routes(),
        replay::routes(),
        settings::routes(),
        sign_in::routes(),
        simulator::routes(),
        start::routes(),
    ];
    routes.into_iter().flatten().collect()
}

/// All pages, each behind its access rule.
pub fn router(app: &App) -> Router {
    mount(app, routes()).with_state(Dashboard::new(app.clone()))
}
