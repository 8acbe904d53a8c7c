//! Who may do what: API keys for programs, sessions for people.

use crate::{
    App,
    passwords::Throttle,
    problem::{Code, Problem},
};
use aws_lc_rs::digest as sha;
use axum::{
    body::Body,
    extract::State,
    http::{Method, Request, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{ApiKeyId, AppId, ProjectId, Store, UserId};
use engine::System;
use jiff::SignedDuration;
use ledger::{ApiKey, LedgerError, Role, Scope, Session, User};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Name of the session cookie over plain HTTP, and over HTTPS, where the browser itself guards it.
const COOKIE: &str = "tidings_session";
const GUARDED_COOKIE: &str = "__Host-tidings_session";
/// How long somebody stays signed in.
const SIGNED_IN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Characters kept of what a browser calls itself.
const LONGEST_AGENT: usize = 200;

/// What the browser calls itself.
pub fn agent(request: &Request<Body>) -> String {
    let told = request.headers().get(header::USER_AGENT);
    let text = told.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_owned()
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone: health, documents, sign-in.
    Anyone,
    /// A store, whose message proves itself.
    Store,
    /// Client SDKs, with a public key, and whoever may do more.
    Client,
    /// Whoever may read the project.
    Read,
    /// Whoever may change it.
    Write,
    /// A person who is signed in; others are sent to the sign-in page.
    Page,
    /// A person who is signed in and may change things, on a form of ours.
    Form,
    /// A person who is signed in, about himself, on a form of ours.
    Own,
    /// A person who is signed in and may manage people and keys.
    Manage,
}

impl Access {
    /// The least that a caller's scope has to be; `None` where nobody is asked who they are.
    const fn least(self) -> Option<Scope> {
        match self {
            Self::Anyone | Self::Store => None,
            Self::Client => Some(Scope::Client),
            Self::Read | Self::Page | Self::Own => Some(Scope::Read),
            Self::Write | Self::Form | Self::Manage => Some(Scope::Write),
        }
    }

    /// Whether it takes somebody's role, whatever the scope is.
    const fn is_for_managers(self) -> bool {
        match self {
            Self::Manage => true,
            Self::Anyone
            | Self::Store
            | Self::Client
            | Self::Read
            | Self::Write
            | Self::Page
            | Self::Form
            | Self::Own => false,
        }
    }

    /// Why somebody known is not let through; `None` when they are.
    fn refusal(self, caller: &Caller) -> Option<&'static str> {
        let least = self.least()?;
        if caller.scope < least && caller.scope == Scope::Client {
            // It is in every copy of the app.
            Some("this is the public key of an app: it opens /v1 only")
        } else if self.is_for_managers() && !caller.may_manage() {
            Some("only admins and owners may manage people and keys")
        } else if caller.scope < least {
            Some("this key may not change anything")
        } else {
            None
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For the audit log.
    pub name: String,
    /// The only project it reaches.
    pub project: Option<ProjectId>,
    /// The app a public key is part of.
    pub app: Option<AppId>,
    /// How far it reaches.
    pub scope: Scope,
    /// As what somebody is signed in; `None` for keys.
    pub role: Option<Role>,
    /// Whose account it is; `None` for keys and the operator.
    pub user: Option<UserId>,
}

impl Caller {
    /// Whoever holds a key.
    pub fn of_key(key: &ApiKey) -> Self {
        Self {
            name: format!("key {}", key.name),
            project: key.project,
            app: key.app,
            scope: key.scope,
            role: None,
            user: None,
        }
    }

    fn of_user(user: &User) -> Self {
        Self {
            name: user.email.clone(),
            project: user.project,
            app: None,
            scope: if user.role >= Role::Developer {
                Scope::Write
            } else {
                Scope::Read
            },
            role: Some(user.role),
            user: Some(user.id),
        }
    }

    /// Whether it may manage members and keys: an admin or owner, never a key.
    pub fn may_manage(&self) -> bool {
        self.role >= Some(Role::Admin)
    }

    /// Whether a project is open to it.
    pub fn reaches(&self, project: ProjectId) -> bool {
        self.project.is_none_or(|only| only == project)
    }
}

/// SHA-256 of a key or token, in hexadecimal: all that is ever stored of it.
pub fn digest(secret: &str) -> String {
    sha::digest(&sha::SHA256, secret.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// 256 bits, in hexadecimal.
pub fn random_text(system: &dyn System) -> String {
    (0..4)
        .map(|_| format!("{:016x}", system.entropy()))
        .collect()
}

/// Makes an API key. The text is shown once and never stored.
pub fn new_api_key(
    system: &dyn System,
    project: Option<ProjectId>,
    name: &str,
    scope: Scope,
) -> (String, ApiKey) {
    let text = format!("tid_sk_{}", random_text(system));
    let key = ApiKey {
        id: ApiKeyId::new(system.uuid()),
        project,
        name: name.to_owned(),
        app: None,
        digest: digest(&text),
        scope,
        created_at: system.now(),
    };
    (text, key)
}

/// Makes the public key of an app, for its clients. Its beginning is what their SDKs expect for the store.
pub fn new_client_key(system: &dyn System, app: &ledger::App) -> (String, ApiKey) {
    let prefix = match app.store() {
        Store::AppStore => "appl",
        Store::PlayStore => "goog",
        Store::Stripe => "strp",
        Store::External | Store::Promotional => "rcb",
    };
    let random = random_text(system);
    let text = format!("{prefix}_{}", random.get(..32).unwrap_or(&random));
    let key = ApiKey {
        id: ApiKeyId::new(system.uuid()),
        project: Some(app.project),
        app: Some(app.id),
        name: format!("clients of {}", app.key),
        digest: digest(&text),
        scope: Scope::Client,
        created_at: system.now(),
    };
    (text, key)
}

/// The link that signs the operator in, and who is signed in by it or by a key. Kept in memory: a restart ends these; sessions
/// of users are in the ledger.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Digest of the session token, and who it is.
    open: Mutex<BTreeMap<String, Caller>>,
    /// Digest of the token in the operator's sign-in link.
    link: Mutex<Option<String>>,
    /// Slows guessing of passwords down.
    pub throttle: Throttle,
}

impl Sessions {
    /// Makes the token of the operator's sign-in link, good until the server stops.
    pub fn operator_link(&self, system: &dyn System) -> String {
        let token = random_text(system);
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest(&token));
        token
    }

    /// Signs the operator in with the token of the link; answers with the token of the session.
    pub fn enter_by_link(&self, system: &dyn System, token: &str) -> Option<String> {
        let known = self
            .link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Digests are compared, so the time taken tells nothing about the token.
        known.filter(|known| *known == digest(token))?;
        Some(self.open(
            system,
            Caller {
                name: "operator".into(),
                project: None,
                app: None,
                scope: Scope::Write,
                role: Some(Role::Owner),
                user: None,
            },
        ))
    }

    /// Opens a session that ends with the process; answers with its token.
    pub fn open(&self, system: &dyn System, caller: Caller) -> String {
        let token = random_text(system);
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest(&token), caller);
        token
    }

    /// Ends a session of this process.
    pub fn close(&self, token: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&digest(token));
    }

    fn find(&self, token: &str) -> Option<Caller> {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest(token))
            .cloned()
    }
}

impl App {
    /// Signs a user in, in the browser that calls itself `agent`; answers with the token of the session.
    pub async fn sign_in(&self, user: &User, agent: &str) -> Result<String, LedgerError> {
        let (system, ledger) = (self.engine.system(), self.engine.ledger());
        let (token, now) = (random_text(system), system.now());
        let session = Session {
            digest: digest(&token),
            user: user.id,
            created_at: now,
            expires_at: now.saturating_add(SIGNED_IN).unwrap_or(now),
            agent: agent.chars().take(LONGEST_AGENT).collect(),
        };
        ledger.open_session(session).await?;
        Ok(token)
    }

    /// Who is signed in with a session's token.
    async fn signed_in(&self, token: Option<String>) -> Result<Option<Caller>, LedgerError> {
        let Some(token) = token else {
            return Ok(None);
        };
        if let Some(caller) = self.sessions.find(&token) {
            return Ok(Some(caller));
        }
        let now = self.engine.system().now();
        let session = self.engine.ledger().session(&digest(&token), now).await?;
        let setup = self.engine.setup();
        let user = session.and_then(|session| setup.user(session.user));
        Ok(user.map(Caller::of_user))
    }

    /// The cookie that keeps a session; an empty token ends it.
    pub fn cookie(&self, token: &str) -> String {
        let name = cookie_name(self.engine.public_url());
        let secure = if name == GUARDED_COOKIE {
            "; Secure"
        } else {
            ""
        };
        let seconds = if token.is_empty() {
            0
        } else {
            SIGNED_IN.as_secs()
        };
        format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }
}

/// What the session's cookie is called where people reach the server under this address.
pub(crate) fn cookie_name(public_url: &str) -> &'static str {
    if public_url.starts_with("https://") {
        GUARDED_COOKIE
    } else {
        COOKIE
    }
}

/// The session token of a request.
pub fn session_token(request: &Request<Body>) -> Option<String> {
    let cookies = request
        .headers()
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, token) = pair.trim().split_once('=')?;
        [COOKIE, GUARDED_COOKIE]
            .contains(&name)
            .then(|| token.to_owned())
    })
}

fn by_key(app: &App, request: &Request<Body>) -> Result<Option<Caller>, Problem> {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let key = bearer(request).ok_or_else(|| {
        Problem::new(
            Code::UnknownKey,
            "send the key as `Authorization: Bearer tid_sk_...`",
        )
    })?;
    let setup = app.engine.setup();
    let known = setup
        .api_key(&digest(key))
        .ok_or_else(|| Problem::new(Code::UnknownKey, "the key was revoked or never existed"))?;
    Ok(Some(Caller::of_key(known)))
}

impl App {
    /// A key made a moment ago by another process is good at once.
    pub async fn learn_key(&self, key: &str) -> Result<(), LedgerError> {
        if self.engine.setup().api_key(&digest(key)).is_none() {
            self.engine.reload().await?;
        }
        Ok(())
    }
}

fn bearer(request: &Request<Body>) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    // Old SDKs send the key alone.
    let is_v1 = request.uri().path().starts_with("/v1/");
    value
        .strip_prefix("Bearer ")
        .or_else(|| Some(value).filter(|_| is_v1))
        .map(str::trim)
}

/// A form must come from a page of ours. Browsers say so in `Sec-Fetch-Site`; older ones in `Origin`.
pub fn is_from_our_page(request: &Request<Body>) -> bool {
    let text = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin == host),
        _ => false,
    }
}

/// Marks the answer to a caller who may not call, so that a surface with a form of its own for errors can give it that.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

/// Enforces the access rule of a route and tells the handler who is calling.
pub async fn enforce(
    State((app, access)): State<(App, Access)>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    if let Some(key) = bearer(&request)
        && let Err(error) = app.learn_key(key).await
    {
        return Problem::from(error).into_response();
    }
    let session = match app.signed_in(session_token(&request)).await {
        Ok(session) => session,
        Err(error) => return Problem::from(error).into_response(),
    };
    match admit(&app, access, &request, session) {
        Ok(None) => next.run(request).await,
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => {
            let mut refusal = *refusal;
            refusal.extensions_mut().insert(Refused);
            refusal
        }
    }
}

/// Who is calling a route with this rule; nobody in particular where anyone may. Otherwise the answer to give.
fn admit(
    app: &App,
    access: Access,
    request: &Request<Body>,
    session: Option<Caller>,
) -> Result<Option<Caller>, Box<Response>> {
    let reads = request.method() == Method::GET;
    let caller = match access {
        Access::Anyone | Access::Store => return Ok(None),
        Access::Read | Access::Write => match by_key(app, request) {
            Ok(Some(caller)) => Some(caller),
            Ok(None) => session.filter(|_| reads || is_from_our_page(request)),
            Err(problem) => return Err(Box::new(problem.into_response())),
        },
        Access::Client => {
            if let Ok(Some(caller)) = by_key(app, request) {
                Some(caller)
            } else {
                let refusal =
                    Problem::new(Code::UnknownKey, "send the key of an app or a secret key");
                return Err(Box::new(refusal.into_response()));
            }
        }
        Access::Page => session,
        Access::Form | Access::Own => session.filter(|_| is_from_our_page(request)),
        Access::Manage => session.filter(|_| reads || is_from_our_page(request)),
    };
    let Some(caller) = caller else {
        return Err(Box::new(match access {
            Access::Page | Access::Form | Access::Own | Access::Manage => Redirect::to("/signin").into_response(),
            Access::Anyone | Access::Store | Access::Client | Access::Read | Access::Write => Problem::new(
                Code::MissingKey,
                "send an API key as `Authorization: Bearer tid_sk_...`; `tidings keys create` makes one",
            )
            .into_response(),
        }));
    };
    match access.refusal(&caller) {
        Some(why) => Err(Box::new(Problem::new(Code::Forbidden, why).into_response())),
        None => Ok(Some(caller)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<Body> {
        headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| {
                request.header(*name, *value)
            })
            .body(Body::empty())
            .unwrap()
    }

    #[test]
    fn every_rule_lets_through_only_who_may_do_that_much() {
        use Access::{Anyone, Client, Form, Manage, Own, Page, Read, Store, Write};
        let caller = |scope, role| Caller {
            name: String::new(),
            project: None,
            app: None,
            scope,
            role,
            user: None,
        };
        let callers = [
            caller(Scope::Client, None),
            caller(Scope::Read, None),
            caller(Scope::Read, Some(Role::Viewer)),
            caller(Scope::Write, None),
            caller(Scope::Write, Some(Role::Developer)),
            caller(Scope::Write, Some(Role::Admin)),
            caller(Scope::Write, Some(Role::Owner)),
        ];
        // In the order of the callers: a public key; a key that reads, a viewer; a key that writes, a developer; admin, owner.
        let expected = [
            (Anyone, "+ ++ ++ ++"),
            (Store, "+ ++ ++ ++"),
            (Client, "+ ++ ++ ++"),
            (Read, "- ++ ++ ++"),
            (Page, "- ++ ++ ++"),
            (Own, "- ++ ++ ++"),
            (Write, "- -- ++ ++"),
            (Form, "- -- ++ ++"),
            (Manage, "- -- -- ++"),
        ];
        for (access, expected) in expected {
            let mut answers = callers.iter().map(|caller| access.refusal(caller));
            let may: String = expected
                .chars()
                .map(|sign| match sign {
                    ' ' => ' ',
                    _ if answers.next().unwrap().is_none() => '+',
                    _ => '-',
                })
                .collect();
            assert_eq!(may, expected, "{access:?}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        assert!(is_from_our_page(&request(&[(
            "sec-fetch-site",
            "same-origin"
        )])));
        assert!(!is_from_our_page(&request(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://a"),
            ("host", "a")
        ])));
        assert!(is_from_our_page(&request(&[
            ("origin", "http://a:1"),
            ("host", "a:1")
        ])));
        assert!(!is_from_our_page(&request(&[
            ("origin", "http://evil"),
            ("host", "a:1")
        ])));
        assert!(!is_from_our_page(&request(&[])));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(
            session_token(&request(&[("cookie", "a=1; tidings_session=abc; b=2")])).as_deref(),
            Some("abc")
        );
        assert_eq!(
            session_token(&request(&[("cookie", "xtidings_session=abc")])),
            None
        );
    }
}
