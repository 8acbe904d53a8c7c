//! The page to sign in on.

use crate::{filters, respond::html};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use web::App;

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInTemplate {
    problem: String,
    email: String,
    has_users: bool,
}

/// The page, with what went wrong.
pub(super) fn page(app: &App, status: StatusCode, problem: String, email: String) -> Response {
    let page = SignInTemplate {
        problem,
        email,
        has_users: !app.engine.setup().configuration.users.is_empty(),
    };
    (status, html(&page)).into_response()
}
