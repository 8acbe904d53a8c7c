//! The operator's link. Looking at it spends nothing: whoever is sent a link may have it opened by a program first, and it is good once.
//!
//! Tests: `crates/dashboard/tests/sections/sign_in.rs`.

use super::enter::{entered, refused};
use crate::{form::Sent, respond::html, state::Dashboard};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::{IntoResponse, Response},
};
use web::{
    App,
    access::{Access, OPERATOR, has_owner},
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
    /// Nobody owns everything yet.
    makes_owner: bool,
    /// There is something to look at without an account.
    has_project: bool,
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
    let configuration = &app.engine.setup().configuration;
    let page = LinkTemplate {
        token,
        makes_owner: !has_owner(configuration),
        has_project: !configuration.projects.is_empty(),
    };
    Ok(html(&page).into_response())
}

/// What the address says of somebody who wants no account.
const LOOK: &str = "look";

/// `POST /signin/{token}`: once. While nobody owns everything it leads to making the owner's account, unless somebody only wants to look.
async fn sign_in_by_link(
    State(app): State<App>,
    Path(token): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Some(session) = app.enter_by_link(&token).await? else {
        return Ok(no_longer(&app));
    };
    let makes_owner = !has_owner(&app.engine.setup().configuration);
    let only_looks = Sent::query(&uri).is_on(LOOK);
    let known = Known {
        who: Some(OPERATOR.into()),
        ..Known::default()
    };
    let to = if makes_owner && !only_looks {
        "/setup"
    } else {
        "/"
    };
    Ok(entered(&app, &session, to, known))
}
