//! Promises about sessions: they end, are bounded, and are opened for the account as it is.

use super::{Subject, at};
use crate::{
    ConfigurationChange as Change, LetInBy, MOST_SESSIONS, Opened, Role, SecondFactor, SecondStep,
    Session, User, UserPart,
};
use domain::UserId;
use uuid::Uuid;

pub(super) fn user(number: u128) -> User {
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

pub(super) fn session(number: u128, until: i64) -> Session {
    Session {
        digest: format!("digest-{number}-{until}"),
        user: user(number).id,
        created_at: at(0),
        expires_at: at(until),
        agent: format!("browser {number}"),
    }
}

/// What becomes of a session of somebody who was let in by a password.
async fn try_open(ledger: &Subject, session: Session, password: &str) -> Opened {
    let by = LetInBy {
        password: password.to_owned(),
        second: SecondStep::NotAsked,
    };
    ledger.open_session(session, by).await.unwrap()
}

/// Opens a session of a [`user`].
pub(super) async fn open(ledger: &Subject, session: Session) {
    let password = user(1).password;
    let opened = try_open(ledger, session, &password).await;
    assert_eq!(opened, Opened::Kept);
}

/// Users 1 and 2.
pub(super) async fn two_users(ledger: &Subject) {
    let people = vec![Change::PutUser(user(1)), Change::PutUser(user(2))];
    assert!(ledger.configure(0, people, "test", at(0)).await.unwrap());
}

/// A session opens what it opens until it ends, is closed, or its user is gone.
pub async fn sessions_end(ledger: Subject) {
    two_users(&ledger).await;
    let opened = [session(1, 100), session(1, 200), session(2, 200)];
    for session in &opened {
        open(&ledger, session.clone()).await;
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

/// The oldest session of a user ends when there would be too many; nobody else's does.
pub async fn sessions_of_a_user_are_bounded(ledger: Subject) {
    let opened = |number, second| Session {
        created_at: at(second),
        ..session(number, 1000 + second)
    };
    two_users(&ledger).await;
    open(&ledger, opened(2, 0)).await;
    let most = i64::try_from(MOST_SESSIONS).unwrap();
    for second in 0..most + 2 {
        open(&ledger, opened(1, second)).await;
    }
    let left = ledger.sessions(user(1).id, at(500)).await.unwrap();
    let since = left.iter().map(|session| session.created_at);
    let newest = (2..most + 2).rev().map(at);
    assert!(since.eq(newest), "{left:?}");
    let others = ledger.sessions(user(2).id, at(500)).await.unwrap();
    assert_eq!(others.len(), 1);
}

/// However many are opened at once, on whatever node, no more are left.
pub async fn of_many_sessions_at_once_no_more_are_left(ledger: Subject) {
    two_users(&ledger).await;
    let most = i64::try_from(MOST_SESSIONS).unwrap();
    let mut openings = tokio::task::JoinSet::new();
    for number in 0..3 * most {
        let ledger = ledger.clone();
        openings.spawn(async move { open(&ledger, session(1, 1000 + number)).await });
    }
    openings.join_all().await;
    let left = ledger.sessions(user(1).id, at(500)).await.unwrap();
    assert_eq!(left.len(), MOST_SESSIONS);
}

/// Whoever was let in by what is so no more gets no session: with another password, a second factor, or no account.
pub async fn a_session_is_opened_for_the_account_as_it_is(ledger: Subject) {
    two_users(&ledger).await;
    let try_open =
        async |until: i64, password: &str| try_open(&ledger, session(1, until), password).await;
    let password = user(1).password;
    let new = UserPart::Password("new".into());
    let changed = vec![Change::ChangeUser(user(1).id, user(1).email, new)];
    assert!(ledger.configure(1, changed, "test", at(1)).await.unwrap());
    assert_eq!(try_open(100, &password).await, Opened::Changed);
    assert_eq!(try_open(200, "new").await, Opened::Kept);
    let factor = SecondFactor {
        user: user(1).id,
        secret: vec![1],
        step: 1,
        made_at: at(2),
        recovery_codes: 0,
    };
    assert!(ledger.put_second_factor(factor, Vec::new()).await.unwrap());
    assert_eq!(
        try_open(300, "new").await,
        Opened::Changed,
        "a code is asked for"
    );
    let by = LetInBy {
        password: "new".into(),
        second: SecondStep::TakenBefore,
    };
    let again = ledger.open_session(session(1, 400), by);
    assert_eq!(again.await.unwrap(), Opened::Kept);
    let gone = vec![Change::RemoveUser(user(1).id)];
    assert!(ledger.configure(2, gone, "test", at(3)).await.unwrap());
    assert_eq!(try_open(500, "new").await, Opened::Changed);
    let left = ledger.sessions(user(1).id, at(4)).await.unwrap();
    assert_eq!(left, []);
}

/// Of those who sign in while the password is changed, none is left who was let in by the old one.
pub async fn no_session_outlives_the_password_it_was_opened_with(ledger: Subject) {
    two_users(&ledger).await;
    for round in 0..8_u64 {
        let (old, new) = (password_of(&ledger).await, format!("password {round}"));
        let mut openings = tokio::task::JoinSet::new();
        for number in 0..6 {
            let (ledger, old) = (ledger.clone(), old.clone());
            let until = 1000 + 10 * i64::try_from(round).unwrap() + number;
            openings.spawn(async move { try_open(&ledger, session(1, until), &old).await });
        }
        let part = UserPart::Password(new);
        let change = vec![Change::ChangeUser(user(1).id, user(1).email, part)];
        let changed = ledger.configure(round + 1, change, "test", at(1));
        assert!(changed.await.unwrap());
        openings.join_all().await;
        let left = ledger.sessions(user(1).id, at(500)).await.unwrap();
        assert_eq!(left, [], "round {round}");
    }
}

async fn password_of(ledger: &Subject) -> String {
    let users = ledger.configuration().await.unwrap().users;
    let mut users = users.into_iter();
    let known = users.find(|known| known.id == user(1).id);
    known.unwrap().password
}

/// A session that is used ends later; none that has ended, or was closed, comes back by it, and none ends sooner.
pub async fn a_session_is_prolonged_while_it_lasts(ledger: Subject) {
    two_users(&ledger).await;
    let opened = [session(1, 100), session(1, 200)];
    for session in &opened {
        open(&ledger, session.clone()).await;
    }
    let until = async |number: usize| {
        let all = ledger.sessions(user(1).id, at(0)).await.unwrap();
        let mut all = all.into_iter();
        let found = all.find(|session| session.digest == opened[number].digest);
        found.map(|session| session.expires_at)
    };
    let prolong = async |number: usize, until: i64, now: i64| {
        let digest = &opened[number].digest;
        let prolonged = ledger.prolong_session(digest, at(until), at(now));
        prolonged.await.unwrap();
    };
    prolong(0, 150, 99).await;
    assert_eq!(until(0).await, Some(at(150)));
    prolong(0, 120, 110).await;
    assert_eq!(until(0).await, Some(at(150)), "it ends no sooner");
    prolong(0, 300, 150).await;
    assert_eq!(until(0).await, Some(at(150)), "it has ended");
    assert_eq!(until(1).await, Some(at(200)), "the other is as it was");
    let digest = &opened[1].digest;
    ledger.close_sessions(Some(digest), None).await.unwrap();
    prolong(1, 300, 100).await;
    assert_eq!(until(1).await, None, "it was closed");
}
