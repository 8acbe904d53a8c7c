//! Going on, signed in.

use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use ledger::User;
use web::{
    App,
    audit::{Did, Known, Noted},
};

/// Goes on to a page, signed in.
pub(crate) fn enter(app: &App, token: &str, to: &str) -> Response {
    ([(header::SET_COOKIE, app.cookie(token))], Redirect::to(to)).into_response()
}

/// Goes on to a page, signed in as whoever `known` says.
pub(super) fn entered(app: &App, token: &str, to: &str, known: Known) -> Response {
    Noted::new(Did::AsStated(known), enter(app, token, to)).into_response()
}

/// Who came, for the audit log.
pub(super) fn member(user: &User) -> Known {
    Known {
        who: Some(user.email.clone()),
        project: user.project,
        subject: None,
    }
}
