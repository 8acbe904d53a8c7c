//! The second step of signing in, for those who have a second factor: a code of their phone, or one of those on paper.
//!
//! Tests: `crates/dashboard/tests/sections/second_factor.rs`.

use super::enter::{changed, entered_in, member, refused};
use crate::{
    filters,
    form::{Form, Trimmed},
    respond::{html, later},
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{UserId, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{FactorCode, SecondStep, User};
use serde::{Deserialize, Serialize};
use web::{
    App,
    access::{self, Access, SignedIn, Whereabouts, digest},
    audit::{Did, Effect, Known, Noted, Subject},
    counted,
    passwords::Asker,
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    vec![Route::page(
        Method::Post(Effect::Does("sign in", Subject::Said)),
        "/signin/code",
        Access::Visitor,
        second_step,
    )]
}

/// How long somebody may look for the phone.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// What the vault seals a ticket for.
const OWNER: &str = "second step";

/// Says that the first step was taken: nobody can make one but the vault.
#[derive(Serialize, Deserialize)]
struct Ticket {
    user: UserId,
    /// Of the password as it was kept then: with another one it is good no more.
    password: String,
    /// How the first step was taken, for the audit log.
    how: String,
    until: Timestamp,
}

#[derive(Template)]
#[template(path = "sign_in/second_step.html")]
struct CodeTemplate {
    ticket: String,
    problem: String,
}

/// Signs somebody in who took the first step; or asks for the second, where the account has one.
pub(super) async fn go_on(
    app: &App,
    user: &User,
    agent: &str,
    known: Known,
) -> Result<Response, Problem> {
    if app.engine.ledger().second_factor(user.id).await?.is_none() {
        let signed_in = app.sign_in(user, SecondStep::NotAsked, agent).await?;
        return Ok(match signed_in {
            SignedIn::As(token) => entered_in(app, user, &token, known),
            SignedIn::Changed | SignedIn::CodeRefused => changed(app),
        });
    }
    let now = app.engine.system().now();
    let ticket = Ticket {
        user: user.id,
        password: digest(&user.password),
        how: known.subject.unwrap_or_default(),
        until: after(now, LASTS),
    };
    let page = CodeTemplate {
        ticket: sealed(app, &ticket)?,
        problem: String::new(),
    };
    Ok(Noted::nothing(html(&page)).into_response())
}

fn sealed(app: &App, ticket: &Ticket) -> Result<String, Problem> {
    let plain = serde_json::to_vec(ticket)
        .map_err(|error| Problem::new(web::problem::Code::Internal, error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(app.engine.vault().seal(OWNER, &plain)))
}

/// A ticket that is good, and whose it is.
fn opened(app: &App, ticket: &str) -> Option<(Ticket, User)> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(ticket).ok()?;
    let plain = app.engine.vault().open_sealed(OWNER, &sealed).ok()?;
    let ticket: Ticket = serde_json::from_slice(&plain).ok()?;
    let user = app.engine.setup().user(ticket.user).cloned()?;
    let is_good =
        app.engine.system().now() < ticket.until && digest(&user.password) == ticket.password;
    is_good.then_some((ticket, user))
}

/// What the first step gave, and a code.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CodeForm {
    ticket: Trimmed,
    code: Trimmed,
}

/// As the audit log has it: nobody has signed in.
fn was_wrong(user: &User) -> Did {
    let told = format!("{}: the password was right, the code was not", user.email);
    let known = Known {
        who: None,
        subject: Some(told),
        ..member(user)
    };
    Did::Beside("fail to sign in", known)
}

/// `POST /signin/code`. Whoever comes here knows the password, so strangers are counted together: they are few, and codes are short.
async fn second_step(
    State(app): State<App>,
    from: Whereabouts,
    headers: HeaderMap,
    Form(sent): Form<CodeForm>,
) -> Result<Response, Problem> {
    let Some((ticket, user)) = opened(&app, &sent.ticket) else {
        return Ok(refused(&app, "That took too long. Sign in again."));
    };
    let Some(factor) = app.engine.ledger().second_factor(user.id).await? else {
        return Ok(refused(
            &app,
            "Your second factor was reset. Sign in again.",
        ));
    };
    let again = |status: StatusCode, problem: String| {
        let page = CodeTemplate {
            ticket: sent.ticket.to_string(),
            problem,
        };
        (status, html(&page)).into_response()
    };
    let name = format!("code of {}", user.id);
    let asker = match from.asker(user.id) {
        Asker::Known(proof) => Asker::Known(proof),
        Asker::Stranger(_) => Asker::Known("strangers"),
    };
    let uptime = app.engine.system().uptime();
    if let Err(wait) = app.gate.throttle.take_try(&name, asker, uptime) {
        let seconds = wait.as_secs() + 1;
        let problem = format!(
            "Too many wrong codes. Try again in {}.",
            counted(seconds, "second")
        );
        return Ok(later(
            seconds,
            again(StatusCode::TOO_MANY_REQUESTS, problem),
        ));
    }
    let wrong = || {
        let problem = "The code is wrong, or was used already.".to_owned();
        let answer = again(StatusCode::UNAUTHORIZED, problem);
        Noted::new(was_wrong(&user), answer).into_response()
    };
    let Some(code) = app.read_code(&factor, &sent.code)? else {
        return Ok(wrong());
    };
    let with = match code {
        FactorCode::Step { .. } => "and a code",
        FactorCode::Recovery(_) => "and a recovery code",
    };
    let known = Known {
        subject: Some(format!("{} {with}", ticket.how)),
        ..member(&user)
    };
    let second = SecondStep::Code(code);
    let signed_in = app.sign_in(&user, second, &access::agent(&headers)).await;
    let token = match signed_in? {
        SignedIn::As(token) => token,
        SignedIn::Changed => return Ok(changed(&app)),
        SignedIn::CodeRefused => return Ok(wrong()),
    };
    app.gate.throttle.forgive(&name, asker);
    Ok(entered_in(&app, &user, &token, known))
}
