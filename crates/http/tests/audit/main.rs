//! Every route that changes something, called so that it goes well, leaves the entry it states in the audit log, and no
//! other. The routes come from their tables; what is sent to them stands in `sent`, what they leave in `told`, and in `beside`
//! what no table has: calls that fail, that are hung up, or that cannot be written down.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod beside;
#[path = "../names/mod.rs"]
mod names;
mod sent;
mod told;

use names::table;
use sent::{call, filled, prepared};
use told::{Told, left, let_go, log, names_when_forgotten};
use web::{
    access::Access,
    audit::{Effect, Subject},
};

/// Whose names stand in paths and bodies.
const CUSTOMERS: [&str; 4] = ["ann", "bob", "eve", "nobody-yet"];

/// To what it was done, where the route leaves that to its handler.
const SAID: &[(&str, &str)] = &[
    ("POST /api/v1/projects/{project}/purchases", "eve"),
    ("POST /api/v1/projects/{project}/replays", "hook"),
    ("POST /v1/subscribers/identify", "ann"),
    ("POST /signin", "with a password"),
    ("POST /signin/code", "with a password and a code"),
    (
        "POST /projects/{project}/members/{user}/second-factor",
        "viewer@acme.example",
    ),
    ("POST /projects/{project}/rates", "1"),
    ("POST /projects/{project}/replay", "hook"),
    ("POST /projects/{project}/simulator", "converts"),
];

/// What no call can make go well here, and why.
const NOT_CALLED: &[(&str, &str)] = &[
    ("POST /v1/receipts", "no store can be asked"),
    (
        "POST /v1/subscribers/{id}/restore/eligibility",
        "a secret key has to say for which platform",
    ),
    ("POST /v1/offers", "likewise"),
    ("POST /v1/config/{domain}", "there is nothing of the kind"),
    (
        "POST /api/v1/projects/{project}/events/{id}/consumption",
        "no store asks about a refund, and none could be answered",
    ),
    (
        "POST /projects/{project}/events/{id}/consumption",
        "no store asks about a refund, and none could be answered",
    ),
    ("POST /callbacks/apple/{app}", "Apple signs"),
    ("POST /callbacks/stripe/{app}", "Stripe signs"),
    (
        "POST /setup",
        "somebody has an account already; see the first one below",
    ),
];

/// Who is to stand in the log.
fn by(route: &str, access: Access) -> &'static str {
    match (route, access) {
        ("POST /invite/{token}", _) => "invited@acme.example",
        ("POST /signin/{token}", _) => "operator",
        (_, Access::Client) => "key BoundWriteKey",
        (_, Access::Read | Access::Write) => "key WriteKey",
        _ => "owner@acme.example",
    }
}

/// To what it is to have been done.
fn subject_of(route: &str, subject: Subject, path: &str) -> String {
    let (_, pattern) = route.split_once(' ').unwrap();
    let mut parts = pattern.split('/').zip(path.split('/'));
    match subject {
        Subject::None => String::new(),
        Subject::Always(words) => words.into(),
        Subject::Caller => "owner@acme.example".into(),
        Subject::Path(name) | Subject::Customer(name) => {
            let hole = format!("{{{name}}}");
            let found = parts.find(|(part, _)| *part == hole);
            found
                .unwrap_or_else(|| panic!("{route} has no {name}"))
                .1
                .into()
        }
        Subject::Said | Subject::SaidCustomer => {
            let known = SAID.iter().find(|(known, _)| *known == route);
            known
                .unwrap_or_else(|| panic!("{route}: said by whom?"))
                .1
                .into()
        }
    }
}

/// Of customers, no name is left when they are forgotten, and what programs write of them is kept for a shorter time.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_leaves_the_entry_it_states() {
    let mut wrong = Vec::new();
    for (method, pattern, access) in table() {
        let route = format!("{} {pattern}", method.id());
        let Some(effect) = method.effect() else {
            continue;
        };
        if NOT_CALLED.iter().any(|(known, _)| *known == route) {
            continue;
        }
        let (server, names) = prepared().await;
        let path = filled(&server, &names, &route, pattern).await;
        let_go(&server).await;
        let before = log(&server).await;
        let answer = call(&server, (&route, access), &path).await;
        let (configured, done) = left(&server, &before).await;
        for told in &done {
            let is_of_customer = CUSTOMERS.contains(&&*told.subject);
            if is_of_customer && names_when_forgotten(&server, &told.subject).await {
                wrong.push(format!("{route} names a customer who is forgotten"));
            }
            let is_by_program = is_of_customer && told.who.starts_with("key ");
            if let_go(&server).await != u64::from(is_by_program) {
                wrong.push(format!("{route} leaves what is not kept as it should be"));
            }
        }
        let expected = match effect {
            Effect::Does(what, subject) => {
                let is_in_one = pattern.contains("{project}") || access == Access::Client;
                let subject = subject_of(&route, subject, &path);
                let told = (by(&route, access), what, subject.as_str());
                vec![Told::new(is_in_one.then_some("acme"), told)]
            }
            Effect::Configures | Effect::Nothing(_) => Vec::new(),
        };
        let is_right = (answer.status.is_success() || answer.status == 303)
            && done == expected
            && (configured > 0) == may_configure(&route, effect);
        if !is_right {
            wrong.push(format!(
                "{route}: {} left {configured} of configuration and {done:?} instead of {expected:?}\n{answer}",
                answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether entries of configuration are left: by what configures, by accounts that are made or changed, and by links that are spent.
fn may_configure(route: &str, effect: Effect) -> bool {
    let changes_accounts = [
        "POST /invite/{token}",
        "POST /signin/{token}",
        "POST /projects/{project}/account/password",
    ];
    effect == Effect::Configures || changes_accounts.contains(&route)
}
