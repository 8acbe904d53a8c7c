//! The operator's link. Looking at it spends nothing: whoever is sent a link may have it opened by a program first, and it is good once.

use super::enter::{entered, refused};
use crate::{respond::html, state::Dashboard};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use web::{
    App,
    access::{Access, OPERATOR},
    audit::{Effect, Known, Subject},
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/signin/{token}";
    let does = Effect::Does("sign in", Subject::Always("by the operator's link"));
    vec![
        Route::page(Method::Get, path, Access::Anyone, link),
        Route::page(Method::Post(does), path, Access::Visitor, sign_in_by_link),
    ]
}

#[derive(Template)]
#[template(path = "sign_in/link.html")]
struct LinkTemplate {
    token: String,
}

fn no_longer(app: &App) -> Response {
    let problem = "This link is no longer good: one opens once, within 15 minutes. `tidings sign-in-link` makes another.";
    refused(app, problem)
}

/// `GET /signin/{token}`: the link that `tidings serve` or `tidings sign-in-link` printed.
async fn link(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    if !app.is_good_link(&token).await? {
        return Ok(no_longer(&app));
    }
    Ok(html(&LinkTemplate { token }).into_response())
}

/// `POST /signin/{token}`: once. Where nobody has an account yet and there is no project, it leads to making the first account.
async fn sign_in_by_link(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let Some(session) = app.enter_by_link(&token).await? else {
        return Ok(no_longer(&app));
    };
    let configuration = &app.engine.setup().configuration;
    let is_first = configuration.users.is_empty() && configuration.projects.is_empty();
    let known = Known {
        who: Some(OPERATOR.into()),
        ..Known::default()
    };
    let to = if is_first { "/setup" } else { "/" };
    Ok(entered(&app, &session, to, known))
}
