//! Promises about second factors: each code is good once, and they go with their member.

use super::{Subject, at};
use crate::{ConfigurationChange as Change, Role, SecondFactor, User};
use domain::UserId;
use uuid::Uuid;

fn user(number: u128) -> User {
    User {
        id: UserId::new(Uuid::from_u128(number)),
        email: format!("user-{number}@a.example"),
        name: format!("User {number}"),
        role: Role::Developer,
        project: None,
        password: String::new(),
        created_at: at(0),
    }
}

fn factor(number: u128, step: u64, recovery_codes: u64) -> SecondFactor {
    SecondFactor {
        user: user(number).id,
        secret: vec![0, 255, u8::try_from(number).unwrap()],
        step,
        made_at: at(5),
        recovery_codes,
    }
}

fn codes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A step is used once and never after a later one, a recovery code once, both by their member only. One that is there stays until it is taken away; a new one
/// brings new codes.
pub async fn a_second_factor_is_used_once(ledger: Subject) {
    let (ann, bob) = (user(1).id, user(2).id);
    assert_eq!(ledger.second_factor(ann).await.unwrap(), None);
    assert!(!ledger.use_step(ann, 7).await.unwrap());
    for (number, names) in [(1, ["a", "b"]), (2, ["a", "c"])] {
        let put = ledger.put_second_factor(factor(number, 10, 0), codes(&names));
        assert!(put.await.unwrap());
    }
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 10, 2)));
    let mut all = ledger.second_factors().await.unwrap();
    all.sort();
    assert_eq!(all, [ann, bob]);

    let step = async |step| ledger.use_step(ann, step).await.unwrap();
    assert!(!step(10).await && step(11).await);
    assert!(!step(11).await && !step(10).await && step(13).await && !step(12).await);
    assert!(ledger.use_step(bob, 11).await.unwrap());

    let code = async |user, digest| ledger.use_recovery_code(user, digest).await.unwrap();
    assert!(!code(ann, "c").await && code(ann, "a").await && !code(ann, "a").await);
    assert!(code(bob, "a").await);
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 13, 1)));

    let again = ledger.put_second_factor(factor(1, 20, 0), codes(&["d"]));
    assert!(!again.await.unwrap(), "it has one");
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 13, 1)));
    assert!(!code(ann, "d").await);
    assert!(ledger.remove_second_factor(ann).await.unwrap());
    let anew = ledger.put_second_factor(factor(1, 20, 0), codes(&["d"]));
    assert!(anew.await.unwrap());
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 20, 1)));
    assert!(!code(ann, "b").await && code(ann, "d").await);
    assert!(ledger.remove_second_factor(ann).await.unwrap());
    assert!(!ledger.remove_second_factor(ann).await.unwrap());
    assert_eq!(ledger.second_factor(ann).await.unwrap(), None);
    assert_eq!(ledger.second_factors().await.unwrap(), [bob]);
}

/// However many send the same code at once, one of them is let in.
pub async fn of_many_with_one_code_one_is_let_in(ledger: Subject) {
    let ann = user(1).id;
    let put = ledger.put_second_factor(factor(1, 10, 0), codes(&["a"]));
    put.await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let ledger = ledger.clone();
        tries.spawn(async move { ledger.use_step(ann, 11).await.unwrap() });
    }
    let used = tries.join_all().await;
    assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let ledger = ledger.clone();
        tries.spawn(async move { ledger.use_recovery_code(ann, "a").await.unwrap() });
    }
    let used = tries.join_all().await;
    assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
}

/// However many switch it on at once, one does, and has the codes that are good.
pub async fn of_many_second_factors_at_once_one_is_given(ledger: Subject) {
    let ann = user(1).id;
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..8 {
        let ledger = ledger.clone();
        tries.spawn(async move {
            let code = number.to_string();
            let put = ledger.put_second_factor(factor(1, 10 + number, 0), vec![code.clone()]);
            put.await.unwrap().then_some((number, code))
        });
    }
    let given: Vec<_> = tries.join_all().await.into_iter().flatten().collect();
    let [(number, code)] = &given[..] else {
        panic!("{given:?}");
    };
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 10 + number, 1)));
    assert!(ledger.use_recovery_code(ann, code).await.unwrap());
}

/// It goes with its member, and with nobody else; a new password or role leaves it.
pub async fn a_second_factor_goes_with_its_member(ledger: Subject) {
    let people = vec![Change::PutUser(user(1)), Change::PutUser(user(2))];
    assert!(ledger.configure(0, people, "test", at(0)).await.unwrap());
    for number in [1, 2] {
        let put = ledger.put_second_factor(factor(number, 10, 0), codes(&["a"]));
        put.await.unwrap();
    }
    let password = crate::UserPart::Password("new".into());
    let changed = vec![Change::ChangeUser(user(1).id, user(1).email, password)];
    assert!(ledger.configure(1, changed, "test", at(1)).await.unwrap());
    assert!(ledger.second_factor(user(1).id).await.unwrap().is_some());
    let gone = vec![Change::RemoveUser(user(1).id)];
    assert!(ledger.configure(2, gone, "test", at(2)).await.unwrap());
    assert_eq!(ledger.second_factors().await.unwrap(), [user(2).id]);
    let left = ledger.use_recovery_code(user(1).id, "a").await.unwrap();
    assert!(!left, "nor are its codes left");
}
