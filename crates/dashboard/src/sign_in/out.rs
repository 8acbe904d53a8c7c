//! Signing out.
//!
//! Tests: `crates/dashboard/tests/sections/sign_in.rs`.

use super::enter::enter;
use crate::state::Dashboard;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use web::{
    App,
    access::{Access, digest},
    audit::{Did, Effect, Known, Noted, Subject},
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    vec![Route::page(
        Method::Post(Effect::Does("sign out", Subject::None)),
        "/signout",
        Access::Visitor,
        sign_out,
    )]
}

/// `POST /signout`.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let token = app.session_token(&headers);
    let caller = app.signed_in(token.clone()).await?;
    if let Some(token) = token {
        app.sessions.close(&token);
        let ledger = app.engine.ledger();
        ledger.close_sessions(Some(&digest(&token)), None).await?;
    }
    let did = caller.map_or(Did::Nothing, |caller| {
        Did::AsStated(Known {
            who: Some(caller.signed()),
            project: caller.project,
            subject: None,
        })
    });
    Ok(Noted::new(did, enter(&app, "", "/signin")).into_response())
}
