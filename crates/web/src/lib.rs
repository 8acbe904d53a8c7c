//! What every HTTP surface shares: guarded routes, access, sessions, problems, bodies, the project a path names.
//!
//! **How it works.** A surface lists its routes, each with its access rule, as [`route::Route`]s; [`route::mount`] puts
//! every one behind [`access::enforce`], so that no handler runs before it is known who calls, and what changes something behind
//! [`audit`], so that none does so without a trace. Handlers take
//! [`project::InProject`], which exists only for a project that the caller reaches.
//!
//! **What it does not do.** It knows no page, no resource and no business rule: what may be configured is
//! `configuration`, what an event is `domain`.
#![warn(missing_docs)]

pub mod access;
pub mod answer;
mod app;
pub mod asked_as;
pub mod at_least;
pub mod audit;
pub mod body;
mod callback_path;
pub mod configure;
mod counted;
pub mod described;
pub mod followers;
pub mod paces;
pub mod passwords;
pub mod problem;
pub mod project;
pub mod proxies;
pub mod query;
pub mod readiness;
pub mod replay_form;
pub mod route;
pub mod second_factor;
pub mod signed;
pub mod stream;
#[cfg(feature = "test")]
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a server for tests: a panic is how it reports"
)]
pub mod test;
pub mod view;

pub use app::{App, Gate};
pub use callback_path::{CALLBACKS, callback_path};
pub use counted::counted;
