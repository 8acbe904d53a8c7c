//! Signing in with an address and a password: counted first, then hashed, then whatever else the account asks for.

use super::{enter::member, page::page, second_step::go_on};
use crate::respond::later;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::UserId;
use ledger::{ConfigurationChange, LONGEST_EMAIL, User, UserPart};
use std::time::Duration;
use web::{
    App,
    access::Whereabouts,
    audit::{Did, Known, Noted},
    configure::decide,
    counted,
    passwords::{self, Asker, Busy, Checked, Throttle},
    problem::Problem,
    signed::signed,
};

pub(super) async fn by_password(
    app: &App,
    from: &Whereabouts,
    agent: &str,
    email: &str,
    password: String,
) -> Result<Response, Problem> {
    let email = email.to_lowercase();
    if email.len() > LONGEST_EMAIL {
        let problem = format!("An address has at most {LONGEST_EMAIL} characters.");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(app, status, problem, String::new()));
    }
    let (throttle, uptime) = (&app.gate.throttle, app.engine.system().uptime());
    let tried = match Try::take(throttle, from, &email, of_address(app, &email), uptime) {
        Ok(tried) => tried,
        Err(wait) => {
            let seconds = wait.as_secs() + 1;
            let problem = format!(
                "Too many wrong tries. Try again in {}.",
                counted(seconds, "second")
            );
            let page = page(app, StatusCode::TOO_MANY_REQUESTS, problem, email);
            return Ok(later(seconds, page));
        }
    };
    let users = &tried.users;
    let Ok(Checked { opens, anew }) = check(app, users, password).await else {
        tried.was_not_made(throttle, &email);
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
        return Ok(Noted::new(was_wrong(users), answer).into_response());
    };
    tried.was_right(throttle, &email, user.id);
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

/// As the audit log has it: nobody has signed in. Whoever guesses is slowed down, so that this fills no log.
fn was_wrong(users: &[User]) -> Did {
    users.first().map_or(Did::Nothing, |user| {
        let known = Known {
            who: None,
            subject: Some(user.email.clone()),
            ..member(user)
        };
        Did::Beside("fail to sign in", known)
    })
}

/// A try that was counted.
struct Try<'a> {
    /// The accounts it may open.
    users: Vec<User>,
    /// The one whose browser it is made in, and how that is counted.
    known: Option<(UserId, Asker<'a>)>,
    /// How it is counted for all others; `None` where there are none, or they are not open to it now.
    others: Option<Asker<'a>>,
}

impl<'a> Try<'a> {
    /// Counts a try before it is made. An address may have an account for each reach, and whoever knows the password of one is nobody in
    /// particular to the rest: those are open only as they are to strangers.
    ///
    /// Errors: how long it has to wait.
    fn take(
        throttle: &Throttle,
        from: &'a Whereabouts,
        email: &str,
        mut users: Vec<User>,
        uptime: Duration,
    ) -> Result<Self, Duration> {
        let mut askers = users.iter().map(|user| (user.id, from.asker(user.id)));
        let known = askers.find(|(_, asker)| matches!(asker, Asker::Known(_)));
        let stranger = from.stranger();
        let Some((user, asker)) = known else {
            throttle.take_try(email, stranger, uptime)?;
            let others = Some(stranger);
            return Ok(Self {
                users,
                known,
                others,
            });
        };
        throttle.take_try(email, asker, uptime)?;
        let is_open = users.len() > 1 && throttle.take_try(email, stranger, uptime).is_ok();
        if !is_open {
            users.retain(|known| known.id == user);
        }
        let others = is_open.then_some(stranger);
        Ok(Self {
            users,
            known,
            others,
        })
    }

    /// Nothing was compared.
    fn was_not_made(&self, throttle: &Throttle, email: &str) {
        let known = self.known.map(|(_, asker)| asker);
        for asker in known.into_iter().chain(self.others) {
            throttle.give_back(email, asker);
        }
    }

    /// It opened this account, which forgives what was tried at it and at no other.
    fn was_right(&self, throttle: &Throttle, email: &str, opened: UserId) {
        let known = self.known.map(|(user, asker)| (asker, user == opened));
        let others = self.others.map(|asker| (asker, self.users.len() == 1));
        for (asker, is_forgiven) in known.into_iter().chain(others) {
            if is_forgiven {
                throttle.forgive(email, asker);
            } else {
                throttle.give_back(email, asker);
            }
        }
    }
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
    let is_kept = decide(app, &signed(&email, id), |setup| {
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
