//! Going on, signed in; or not.

use super::page::page;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use ledger::User;
use web::{
    App,
    audit::{Did, Known, Noted},
    signed::signed,
};

/// Goes on to a page, signed in.
pub(crate) fn enter(app: &App, token: &str, to: &str) -> Response {
    ([(header::SET_COOKIE, app.cookie(token))], Redirect::to(to)).into_response()
}

/// The same as a member.
pub(crate) fn enter_in(app: &App, user: &User, token: &str, to: &str) -> Response {
    kept_in(app, user, token, Redirect::to(to).into_response())
}

/// An answer whose browser keeps a member's session, and is known to be theirs from now on.
pub(crate) fn kept_in(app: &App, user: &User, token: &str, mut answer: Response) -> Response {
    for cookie in [app.cookie(token), app.known_cookie(user.id)] {
        let cookie = HeaderValue::try_from(cookie);
        let cookie = cookie.expect("a cookie is made of what headers take");
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// Goes on to a page, signed in as whoever `known` says.
pub(super) fn entered(app: &App, token: &str, to: &str, known: Known) -> Response {
    Noted::new(Did::AsStated(known), enter(app, token, to)).into_response()
}

/// The same as a member, to the first page.
pub(super) fn entered_in(app: &App, user: &User, token: &str, known: Known) -> Response {
    let answer = enter_in(app, user, token, "/");
    Noted::new(Did::AsStated(known), answer).into_response()
}

/// The page to sign in on, and why nobody is signed in.
pub(super) fn refused(app: &App, problem: &str) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    page(app, status, problem.to_owned(), String::new())
}

/// Who came, for the audit log.
pub(super) fn member(user: &User) -> Known {
    Known {
        who: Some(signed(&user.email, user.id)),
        project: user.project,
        subject: None,
    }
}
