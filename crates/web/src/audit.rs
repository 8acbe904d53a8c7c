//! The audit log: who changed what, written down by a layer over every route that changes something.
//!
//! **How it works.** What a route does is part of its method ([`Method`](crate::route::Method)), so a route that changes
//! something cannot be made without saying what. `told` stands between access and handler; when the handler has
//! answered that it went well, one entry is written: who called, in which project, what the route does and to what.
//! Where only the handler knows whom it signed in or what a body named, it answers with that ([`Noted`]).
//!
//! **What it does not do.** Configuration writes its own entries, in the transaction of the change ([`Effect::Configures`]).
//! What clients do with a public key is their customers' traffic, and not written down.
//!
//! **What to know before changing it.** An entry that cannot be written is the log's trouble: the change is made, so it
//! is answered as made. And a caller who hangs up ends neither the change nor its entry: both go on in a task, and a server that
//! stops waits for those. Clients with a public key get no task: nothing of theirs is written down, and anybody has such a key,
//! so what they hang up on ends.

mod effect;
mod noted;

pub use effect::{Effect, Subject};
pub use noted::{Did, Known, Noted};

use crate::{
    App,
    access::Caller,
    problem::{Code, Problem},
};
use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ProjectId;
use ledger::{About, Deed, Scope};
use std::{collections::BTreeMap, panic::resume_unwind};
use tracing::Instrument;

/// Names in a path, and what stands for them.
type Names = BTreeMap<String, String>;

/// Lets a handler do what its route says, and writes down that it did.
pub(crate) async fn told(
    State((app, what, subject)): State<(App, &'static str, Subject)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    let caller = head.extensions.get::<Caller>().cloned();
    if caller.as_ref().is_some_and(is_client) {
        return next.run(Request::from_parts(head, body)).await;
    }
    let names = match RawPathParams::from_request_parts(&mut head, &()).await {
        Ok(params) => params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        Err(_) => Names::new(),
    };
    let request = Request::from_parts(head, body);
    let under_way = app.engine.begin_deed();
    let deed = async move {
        let _under_way = under_way;
        let mut answer = next.run(request).await;
        let did = answer.extensions_mut().remove();
        let did = did.unwrap_or_else(|| Did::judged(answer.status()));
        let is_waited_for = !matches!(did, Did::Beside(..));
        if let Some(entry) = entry(&app, what, subject, did, caller.as_ref(), &names) {
            if is_waited_for {
                write(&app, entry).await;
            } else {
                let under_way = app.engine.begin_deed();
                let writing = async move {
                    let _under_way = under_way;
                    write(&app, entry).await;
                };
                tokio::spawn(writing.in_current_span());
            }
        }
        answer
    };
    match tokio::spawn(deed.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Problem::new(Code::Stopping, "send it again").into_response(),
        },
    }
}

/// A line of the log.
struct Entry {
    project: Option<ProjectId>,
    who: String,
    what: &'static str,
    subject: String,
    about: About,
}

/// Whether a customer's own client calls.
fn is_client(caller: &Caller) -> bool {
    caller.scope == Scope::Client
}

/// What is to be written down; `None` when nothing was done.
fn entry(
    app: &App,
    what: &'static str,
    subject: Subject,
    did: Did,
    caller: Option<&Caller>,
    names: &Names,
) -> Option<Entry> {
    let (what, known) = match did {
        Did::Nothing => return None,
        Did::AsStated(known) => (what, known),
        Did::Instead(what, known) | Did::Beside(what, known) => (what, known),
    };
    let setup = app.engine.setup();
    let in_path = names
        .get("project")
        .and_then(|name| setup.find_project(name))
        .map(|project| project.row.id);
    let meant = || caller.and_then(|caller| caller.only_project(&setup));
    let who = known.who.or_else(|| caller.map(Caller::signed));
    let who = who.unwrap_or_else(|| "somebody".to_owned());
    Some(Entry {
        project: known.project.or(in_path).or_else(meant),
        what,
        about: subject.about(caller),
        subject: known.subject.unwrap_or_else(|| subject.named(names, &who)),
        who,
    })
}

async fn write(app: &App, entry: Entry) {
    let deed = Deed {
        at: app.engine.system().now(),
        who: &entry.who,
        what: entry.what,
        subject: &entry.subject,
        project: entry.project,
        about: entry.about,
    };
    if let Err(error) = app.engine.ledger().note(deed).await {
        // Names of members and customers are personal data, and absent from logs.
        let project = entry.project.map(|project| project.to_string());
        tracing::error!(%error, what = entry.what, project, "something was done, and could not be written down in the audit log");
    }
}

impl Did {
    /// What an answer says by its status: done when it went well, forms by leading on to a page.
    fn judged(status: StatusCode) -> Self {
        if status.is_success() || status == StatusCode::SEE_OTHER {
            Self::AsStated(Known::default())
        } else {
            Self::Nothing
        }
    }
}
