//! Promises about people: sessions that end, and a log that says what was done without saying secrets.

use super::{Subject, at, project};
use crate::{
    ApiKey, ConfigurationChange as Change, Invitation, Project, Role, Scope, Session, User,
};
use domain::{ApiKeyId, UserId};
use uuid::Uuid;

fn user(number: u128) -> User {
    User {
        id: UserId::new(Uuid::from_u128(number)),
        email: format!("user-{number}@a.example"),
        name: format!("User {number}"),
        role: Role::Developer,
        project: None,
        password: "pbkdf2-sha256$1$salt$hash".into(),
        created_at: at(0),
    }
}

fn session(number: u128, until: i64) -> Session {
    Session {
        digest: format!("digest-{number}-{until}"),
        user: user(number).id,
        created_at: at(0),
        expires_at: at(until),
        agent: format!("browser {number}"),
    }
}

/// A session opens what it opens until it ends, is closed, or its user is gone.
pub async fn sessions_end(ledger: Subject) {
    let people = vec![Change::PutUser(user(1)), Change::PutUser(user(2))];
    assert!(ledger.configure(0, people, "test", at(0)).await.unwrap());
    let opened = [session(1, 100), session(1, 200), session(2, 200)];
    for session in &opened {
        ledger.open_session(session.clone()).await.unwrap();
    }
    let find = async |number: usize, now: i64| {
        let digest = &opened[number].digest;
        ledger.session(digest, at(now)).await.unwrap()
    };
    assert_eq!(find(0, 99).await.as_ref(), Some(&opened[0]));
    assert_eq!(find(0, 100).await, None, "its time is over");
    let of_first = ledger.sessions(user(1).id, at(99)).await.unwrap();
    assert_eq!(of_first.len(), 2);
    let left = ledger.sessions(user(1).id, at(100)).await.unwrap();
    assert_eq!(left, opened[1..2]);
    assert_eq!(ledger.session("nobody", at(0)).await.unwrap(), None);
    ledger
        .close_sessions(Some(&opened[0].digest), None)
        .await
        .unwrap();
    assert_eq!(find(0, 1).await, None);
    assert!(find(1, 1).await.is_some(), "the others stay");
    let gone = vec![Change::RemoveUser(user(1).id)];
    assert!(ledger.configure(1, gone, "test", at(1)).await.unwrap());
    assert_eq!(find(1, 1).await, None, "they go with their user");
    assert!(find(2, 1).await.is_some());
    let left = ledger.configuration().await.unwrap().users;
    assert_eq!(left, [user(2)]);
}

/// Every change is in the log, newest first, with what it was before and after, and without secrets.
pub async fn what_was_done_is_logged_without_secrets(ledger: Subject) {
    let row = |name: &str| Project {
        id: project(),
        key: "acme".into(),
        name: name.into(),
        historical_window_hours: 24,
        transfer_behaviour: crate::TransferBehaviour::Transfer,
        sandbox_transfer_behaviour: None,
    };
    let invitation = Invitation {
        digest: "d1gest".into(),
        email: "new@a.example".into(),
        role: Role::Viewer,
        project: Some(project()),
        expires_at: at(10),
    };
    let key = ApiKey {
        id: ApiKeyId::new(Uuid::from_u128(9)),
        project: Some(project()),
        app: None,
        name: "ci".into(),
        digest: "k3y".into(),
        scope: Scope::Read,
        created_at: at(0),
    };
    let key_id = key.id.to_string();
    let steps = [
        vec![Change::PutProject(row("Acme")), Change::PutUser(user(1))],
        vec![
            Change::PutProject(row("Acme 2")),
            Change::PutInvitation(invitation.clone()),
            Change::PutApiKey(key),
        ],
        vec![Change::RemoveInvitation(invitation)],
    ];
    for (revision, changes) in (0..).zip(steps) {
        let by = format!("somebody-{revision}");
        assert!(
            ledger
                .configure(revision, changes, &by, at(5))
                .await
                .unwrap()
        );
    }
    ledger
        .note(project(), "ann", "resend delivery", "dlv_1", at(6))
        .await
        .unwrap();
    let log = ledger.audit(project(), None, 100).await.unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|entry| {
            (
                entry.who.as_str(),
                entry.what.as_str(),
                entry.subject.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ann", "resend delivery", "dlv_1"),
            ("somebody-2", "end invitation", "new@a.example"),
            ("somebody-1", "put api key", key_id.as_str()),
            ("somebody-1", "invite", "new@a.example"),
            ("somebody-1", "put project", "acme"),
            ("somebody-0", "put user", "user-1@a.example"),
            ("somebody-0", "put project", "acme"),
        ]
    );
    assert!(log[4].before.contains("\"Acme\"") && log[4].after.contains("\"Acme 2\""));
    assert!(
        log[6].before.is_empty() && !log[6].after.is_empty(),
        "it was not there"
    );
    assert!(log[1].after.is_empty(), "it is gone");
    let all: String = log
        .iter()
        .map(|entry| format!("{}{}", entry.before, entry.after))
        .collect();
    for secret in ["d1gest", "k3y", "pbkdf2"] {
        assert!(!all.contains(secret), "{secret}");
    }
    let older = ledger
        .audit(project(), Some(log[4].position), 1)
        .await
        .unwrap();
    assert_eq!(older, [log[5].clone()], "pages go on where they ended");
    let another = domain::ProjectId::new(Uuid::from_u128(77));
    let theirs = ledger.audit(another, None, 100).await.unwrap();
    assert!(
        theirs
            .iter()
            .all(|entry| entry.what.contains("user") || entry.what.contains("invit")),
        "what concerns one project is shown in that one: {theirs:?}"
    );
}
