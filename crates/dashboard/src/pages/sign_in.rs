//! Signing in and out: with a password, with a key, or by the operator's link; and becoming a user.

use super::html;
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::UserId;
use ledger::{ConfigurationChange, Invitation, Role, Scope, User};
use web::{
    App,
    access::{self, Access, Caller, digest, is_from_our_page},
    body, passwords,
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Anyone, Manage};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/setup", Manage, "", setup),
        Route::new(Post, "/setup", Manage, "", make_owner),
        Route::new(Get, "/invite/{token}", Anyone, "", invited),
        Route::new(Post, "/invite/{token}", Anyone, "", join),
        Route::new(Get, "/signin", Anyone, "", sign_in),
        Route::new(Post, "/signin", Anyone, "", sign_in_with),
        Route::new(Get, "/signin/{token}", Anyone, "", sign_in_by_link),
        Route::new(Post, "/signout", Anyone, "", sign_out),
    ]
}

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInTemplate {
    problem: String,
    email: String,
    has_users: bool,
}

fn page(app: &App, status: StatusCode, problem: String, email: String) -> Response {
    let page = SignInTemplate {
        problem,
        email,
        has_users: !app.engine.setup().configuration.users.is_empty(),
    };
    (status, html(&page)).into_response()
}

/// Goes on to a page, signed in.
pub(super) fn enter(app: &App, token: &str, to: &str) -> Response {
    ([(header::SET_COOKIE, app.cookie(token))], Redirect::to(to)).into_response()
}

/// `GET /signin`.
pub(crate) async fn sign_in(State(app): State<App>) -> Response {
    page(&app, StatusCode::OK, String::new(), String::new())
}

/// `POST /signin` with `email` and `password`, or with `key`.
pub(crate) async fn sign_in_with(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let agent = access::agent(request.headers());
    let sent = Sent::read(&body::read(request).await?);
    let key = sent.text("key");
    if !key.is_empty() {
        app.learn_key(key).await?;
        let setup = app.engine.setup();
        let Some(key) = setup.api_key(&digest(key)) else {
            let problem = "This key is not known.".to_owned();
            return Ok(page(&app, StatusCode::UNAUTHORIZED, problem, String::new()));
        };
        if key.scope < Scope::Read {
            let problem = "This is the public key of an app: it is in every copy of the app and opens no pages. Use a secret key.";
            return Ok(page(
                &app,
                StatusCode::FORBIDDEN,
                problem.to_owned(),
                String::new(),
            ));
        }
        let caller = Caller::of_key(key);
        let token = app.sessions.open(app.engine.system(), caller);
        return Ok(enter(&app, &token, "/"));
    }
    let setup = app.engine.setup();
    let email = sent.text("email").to_lowercase();
    let now = app.engine.system().now();
    if let Some(wait) = app.sessions.throttle.wait(&email, now) {
        let problem = format!(
            "Too many wrong tries. Try again in {} seconds.",
            wait.as_secs() + 1
        );
        return Ok(page(&app, StatusCode::TOO_MANY_REQUESTS, problem, email));
    }
    let user = setup
        .configuration
        .users
        .iter()
        .find(|user| user.email == email);
    let stored = user.map(|user| user.password.clone());
    let is_right = passwords::is_right(stored, sent.raw("password").to_owned()).await;
    app.sessions.throttle.tried(&email, is_right, now);
    let Some(user) = user.filter(|_| is_right) else {
        tracing::warn!("somebody tried to sign in with a wrong address or password");
        let problem = "The address or the password is wrong.".to_owned();
        return Ok(page(&app, StatusCode::UNAUTHORIZED, problem, email));
    };
    Ok(enter(&app, &app.sign_in(user, &agent).await?, "/"))
}

/// `GET /signin/{token}`: the link that `tidings serve` prints. Where nobody has an account yet and there is no project, it
/// leads to making the first account.
pub(crate) async fn sign_in_by_link(State(app): State<App>, Path(token): Path<String>) -> Response {
    let configuration = &app.engine.setup().configuration;
    let is_first = configuration.users.is_empty() && configuration.projects.is_empty();
    let Some(session) = app.sessions.enter_by_link(app.engine.system(), &token) else {
        let problem =
            "This link is no longer good. The server prints a new one whenever it starts.";
        let status = StatusCode::UNAUTHORIZED;
        return page(&app, status, problem.into(), String::new());
    };
    enter(&app, &session, if is_first { "/setup" } else { "/" })
}

/// `POST /signout`.
pub(crate) async fn sign_out(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if let Some(token) =
        access::session_token(request.headers()).filter(|_| is_from_our_page(request.headers()))
    {
        app.sessions.close(&token);
        let digest = digest(&token);
        app.engine
            .ledger()
            .close_sessions(Some(&digest), None)
            .await?;
    }
    Ok(enter(&app, "", "/signin"))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate {
    title: &'static str,
    action: String,
    email: String,
    email_is_given: bool,
    has_name: bool,
    name: String,
    problems: Vec<String>,
}

/// What a form for a new account says, checked.
struct NewAccount {
    email: String,
    name: String,
    password: String,
    /// In which browser.
    agent: String,
    problems: Vec<String>,
}

fn is_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && text.len() <= 200)
}

impl NewAccount {
    fn read(app: &App, (sent, agent): (&Sent, String), email: &str) -> Self {
        let mut problems = Vec::new();
        if !is_email(email) {
            problems.push(format!("{email:?} is not an e-mail address"));
        }
        let setup = app.engine.setup();
        if setup
            .configuration
            .users
            .iter()
            .any(|user| user.email == email)
        {
            problems.push(format!("{email} has an account already"));
        }
        let password = sent.raw("password").to_owned();
        problems
            .extend(passwords::problem(&password).map(|problem| format!("the password {problem}")));
        Self {
            email: email.to_owned(),
            name: sent.text("name").to_owned(),
            password,
            agent,
            problems,
        }
    }

    /// Makes the account and signs it in. `used` is the invitation that is spent on it.
    async fn make(
        self,
        app: &App,
        role: Role,
        used: Option<Invitation>,
        to: &str,
    ) -> Result<Response, Problem> {
        let system = app.engine.system();
        let name = if self.name.is_empty() {
            self.email.clone()
        } else {
            self.name
        };
        let user = User {
            id: UserId::new(system.uuid()),
            name,
            role,
            project: used.as_ref().and_then(|invitation| invitation.project),
            password: passwords::hash(system, self.password).await,
            created_at: system.now(),
            email: self.email,
        };
        let mut changes = vec![ConfigurationChange::PutUser(user.clone())];
        changes.extend(spent(app, &user.email));
        if !app.engine.configure(changes, &user.email).await? {
            return Err(Problem::changed_meanwhile());
        }
        Ok(enter(app, &app.sign_in(&user, &self.agent).await?, to))
    }
}

/// `GET /setup`: the owner's account, while nobody has one.
pub(crate) async fn setup(State(app): State<App>) -> Response {
    if !app.engine.setup().configuration.users.is_empty() {
        return Redirect::to("/").into_response();
    }
    html(&AccountTemplate {
        title: "Make the owner's account",
        action: "/setup".into(),
        email: String::new(),
        email_is_given: false,
        has_name: true,
        name: String::new(),
        problems: Vec::new(),
    })
}

/// `POST /setup`.
pub(crate) async fn make_owner(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if !app.engine.setup().configuration.users.is_empty() {
        return Err(Problem::new(
            Code::Conflict,
            "there is an owner already; sign in, or be invited",
        ));
    }
    let agent = access::agent(request.headers());
    let sent = Sent::read(&body::read(request).await?);
    let email = sent.text("email").to_lowercase();
    let account = NewAccount::read(&app, (&sent, agent), &email);
    if account.problems.is_empty() {
        return account.make(&app, Role::Owner, None, "/").await;
    }
    let page = AccountTemplate {
        title: "Make the owner's account",
        action: "/setup".into(),
        email: account.email,
        email_is_given: false,
        has_name: true,
        name: account.name,
        problems: account.problems,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

fn invitation(app: &App, token: &str) -> Result<Invitation, Problem> {
    let (setup, now) = (app.engine.setup(), app.engine.system().now());
    let digest = digest(token);
    let known = setup.configuration.invitations.iter();
    known
        .filter(|invitation| now < invitation.expires_at)
        .find(|invitation| invitation.digest == digest)
        .cloned()
        .ok_or_else(|| {
            let problem = "this invitation was used, withdrawn, or is too old; ask for another";
            Problem::new(Code::NotFound, problem)
        })
}

/// The account an invitation sets a new password for, if it is of somebody who has one.
fn account_of(app: &App, invitation: &Invitation) -> Option<User> {
    let setup = app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users.find(|user| user.email == invitation.email).cloned()
}

fn invited_page(app: &App, token: &str, invitation: Invitation, problems: Vec<String>) -> Response {
    let known = account_of(app, &invitation);
    let page = AccountTemplate {
        title: if known.is_some() {
            "Set a new password"
        } else {
            "Join"
        },
        action: format!("/invite/{token}"),
        email: invitation.email,
        email_is_given: true,
        has_name: known.is_none(),
        name: String::new(),
        problems,
    };
    html(&page)
}

/// `GET /invite/{token}`.
pub(crate) async fn invited(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let invitation = invitation(&app, &token)?;
    Ok(invited_page(&app, &token, invitation, Vec::new()))
}

/// `POST /invite/{token}`: makes the account, or sets the password of the one there is.
pub(crate) async fn join(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let agent = access::agent(request.headers());
    let invitation = invitation(&app, &token)?;
    let sent = Sent::read(&body::read(request).await?);
    if let Some(user) = account_of(&app, &invitation) {
        let password = sent.raw("password").to_owned();
        if let Some(problem) = passwords::problem(&password) {
            let problems = vec![format!("the password {problem}")];
            let page = invited_page(&app, &token, invitation, problems);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
        let user = set_password(&app, &user, password).await?;
        return Ok(enter(&app, &app.sign_in(&user, &agent).await?, "/"));
    }
    let account = NewAccount::read(&app, (&sent, agent), &invitation.email);
    if account.problems.is_empty() {
        let role = invitation.role;
        return account.make(&app, role, Some(invitation), "/").await;
    }
    let problems = account.problems;
    let page = invited_page(&app, &token, invitation, problems);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// Whoever has an account has no use for a link to make one, and an old one must not open it.
fn spent(app: &App, email: &str) -> Vec<ConfigurationChange> {
    let setup = app.engine.setup();
    let of_email = setup.configuration.invitations.iter();
    of_email
        .filter(|invitation| invitation.email == email)
        .map(|invitation| ConfigurationChange::RemoveInvitation(invitation.clone()))
        .collect()
}

/// Changes a password and ends every session and every link there was.
pub(super) async fn set_password(
    app: &App,
    user: &User,
    password: String,
) -> Result<User, Problem> {
    let user = User {
        password: passwords::hash(app.engine.system(), password).await,
        ..user.clone()
    };
    let mut changes = vec![ConfigurationChange::PutUser(user.clone())];
    changes.extend(spent(app, &user.email));
    if !app.engine.configure(changes, &user.email).await? {
        return Err(Problem::changed_meanwhile());
    }
    let ledger = app.engine.ledger();
    ledger.close_sessions(None, Some(user.id)).await?;
    Ok(user)
}
