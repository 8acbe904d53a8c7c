//! Promises about people: their accounts, and a log that says what was done without saying secrets.

use super::{
    Subject, at, project,
    sessions::{open, session, two_users, user},
};
use crate::{
    About, ApiKey, AuditFilter, ConfigurationChange as Change, Deed, Invitation, Opens, Project,
    Role, Scope, User, UserPart,
};
use domain::{ApiKeyId, ProjectId};
use uuid::Uuid;

fn row(id: ProjectId, key: &str, name: &str) -> Project {
    Project {
        id,
        key: key.into(),
        name: name.into(),
        historical_window_hours: 24,
        transfer_behaviour: crate::TransferBehaviour::Transfer,
        sandbox_transfer_behaviour: None,
        current_offering: None,
    }
}

/// What was done in the project, newest first, and to what.
pub(super) async fn entries(ledger: &Subject) -> Vec<(String, String)> {
    let filter = AuditFilter {
        project: project(),
        with_common: false,
    };
    let log = ledger.audit(filter, None, 100).await.unwrap();
    let told = log.into_iter().map(|entry| (entry.what, entry.subject));
    told.collect()
}

/// A part of somebody is changed alone: what else was changed meanwhile stays, and nobody who is gone comes back by it.
pub async fn a_part_of_a_user_is_changed_alone(ledger: Subject) {
    let part = |part| Change::ChangeUser(user(1).id, user(1).email, part);
    two_users(&ledger).await;
    for session in [session(1, 100), session(2, 100)] {
        open(&ledger, session).await;
    }
    let role = vec![part(UserPart::Role(Role::Viewer))];
    assert!(ledger.configure(1, role, "test", at(1)).await.unwrap());
    let count = async |number| {
        let open = ledger.sessions(user(number).id, at(2)).await;
        open.unwrap().len()
    };
    assert_eq!(count(1).await, 1, "another role ends no session");
    let rehashed = vec![part(UserPart::Rehashed("again".into()))];
    assert!(ledger.configure(2, rehashed, "test", at(2)).await.unwrap());
    assert_eq!(
        count(1).await,
        1,
        "the same password made another way neither"
    );
    let password = vec![part(UserPart::Password("new".into()))];
    assert!(ledger.configure(3, password, "test", at(2)).await.unwrap());
    assert_eq!((count(1).await, count(2).await), (0, 1));
    let changed = User {
        role: Role::Viewer,
        password: "new".into(),
        ..user(1)
    };
    let known = ledger.configuration().await.unwrap().users;
    assert_eq!(known, [changed, user(2)]);
    let gone = vec![Change::RemoveUser(user(1).id)];
    assert!(ledger.configure(4, gone, "test", at(3)).await.unwrap());
    let late = vec![part(UserPart::Password("late".into()))];
    let refused = ledger.configure(5, late, "test", at(4)).await;
    assert!(refused.is_err(), "{refused:?}");
    let left = ledger.configuration().await.unwrap();
    assert_eq!((left.revision, left.users), (5, vec![user(2)]));
}

/// An address has an account for each reach.
pub async fn an_address_has_an_account_for_each_reach(ledger: Subject) {
    let bound = User {
        email: user(1).email,
        project: Some(project()),
        ..user(2)
    };
    let both = vec![Change::PutUser(user(1)), Change::PutUser(bound.clone())];
    assert!(ledger.configure(0, both, "test", at(0)).await.unwrap());
    let mut known = ledger.configuration().await.unwrap().users;
    known.sort_by_key(|user| user.id);
    assert_eq!(known, [user(1), bound]);
}

/// Every change is in the log, newest first, with what it was before and after, and without secrets.
pub async fn what_was_done_is_logged_without_secrets(ledger: Subject) {
    let key = key(9, Some(project()));
    let key_id = key.id.to_string();
    something_is_done(&ledger, key).await;
    let everything = AuditFilter {
        project: project(),
        with_common: true,
    };
    let log = ledger.audit(everything, None, 100).await.unwrap();
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
            ("ann", "sign in", "with a password"),
            ("ann", "resend delivery", "dlv_1"),
            ("somebody-2", "end invitation", "new@a.example"),
            ("somebody-1", "put api key", key_id.as_str()),
            ("somebody-1", "invite", "new@a.example"),
            ("somebody-1", "put project", "acme"),
            ("somebody-0", "put user", "user-1@a.example"),
            ("somebody-0", "put project", "acme"),
        ]
    );
    assert!(log[5].before.contains("\"Acme\"") && log[5].after.contains("\"Acme 2\""));
    assert!(
        log[7].before.is_empty() && !log[7].after.is_empty(),
        "it was not there"
    );
    assert!(log[2].after.is_empty(), "it is gone");
    let all: String = log
        .iter()
        .map(|entry| format!("{}{}", entry.before, entry.after))
        .collect();
    for secret in ["d1gest", "digest-9", "pbkdf2"] {
        assert!(!all.contains(secret), "{secret}");
    }
    let older = ledger.audit(everything, Some(log[5].position), 1);
    assert_eq!(
        older.await.unwrap(),
        [log[6].clone()],
        "pages go on where they ended"
    );
}

async fn something_is_done_in_each(ledger: &Subject, another: ProjectId) {
    for (project, subject) in [
        (Some(project()), "ours"),
        (Some(another), "theirs"),
        (None, "common"),
    ] {
        let deed = Deed {
            at: at(1),
            who: "ann",
            what: "do",
            subject,
            project,
            about: About::Installation,
        };
        ledger.note(deed).await.unwrap();
    }
}

/// A project is changed, somebody is invited and the invitation ended, a key is made, a delivery resent, somebody signs in.
async fn something_is_done(ledger: &Subject, key: ApiKey) {
    let row = |name| row(project(), "acme", name);
    let invitation = Invitation {
        digest: "d1gest".into(),
        email: "new@a.example".into(),
        role: Role::Viewer,
        project: Some(project()),
        opens: Opens::Account,
        made_by: "ann".into(),
        expires_at: at(10),
    };
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
    let resent = Deed {
        at: at(6),
        who: "ann",
        what: "resend delivery",
        subject: "dlv_1",
        project: Some(project()),
        about: About::Installation,
    };
    let signed_in = Deed {
        at: at(7),
        what: "sign in",
        subject: "with a password",
        project: None,
        ..resent
    };
    for deed in [resent, signed_in] {
        ledger.note(deed).await.unwrap();
    }
}

fn key(number: u128, project: Option<ProjectId>) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(Uuid::from_u128(number)),
        project,
        app: None,
        name: "ci".into(),
        digest: format!("digest-{number}"),
        scope: Scope::Read,
        created_at: at(0),
    }
}

/// What concerns one project is shown in that one, what concerns none to whoever reaches everything, also once it is gone.
pub async fn what_was_done_is_told_to_whom_it_concerns(ledger: Subject) {
    let another = ProjectId::new(Uuid::from_u128(77));
    let member = |number: u128, project| User {
        project,
        ..user(number)
    };
    let (ours, theirs, common) = (key(1, Some(project())), key(2, Some(another)), key(3, None));
    let put = [
        Change::PutProject(row(project(), "acme", "Acme")),
        Change::PutProject(row(another, "other", "Other")),
        Change::PutUser(member(1, Some(project()))),
        Change::PutUser(member(2, Some(another))),
        Change::PutUser(member(3, None)),
        Change::PutApiKey(ours.clone()),
        Change::PutApiKey(theirs.clone()),
        Change::PutApiKey(common.clone()),
    ];
    let removed = [
        Change::RemoveUser(user(1).id),
        Change::RemoveUser(user(2).id),
        Change::RemoveUser(user(3).id),
        Change::RemoveApiKey(ours.id),
        Change::RemoveApiKey(theirs.id),
        Change::RemoveApiKey(common.id),
    ];
    for (revision, changes) in (0..).zip([put.to_vec(), removed.to_vec()]) {
        let made = ledger.configure(revision, changes, "test", at(0));
        assert!(made.await.unwrap());
    }
    something_is_done_in_each(&ledger, another).await;
    let told = async |project, with_common| {
        let filter = AuditFilter {
            project,
            with_common,
        };
        let log = ledger.audit(filter, None, 100).await.unwrap();
        let told = log.into_iter().map(|entry| entry.subject);
        told.collect::<Vec<_>>()
    };
    let [ours, theirs, common] = [
        ("ours", ours, 1, Some("acme")),
        ("theirs", theirs, 2, Some("other")),
        ("common", common, 3, None),
    ]
    .map(|(deed, key, member, project)| {
        let (key, member) = (key.id.to_string(), user(member));
        let gone = [deed.to_owned(), key.clone(), member.id.to_string()];
        let made = [key, member.email].into_iter();
        let made = made.chain(project.map(str::to_owned));
        gone.into_iter().chain(made).collect::<Vec<_>>()
    });
    assert_eq!(told(project(), false).await, ours);
    assert_eq!(told(another, false).await, theirs);
    let all = told(project(), true).await;
    let (of_project, of_none): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|subject| ours.contains(subject));
    assert_eq!((of_project, of_none), (ours, common));
}
