//! Going on, signed in.

use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use web::App;

/// Goes on to a page, signed in.
pub(crate) fn enter(app: &App, token: &str, to: &str) -> Response {
    ([(header::SET_COOKIE, app.cookie(token))], Redirect::to(to)).into_response()
}
