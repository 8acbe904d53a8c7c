//! Every route with every kind of caller. What is to be answered is written down here, apart from what decides it: a line for
//! each access rule, and by name what differs.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod names;

use axum::body::Body;
use names::{Names, server, table};
use web::{
    access::Access,
    route::Method,
    test::{Answer, TestServer, Who},
};

/// What is answered to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// The handler ran, whatever it said.
    Runs,
    /// 401: who are you?
    Unknown,
    /// 303: sign in first.
    SignIn,
    /// 403: you may not.
    Forbidden,
    /// 404: there is no such project, as far as you know.
    NotThere,
}
use Said::{Forbidden, NotThere, Runs, SignIn, Unknown};

/// What somebody holds, by what it lets them do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    BadKey,
    PublicKey,
    ReadKey,
    WriteKey,
    ReadSession,
    WriteSession,
    ManagerSession,
}

/// Which projects somebody reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Only(&'static str),
}

const fn of(who: Who) -> (Holds, Reach) {
    match who {
        Who::Nobody | Who::Expired => (Holds::Nothing, Reach::All),
        Who::WrongKey | Who::RevokedKey => (Holds::BadKey, Reach::All),
        Who::PublicKey => (Holds::PublicKey, Reach::Only("acme")),
        Who::ReadKey => (Holds::ReadKey, Reach::All),
        Who::WriteKey => (Holds::WriteKey, Reach::All),
        Who::BoundReadKey => (Holds::ReadKey, Reach::Only("acme")),
        Who::BoundWriteKey => (Holds::WriteKey, Reach::Only("acme")),
        Who::OtherKey => (Holds::WriteKey, Reach::Only("other")),
        Who::Viewer => (Holds::ReadSession, Reach::All),
        Who::KeySession | Who::Developer => (Holds::WriteSession, Reach::All),
        Who::Operator | Who::Admin | Who::Owner => (Holds::ManagerSession, Reach::All),
        Who::OtherOwner => (Holds::ManagerSession, Reach::Only("other")),
    }
}

/// The rules, in the order of [`Holds`]. Where a rule asks nobody, everybody runs.
const fn rule(access: Access) -> [Said; 8] {
    match access {
        Access::Anyone | Access::Visitor | Access::Store => [Runs; 8],
        Access::Client => [
            Unknown, Unknown, Runs, Runs, Runs, Unknown, Unknown, Unknown,
        ],
        Access::Read => [Unknown, Unknown, Forbidden, Runs, Runs, Runs, Runs, Runs],
        Access::Write => [
            Unknown, Unknown, Forbidden, Forbidden, Runs, Forbidden, Runs, Runs,
        ],
        Access::Page | Access::Own => [SignIn, SignIn, SignIn, SignIn, SignIn, Runs, Runs, Runs],
        Access::Form => [
            SignIn, SignIn, SignIn, SignIn, SignIn, Forbidden, Runs, Runs,
        ],
        Access::Manage => [
            SignIn, SignIn, SignIn, SignIn, SignIn, Forbidden, Forbidden, Runs,
        ],
    }
}

/// In the shapes of client SDKs: what a public key may not, because a client may be anyone.
const SECRET_ONLY: &[&str] = &[
    "DELETE /v1/subscribers/{id}",
    "POST /v1/subscribers/{id}/entitlements/{entitlement}/promotional",
    "POST /v1/subscribers/{id}/entitlements/{entitlement}/revoke_promotionals",
];

/// And what a secret key may not, because it does not belong into a client.
const PUBLIC_ONLY: &[&str] = &["GET /v1/subscribers/{id}/offerings"];

/// What is one for all projects: whoever reaches one only neither reads nor changes it.
const GLOBAL: &[&str] = &[
    "POST /projects",
    "GET /projects/{project}/rates",
    "POST /projects/{project}/rates",
];

/// One call of one row.
struct Call<'a> {
    route: &'a str,
    method: Method,
    access: Access,
    who: Who,
    /// The project in the path.
    project: Option<&'static str>,
    is_cross_site: bool,
}

/// The right answer.
fn expected(call: &Call<'_>) -> Said {
    let (mut holds, reach) = of(call.who);
    let changes = call.method.id() != "GET";
    let is_session = matches!(
        holds,
        Holds::ReadSession | Holds::WriteSession | Holds::ManagerSession
    );
    // What another site sends counts for nothing, unless it only reads.
    if call.is_cross_site && changes && is_session {
        holds = Holds::Nothing;
    }
    // Nor does it sign anybody in or out.
    if call.is_cross_site && call.access == Access::Visitor {
        return Forbidden;
    }
    let said = rule(call.access)[holds as usize];
    if said != Runs
        || matches!(
            call.access,
            Access::Anyone | Access::Visitor | Access::Store
        )
    {
        return said;
    }
    if call.access == Access::Client {
        let is_public = holds == Holds::PublicKey;
        return match reach {
            _ if holds == Holds::ReadKey && changes => Forbidden,
            // The path names no project, so the key must.
            Reach::All => Unknown,
            Reach::Only(_) if is_public && SECRET_ONLY.contains(&call.route) => Forbidden,
            Reach::Only(_) if holds == Holds::WriteKey && PUBLIC_ONLY.contains(&call.route) => {
                Forbidden
            }
            Reach::Only(_) => Runs,
        };
    }
    match (reach, call.project) {
        (Reach::Only(only), Some(project)) if only != project => NotThere,
        (Reach::Only(_), _) if GLOBAL.contains(&call.route) => Forbidden,
        _ => Runs,
    }
}

/// What an answer comes to.
fn said(access: Access, answer: &Answer) -> Said {
    let text = answer.text();
    match answer.status.as_u16() {
        // Some handlers say these themselves.
        _ if matches!(access, Access::Anyone | Access::Store) => Runs,
        // Whom it lets in, and where it leads, is the handler's own word.
        status if access == Access::Visitor && status != 403 => Runs,
        401 => Unknown,
        303 if answer.header("location") == "/signin" => SignIn,
        403 => Forbidden,
        404 if text.contains("there is no project") => NotThere,
        _ => Runs,
    }
}

/// Makes a call and says what came of it.
async fn make(server: &TestServer, names: &Names, call: &Call<'_>) -> Answer {
    let (_, path) = call.route.split_once(' ').unwrap();
    let path = names.fill(path, call.project);
    let mut client = server.by(call.who);
    if call.is_cross_site {
        client = client.from_another_site();
    }
    let is_form = matches!(call.access, Access::Form | Access::Own | Access::Manage)
        || path.starts_with("/sign")
        || path.starts_with("/invite");
    let body = match call.method.id() {
        "GET" | "DELETE" => Body::empty(),
        _ if path == "/signin" => Body::from("key=none"),
        _ if path.ends_with("/invite") => Body::from("email=new@acme.example&role=viewer"),
        _ if path.ends_with("/forget") => Body::from("sure=ann"),
        _ if is_form => Body::empty(),
        _ => Body::from("{}"),
    };
    server
        .call(client.request(call.method.id(), &path, body))
        .await
}

#[tokio::test]
async fn every_route_answers_every_caller_as_is_written_down() {
    let server = server().await;
    server.live().await;
    let names = Names::of(&server).await;
    // What changes something comes last, and what ends a session after all else.
    let mut table = table();
    table.sort_by_key(|(method, path, _)| (method.id() != "GET", *path == "/signout"));
    let mut wrong = Vec::new();
    let mut calls = 0;
    for (method, path, access) in table {
        let route = format!("{} {path}", method.id());
        let projects: &[Option<&'static str>] = if path.contains("{project}") {
            &[Some("acme"), Some("other")]
        } else {
            &[None]
        };
        for project in projects.iter().copied() {
            for (who, is_cross_site) in Who::ALL
                .into_iter()
                .flat_map(|who| [(who, true), (who, false)])
            {
                let call = Call {
                    route: &route,
                    method,
                    access,
                    who,
                    project,
                    is_cross_site,
                };
                let answer = make(&server, &names, &call).await;
                calls += 1;
                let (expected, came) = (expected(&call), said(access, &answer));
                let row = format!(
                    "{route} of {project:?} by {who:?}, cross-site {is_cross_site}: {} {came:?}",
                    answer.status
                );
                assert!(
                    !answer.status.is_server_error() || answer.status == 503,
                    "{row}\n{answer}"
                );
                if came != expected {
                    wrong.push(format!("{row} instead of {expected:?}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {calls} calls:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Things of one project, looked for in another by somebody who reaches both.
#[tokio::test]
async fn nothing_of_one_project_is_found_in_another() {
    let server = server().await;
    server.live().await;
    let names = Names::of(&server).await;
    let waiting = server.get("/api/v1/projects/acme/parked").await.text();
    let mut looked = 0;
    for (method, path, access) in table() {
        let of_acme = [
            "{id}",
            "{who}",
            "{message}",
            "products/",
            "entitlements/{key}",
        ];
        let is_named = of_acme.iter().any(|name| path.contains(name));
        if !path.contains("{project}")
            || !is_named
            || path.contains("new/")
            || path.contains("simulator")
        {
            continue;
        }
        // Made where there is none.
        let makes = matches!(method, Method::Put(_) | Method::Patch(_))
            || path.ends_with("/grants")
            || path.ends_with("/grant");
        if makes
            || !matches!(
                access,
                Access::Read | Access::Write | Access::Page | Access::Form
            )
        {
            continue;
        }
        looked += 1;
        let route = format!("{} {path}", method.id());
        let call = Call {
            route: &route,
            method,
            access,
            who: Who::Owner,
            project: Some("other"),
            is_cross_site: false,
        };
        let answer = make(&server, &names, &call).await;
        assert!(
            answer.status == 404 || answer.status == 400,
            "{route}: {answer}"
        );
    }
    assert!(looked > 15, "{looked}");
    let still = server.get("/api/v1/projects/acme/parked").await.text();
    assert_eq!(
        still, waiting,
        "no message of the one was tried for the other"
    );
    let other = server.project("other");
    let moved = server.ledger().customer(other, "ann").await.unwrap();
    assert!(moved.is_none(), "{moved:?}");
}
