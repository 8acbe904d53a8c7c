//! Who may do what: API keys for programs, sessions for members.
//!
//! **How it works.** A route has a rule ([`Access`]). The rule says how its callers make themselves known and what they have
//! to be; [`enforce`] finds the [`Caller`] that way and no other, and lets it through or answers. A message of a store proves
//! itself, so nothing is looked up for it.

mod by_key;
mod caller;
pub(crate) mod cookies;
mod key;
mod known;
mod link;
mod open;
mod origin;
mod right;
mod rule;
mod session;
mod signed_in;

pub use caller::{Caller, OPERATOR};
pub use key::{digest, new_api_key, new_client_key, random_text};
pub use known::Whereabouts;
pub use link::{has_owner, new_operator_link, operator_links};
pub use open::Sessions;
pub use right::Right;
pub use rule::Access;
pub use session::{Lasting, Use, agent};
pub use signed_in::SignedIn;

use crate::{
    App,
    problem::{Code, Problem},
};
use axum::{
    body::Body,
    extract::State,
    http::{Method, Request, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use origin::is_from_our_page;
use rule::Proof;

/// Marks the answer to a caller who may not call, so that a surface with a form of its own for errors can give it that.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

/// Enforces the access rule of a route and tells the handler who is calling.
pub async fn enforce(
    State((app, access)): State<(App, Access)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    match admit(&app, access, &head).await {
        Ok(right) => {
            if let Some(right) = right {
                head.extensions.insert(right.caller.clone());
                head.extensions.insert(right);
            }
            next.run(Request::from_parts(head, body)).await
        }
        Err(mut refusal) => {
            refusal.extensions_mut().insert(Refused);
            *refusal
        }
    }
}

/// Who is calling a route with this rule; nobody in particular where nobody is asked. Otherwise the answer to give.
async fn admit(app: &App, access: Access, head: &Parts) -> Result<Option<Right>, Box<Response>> {
    let refuse = |problem: Problem| Box::new(problem.into_response());
    let right = match access.proof() {
        Proof::None => return Ok(None),
        Proof::OurPage if is_from_our_page(app, head) => {
            return Ok(None);
        }
        Proof::OurPage => {
            let problem = "what signs in or out is taken from pages of this server only: open its sign-in page in this browser, at the address it is served \
                           under, and send the form there";
            return Err(refuse(Problem::new(Code::ForeignPage, problem)));
        }
        Proof::Key => by_key(app, head).await,
        Proof::KeyOrSession => match by_key(app, head).await {
            Ok(None) => by_session(app, head).await,
            known => known,
        },
        Proof::Session => by_session(app, head).await,
    };
    let Some(right) = right.map_err(refuse)? else {
        return Err(match access.proof() {
            Proof::Session => Box::new(Redirect::to("/signin").into_response()),
            Proof::None | Proof::OurPage | Proof::Key | Proof::KeyOrSession => {
                refuse(Problem::new(
                    Code::MissingKey,
                    "send an API key as `Authorization: Bearer tid_sk_...`; `tidings keys create` makes one",
                ))
            }
        });
    };
    match access.refusal(&right.caller) {
        Some(why) => Err(refuse(Problem::new(Code::Forbidden, why))),
        None => Ok(Some(right)),
    }
}

/// Who holds the key that came along.
async fn by_key(app: &App, head: &Parts) -> Result<Option<Right>, Problem> {
    let caller = by_key::by_key(app, head).await?;
    Ok(caller.map(|caller| Right {
        app: app.clone(),
        caller,
        session: None,
    }))
}

/// Who is signed in. What another site makes a browser send counts for reading only.
async fn by_session(app: &App, head: &Parts) -> Result<Option<Right>, Problem> {
    let reads = [Method::GET, Method::HEAD].contains(&head.method);
    if !reads && !is_from_our_page(app, head) {
        return Ok(None);
    }
    let Some(token) = app.session_token(&head.headers) else {
        return Ok(None);
    };
    let session = digest(&token);
    let caller = app.signed_in_as(&session, Use::of(head)).await?;
    Ok(caller.map(|caller| Right {
        app: app.clone(),
        caller,
        session: Some(session),
    }))
}
