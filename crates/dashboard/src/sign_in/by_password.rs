//! Signing in with an address and a password: counted first, then hashed, then whatever else the account asks for.

use super::{
    enter::member,
    page::{SignInForm, page},
    second_step::go_on,
};
use crate::respond::later;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ledger::{ConfigurationChange, LONGEST_EMAIL, User, UserPart};
use web::{
    App,
    access::Whereabouts,
    audit::{Did, Known, Noted},
    configure::decide,
    passwords::{self, Busy, Checked},
    problem::Problem,
};

pub(super) async fn by_password(
    app: &App,
    from: &Whereabouts,
    agent: &str,
    sent: SignInForm,
) -> Result<Response, Problem> {
    let email = sent.email.to_lowercase();
    if email.len() > LONGEST_EMAIL {
        let problem = format!("An address has at most {LONGEST_EMAIL} characters.");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(app, status, problem, String::new()));
    }
    let users = of_address(app, &email);
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let (asker, now) = (from.asker(&ids), app.engine.system().now());
    let throttle = &app.gate.throttle;
    if let Err(wait) = throttle.take_try(&email, asker, now) {
        let seconds = wait.as_secs().unsigned_abs() + 1;
        let problem = format!("Too many wrong tries. Try again in {seconds} seconds.");
        let page = page(app, StatusCode::TOO_MANY_REQUESTS, problem, email);
        return Ok(later(seconds, page));
    }
    let Ok(Checked { opens, anew }) = check(app, &users, sent.password).await else {
        // It was not tried.
        throttle.give_back(&email, asker);
        let problem = "Too many people are signing in just now. Try again in a few seconds.";
        let page = page(app, StatusCode::SERVICE_UNAVAILABLE, problem.into(), email);
        return Ok(later(Busy::WAIT_SECONDS, page));
    };
    let opened = opens.and_then(|index| users.get(index));
    // Checking takes a while: who went meanwhile, or has another password, is not let in by the old one.
    let now_known = app.engine.setup();
    let opened = opened.filter(|user| {
        let known = now_known.user(user.id);
        known.is_some_and(|known| known.password == user.password)
    });
    let Some(user) = opened else {
        tracing::warn!("somebody tried to sign in with a wrong address or password");
        let problem = "The address or the password is wrong.".to_owned();
        let answer = page(app, StatusCode::UNAUTHORIZED, problem, email);
        // Whoever guesses is slowed down, so that this fills no log.
        let did = users.first().map_or(Did::Nothing, |user| {
            let known = Known {
                who: None,
                subject: Some(user.email.clone()),
                ..member(user)
            };
            Did::Beside("fail to sign in", known)
        });
        return Ok(Noted::new(did, answer).into_response());
    };
    throttle.forgive(&email, asker);
    let mut user = user.clone();
    if let Some(anew) = anew {
        keep_anew(app, &mut user, anew).await?;
    }
    let known = Known {
        subject: Some("with a password".into()),
        ..member(&user)
    };
    go_on(app, &user, agent, known).await
}

/// Accounts of an address: one for each reach, that which reaches everything first.
pub(super) fn of_address(app: &App, email: &str) -> Vec<User> {
    let setup = app.engine.setup();
    let users = setup.configuration.users.iter();
    let mut users: Vec<_> = users.filter(|user| user.email == email).cloned().collect();
    users.sort_by_key(|user| (user.project, user.id));
    users
}

async fn check(app: &App, users: &[User], password: String) -> Result<Checked, Busy> {
    let setup = app.engine.setup();
    let mut everybody = setup.configuration.users.iter();
    let has_old = everybody.any(|user| passwords::is_old(&user.password));
    let kept = users.iter().map(|user| user.password.clone()).collect();
    let (hashing, system) = (&app.gate.hashing, app.engine.system());
    passwords::check(hashing, system, kept, has_old, password).await
}

/// Keeps the same password another way. Where somebody changes it at this moment, theirs stands.
async fn keep_anew(app: &App, user: &mut User, anew: String) -> Result<(), Problem> {
    let (id, email, was) = (user.id, user.email.clone(), user.password.clone());
    let is_kept = decide(app, &email, |setup| {
        let is_same = setup.user(id).is_some_and(|known| known.password == was);
        let part = UserPart::Rehashed(anew.clone());
        let change = ConfigurationChange::ChangeUser(id, email.clone(), part);
        Ok((is_same.then_some(change).into_iter().collect(), is_same))
    })
    .await?;
    if is_kept {
        user.password = anew;
    }
    Ok(())
}
