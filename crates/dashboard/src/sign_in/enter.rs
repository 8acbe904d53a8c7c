//! Going on, signed in; or not.

use super::page::page;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use ledger::{SecondStep, User};
use std::fmt::Debug;
use web::{
    App,
    access::SignedIn,
    audit::{Did, Known, Noted},
    signed::signed,
};

/// Goes on to a page, signed in.
pub(crate) fn enter(app: &App, token: &str, to: &str) -> Response {
    ([(header::SET_COOKIE, app.cookie(token))], Redirect::to(to)).into_response()
}

/// The same as a member.
pub(super) fn enter_in(app: &App, user: &User, token: &str, to: &str) -> Response {
    kept_in(app, user, token, Redirect::to(to).into_response())
}

/// An answer whose browser keeps a member's session, and is known to be theirs from now on.
pub(super) fn kept_in(app: &App, user: &User, token: &str, mut answer: Response) -> Response {
    for cookie in [app.cookie(token), app.known_cookie(user.id)] {
        let cookie = HeaderValue::try_from(cookie);
        let cookie = cookie.expect("a cookie is made of what headers take");
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// An answer that says what is durable by now, to a member who is signed in anew with it. Where no session can be opened they are not, and the page that
/// they go on to has them sign in: what was done is never answered as failed.
pub(crate) async fn signed_in_anew(
    app: &App,
    user: &User,
    agent: &str,
    answer: Response,
) -> Response {
    match app.sign_in(user, SecondStep::TakenBefore, agent).await {
        Ok(SignedIn::As(token)) => kept_in(app, user, &token, answer),
        Ok(refused @ (SignedIn::Changed | SignedIn::CodeRefused)) => {
            note_signed_out(user, &refused);
            answer
        }
        Err(error) => {
            note_signed_out(user, &error);
            answer
        }
    }
}

/// Has a member sign in whose account or password is durable by now, and with whom nothing else could be done.
pub(super) fn has_to_sign_in(user: &User, problem: &impl Debug) -> Response {
    note_signed_out(user, problem);
    Noted::nothing(Redirect::to("/signin")).into_response()
}

fn note_signed_out(user: &User, problem: &impl Debug) {
    tracing::warn!(?problem, user.id = %user.id, "whoever changed how they sign in could not be signed in with it, and has to do so");
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

/// The same for an account that is another than it was a moment ago.
pub(super) fn changed(app: &App) -> Response {
    refused(
        app,
        "The account was changed while you signed in. Sign in again.",
    )
}

/// Who came, for the audit log.
pub(super) fn member(user: &User) -> Known {
    Known {
        who: Some(signed(&user.email, user.id)),
        project: user.project,
        subject: None,
    }
}
