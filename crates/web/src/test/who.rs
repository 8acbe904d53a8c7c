//! Every kind of caller there is.

use crate::{
    App,
    access::{digest, new_api_key, new_client_key, random_text},
};
use domain::{ProjectId, UserId};
use jiff::SignedDuration;
use ledger::{
    ApiKey, ConfigurationChange, LetInBy, Opened, Role, Scope, SecondStep, Session, User,
};
use std::collections::BTreeMap;

/// Kinds of callers. [`Who::BoundReadKey`], [`Who::BoundWriteKey`] and the public key are bound to `acme`, [`Who::OtherKey`] and
/// [`Who::OtherOwner`] to `other`; all the rest reach every project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Sends no key and no session.
    Nobody,
    /// A key that never existed.
    WrongKey,
    /// A key that was revoked.
    RevokedKey,
    /// The public key of an app, `android`.
    PublicKey,
    /// A secret key that reads.
    ReadKey,
    /// A secret key that may change things.
    WriteKey,
    /// A secret key that reads one project.
    BoundReadKey,
    /// A secret key that may change one project.
    BoundWriteKey,
    /// A secret key that may change another project.
    OtherKey,
    /// Signed in with a secret key that may change things.
    KeySession,
    /// Signed in by the operator's link.
    Operator,
    /// A member who reads.
    Viewer,
    /// A member who changes things.
    Developer,
    /// A member who manages members.
    Admin,
    /// A member who may do everything.
    Owner,
    /// The owner of another project.
    OtherOwner,
    /// A member whose session has ended.
    Expired,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Nobody,
        Self::WrongKey,
        Self::RevokedKey,
        Self::PublicKey,
        Self::ReadKey,
        Self::WriteKey,
        Self::BoundReadKey,
        Self::BoundWriteKey,
        Self::OtherKey,
        Self::KeySession,
        Self::Operator,
        Self::Viewer,
        Self::Developer,
        Self::Admin,
        Self::Owner,
        Self::OtherOwner,
        Self::Expired,
    ];

    pub(super) fn credential(self, known: &BTreeMap<Self, Credential>) -> Credential {
        match self {
            Self::Nobody => Credential::None,
            Self::WrongKey => Credential::Key("tid_sk_wrong".into()),
            known_by => known[&known_by].clone(),
        }
    }
}

/// What a caller sends.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    None,
    Key(String),
    Session(String),
}

/// Makes a caller of each kind.
pub(super) async fn make(app: &App) -> BTreeMap<Who, Credential> {
    let (engine, system) = (&app.engine, app.engine.system());
    let setup = engine.setup();
    let of = |key: &str| setup.find_project(key).unwrap().row.id;
    let (acme, other) = (of("acme"), of("other"));
    let mut apps = setup.apps();
    let android = apps.find(|app| app.row.project == acme && app.row.key == "android");
    let mut made = BTreeMap::new();
    let mut changes = Vec::new();
    let mut keys = BTreeMap::new();
    for (who, text, key) in secret_keys(app, acme, other) {
        changes.push(ConfigurationChange::PutApiKey(key.clone()));
        made.insert(who, Credential::Key(text));
        keys.insert(who, key);
    }
    let (text, key) = new_client_key(system, &android.unwrap().row);
    changes.push(ConfigurationChange::PutApiKey(key));
    made.insert(Who::PublicKey, Credential::Key(text));
    let users = users(app, other);
    let added = users
        .iter()
        .map(|(_, user)| ConfigurationChange::PutUser(user.clone()));
    changes.extend(added);
    for changes in [
        changes,
        vec![ConfigurationChange::RemoveApiKey(keys[&Who::RevokedKey].id)],
    ] {
        let done = engine.configure(&engine.setup(), changes, "test").await;
        assert!(done.unwrap());
    }
    for (who, user) in users {
        let token = session_of(app, who, &user).await;
        made.insert(who, Credential::Session(token));
    }
    let caller = crate::access::Caller::of_key(&keys[&Who::WriteKey]);
    let token = app.sessions.open(system, caller);
    made.insert(Who::KeySession, Credential::Session(token));
    let link = app.operator_link("test").await.unwrap();
    let token = app.enter_by_link(&link).await.unwrap().unwrap();
    made.insert(Who::Operator, Credential::Session(token));
    made
}

/// Who holds which secret key, with its text.
fn secret_keys(
    app: &App,
    acme: ProjectId,
    other: ProjectId,
) -> impl Iterator<Item = (Who, String, ApiKey)> {
    let system = app.engine.system();
    let all = [
        (Who::RevokedKey, None, Scope::Write),
        (Who::ReadKey, None, Scope::Read),
        (Who::WriteKey, None, Scope::Write),
        (Who::BoundReadKey, Some(acme), Scope::Read),
        (Who::BoundWriteKey, Some(acme), Scope::Write),
        (Who::OtherKey, Some(other), Scope::Write),
    ];
    all.into_iter().map(move |(who, project, scope)| {
        let (text, key) = new_api_key(system, project, &format!("{who:?}"), scope).unwrap();
        (who, text, key)
    })
}

fn users(app: &App, other: ProjectId) -> Vec<(Who, User)> {
    let system = app.engine.system();
    let all = [
        (Who::Viewer, Role::Viewer, None),
        (Who::Developer, Role::Developer, None),
        (Who::Admin, Role::Admin, None),
        (Who::Owner, Role::Owner, None),
        (Who::OtherOwner, Role::Owner, Some(other)),
        (Who::Expired, Role::Owner, None),
    ];
    let users = all.into_iter().map(|(who, role, project)| {
        let name = format!("{who:?}");
        let user = User {
            id: UserId::new(system.uuid()),
            email: format!("{}@acme.example", name.to_lowercase()),
            name,
            role,
            project,
            // Opens nothing: these are signed in already.
            password: String::new(),
            created_at: system.now(),
        };
        (who, user)
    });
    users.collect()
}

/// The token of a session of a member.
async fn session_of(app: &App, who: Who, user: &User) -> String {
    let system = app.engine.system();
    let token = random_text(system);
    let ends_in = SignedDuration::from_hours(if who == Who::Expired { -1 } else { 24 });
    let session = Session {
        digest: digest(&token),
        user: user.id,
        created_at: system.now(),
        expires_at: system.now().checked_add(ends_in).unwrap(),
        agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".into(),
    };
    let by = LetInBy {
        password: user.password.clone(),
        second: SecondStep::NotAsked,
    };
    let opened = app.engine.ledger().open_session(session, by).await;
    assert_eq!(opened.unwrap(), Opened::Kept);
    token
}
