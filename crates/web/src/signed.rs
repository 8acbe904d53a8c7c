//! Who did something, as the log keeps it: an account by its address and its id, because an address may be another's later, or that of two
//! accounts of different reach.

use domain::UserId;
use ledger::User;

/// An account, as the log keeps it.
pub fn signed(email: &str, account: UserId) -> String {
    format!("{email} {account}")
}

/// Who an entry names, for people: an account by its address alone as long as it is the only one of `users` that has it, and with its id otherwise.
/// `users` are those whom the reader may know of. What is no account, and what an earlier release kept, is told as it stands there.
pub fn named<'a>(who: &str, users: impl IntoIterator<Item = &'a User>) -> String {
    let Some((email, account, more)) = read(who) else {
        return who.to_owned();
    };
    let mut holders = users.into_iter().filter(|user| user.email == email);
    let is_only = |user: &User| user.id == account;
    if holders.next().is_some_and(is_only) && holders.next().is_none() {
        format!("{email}{more}")
    } else {
        format!("{email} ({account}){more}")
    }
}

/// An address, the account that had it, and what is told beside that.
fn read(who: &str) -> Option<(&str, UserId, &str)> {
    let (email, rest) = who.split_once(' ')?;
    let end = rest.find([',', ' ']).unwrap_or(rest.len());
    let (account, more) = rest.split_at(end);
    Some((email, account.parse().ok()?, more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use ledger::Role;

    fn user(number: u32, email: &str) -> User {
        User {
            id: format!("usr_{number:026}").parse().unwrap(),
            email: email.into(),
            name: String::new(),
            role: Role::Viewer,
            project: (number > 2).then(|| format!("prj_{number:026}").parse().unwrap()),
            password: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_account_is_told_by_its_id_unless_it_alone_has_the_address() {
        let (ann, bob, other_bob) = (user(1, "ann@a"), user(2, "bob@a"), user(3, "bob@a"));
        let gone = user(4, "ann@a");
        let users = [&ann, &bob, &other_bob];
        let told = |user: &User| named(&signed(&user.email, user.id), users);
        assert_eq!(told(&ann), "ann@a");
        assert_eq!(told(&gone), format!("ann@a ({})", gone.id));
        assert_eq!(told(&bob), format!("bob@a ({})", bob.id));
        assert_eq!(told(&other_bob), format!("bob@a ({})", other_bob.id));
        let by_link = format!("{}, by a link of cleo@a", signed("ann@a", gone.id));
        let expected = format!("ann@a ({}), by a link of cleo@a", gone.id);
        assert_eq!(named(&by_link, users), expected);
        // Neither a key nor what was kept before is an account.
        for who in [
            "key of a script",
            "ann@a",
            "operator",
            "",
            "the endpoint, which answered 410",
        ] {
            assert_eq!(named(who, users), who);
        }
    }
}
