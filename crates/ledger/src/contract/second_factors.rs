//! Promises about second factors: each code is good once, and they go with their member.

use super::{Subject, at};
use crate::{
    ConfigurationChange as Change, FactorCode, LetInBy, Opened, Role, SecondFactor, SecondStep,
    Session, User,
};
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

/// Members 1 and 2.
async fn two_members(ledger: &Subject) {
    let people = vec![Change::PutUser(user(1)), Change::PutUser(user(2))];
    assert!(ledger.configure(0, people, "test", at(0)).await.unwrap());
}

/// What becomes of a session of a member who shows a code.
async fn opened(ledger: &Subject, number: u128, code: FactorCode) -> Opened {
    let name = format!("{number} {code:?}");
    let session = Session {
        digest: name,
        user: user(number).id,
        created_at: at(6),
        expires_at: at(1000),
        agent: String::new(),
    };
    let by = LetInBy {
        password: user(number).password,
        second: SecondStep::Code(code),
    };
    ledger.open_session(session, by).await.unwrap()
}

/// Whether a step of the factor that [`factor`] makes lets its member in.
async fn step(ledger: &Subject, number: u128, step: u64) -> bool {
    let code = FactorCode::Step {
        step,
        made_at: at(5),
    };
    opened(ledger, number, code).await == Opened::Kept
}

/// Whether a recovery code does.
async fn recovery(ledger: &Subject, number: u128, digest: &str) -> bool {
    let code = FactorCode::Recovery(digest.to_owned());
    opened(ledger, number, code).await == Opened::Kept
}

fn codes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A step is used once and never after a later one, a recovery code once, both by their member only. One that is there stays until it is taken away; a new one
/// brings new codes.
pub async fn a_second_factor_is_used_once(ledger: Subject) {
    two_members(&ledger).await;
    let (ann, bob) = (user(1).id, user(2).id);
    assert_eq!(ledger.second_factor(ann).await.unwrap(), None);
    assert!(!step(&ledger, 1, 7).await);
    for (number, names) in [(1, ["a", "b"]), (2, ["a", "c"])] {
        let put = ledger.put_second_factor(factor(number, 10, 0), codes(&names));
        assert!(put.await.unwrap());
    }
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 10, 2)));
    let mut all = ledger.second_factors().await.unwrap();
    all.sort();
    assert_eq!(all, [ann, bob]);

    let used = async |number| step(&ledger, 1, number).await;
    assert!(!used(10).await && used(11).await);
    assert!(!used(11).await && !used(10).await && used(13).await && !used(12).await);
    assert!(step(&ledger, 2, 11).await);

    let code = async |number, digest| recovery(&ledger, number, digest).await;
    assert!(!code(1, "c").await && code(1, "a").await && !code(1, "a").await);
    assert!(code(2, "a").await);
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 13, 1)));

    let again = ledger.put_second_factor(factor(1, 20, 0), codes(&["d"]));
    assert!(!again.await.unwrap(), "it has one");
    let known = ledger.second_factor(ann).await.unwrap();
    assert_eq!(known, Some(factor(1, 13, 1)));
    assert!(!code(1, "d").await);
    assert!(ledger.remove_second_factor(ann).await.unwrap());
    let anew = SecondFactor {
        made_at: at(7),
        ..factor(1, 20, 0)
    };
    let put = ledger.put_second_factor(anew.clone(), codes(&["d"]));
    assert!(put.await.unwrap());
    let known = ledger.second_factor(ann).await.unwrap();
    let with_code = SecondFactor {
        recovery_codes: 1,
        ..anew
    };
    assert_eq!(known, Some(with_code));
    assert!(!used(21).await, "a code of the one that is gone");
    assert!(!code(1, "b").await && code(1, "d").await);
    assert!(ledger.remove_second_factor(ann).await.unwrap());
    assert!(!ledger.remove_second_factor(ann).await.unwrap());
    assert_eq!(ledger.second_factor(ann).await.unwrap(), None);
    assert_eq!(ledger.second_factors().await.unwrap(), [bob]);
}

/// However many send the same code at once, one of them is let in.
pub async fn of_many_with_one_code_one_is_let_in(ledger: Subject) {
    two_members(&ledger).await;
    let put = ledger.put_second_factor(factor(1, 10, 0), codes(&["a"]));
    put.await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let ledger = ledger.clone();
        tries.spawn(async move { step(&ledger, 1, 11).await });
    }
    let used = tries.join_all().await;
    assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let ledger = ledger.clone();
        tries.spawn(async move { recovery(&ledger, 1, "a").await });
    }
    let used = tries.join_all().await;
    assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
}

/// A code is used up with what it lets somebody do, and by nothing else.
pub async fn a_code_is_used_up_with_what_it_opens(ledger: Subject) {
    two_members(&ledger).await;
    let ann = user(1).id;
    let put = ledger.put_second_factor(factor(1, 10, 0), codes(&["a", "b"]));
    put.await.unwrap();
    let session = |digest: &str| Session {
        digest: digest.to_owned(),
        user: ann,
        created_at: at(6),
        expires_at: at(1000),
        agent: String::new(),
    };
    let with = |password: &str, code| LetInBy {
        password: password.to_owned(),
        second: SecondStep::Code(code),
    };
    let on_paper = || FactorCode::Recovery("a".into());
    let refused = ledger.open_session(session("1"), with("another", on_paper()));
    assert_eq!(refused.await.unwrap(), Opened::Changed);
    assert!(
        recovery(&ledger, 1, "a").await,
        "nothing was opened with it"
    );
    // A session that is there is not opened again, which is an error of the store.
    for code in [
        FactorCode::Recovery("b".into()),
        FactorCode::Step {
            step: 11,
            made_at: at(5),
        },
    ] {
        let taken = session(&format!("1 {:?}", on_paper()));
        let failed = ledger.open_session(taken, with("", code)).await;
        assert!(failed.is_err(), "{failed:?}");
    }
    assert_eq!(
        ledger.second_factor(ann).await.unwrap(),
        Some(factor(1, 10, 1))
    );
    assert!(recovery(&ledger, 1, "b").await && step(&ledger, 1, 11).await);
    // Whoever gives the factor up shows a code of it.
    let gives_up = async |code| ledger.give_up_second_factor(ann, code).await.unwrap();
    assert!(!gives_up(FactorCode::Recovery("b".into())).await);
    let late = FactorCode::Step {
        step: 12,
        made_at: at(4),
    };
    assert!(!gives_up(late).await, "a code of another one");
    assert!(ledger.second_factor(ann).await.unwrap().is_some());
    let code = FactorCode::Step {
        step: 12,
        made_at: at(5),
    };
    assert!(gives_up(code.clone()).await && !gives_up(code).await);
    assert_eq!(ledger.second_factor(ann).await.unwrap(), None);
}

/// However many switch it on at once, one does, and has the codes that are good.
pub async fn of_many_second_factors_at_once_one_is_given(ledger: Subject) {
    two_members(&ledger).await;
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
    assert!(recovery(&ledger, 1, code).await);
}

/// It goes with its member, and with nobody else; a new password or role leaves it.
pub async fn a_second_factor_goes_with_its_member(ledger: Subject) {
    two_members(&ledger).await;
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
    // Whoever comes back with the same id has none of it.
    let back = vec![Change::PutUser(user(1))];
    assert!(ledger.configure(3, back, "test", at(3)).await.unwrap());
    assert!(!recovery(&ledger, 1, "a").await, "nor are its codes left");
}
