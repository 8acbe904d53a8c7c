//! Passwords that are changed, and the links that this makes useless.

use super::invitation::still_open;
use engine::Setup;
use ledger::{ConfigurationChange, Invitation, User, UserPart};
use web::{App, configure::decide, passwords, problem::Problem};

/// Whoever has an account has no use for a link to make one, and an old one must not open it.
pub(super) fn spent(setup: &Setup, email: &str) -> Vec<ConfigurationChange> {
    let of_email = setup.configuration.invitations.iter();
    of_email
        .filter(|invitation| invitation.email == email)
        .map(|invitation| ConfigurationChange::RemoveInvitation(invitation.clone()))
        .collect()
}

/// Changes a password, and nothing else of its user, and ends every session and every link there was. `used` is the link that is
/// spent on it, if one is.
///
/// Errors: the link or the user is gone, or the password is another than the one `user` has.
pub(crate) async fn set_password(
    app: &App,
    user: &User,
    password: String,
    used: Option<&Invitation>,
) -> Result<(), Problem> {
    let hash = passwords::hash(app.engine.system(), password).await;
    // Whoever holds a link may be another than whose account it is.
    let by = match used {
        Some(link) => format!("{}, by a link of {}", user.email, link.made_by),
        None => user.email.clone(),
    };
    decide(app, &by, |setup| {
        if let Some(used) = used {
            still_open(app, setup, &used.digest)?;
        }
        setup
            .user(user.id)
            .filter(|now| now.password == user.password)
            .ok_or_else(Problem::changed_meanwhile)?;
        let part = UserPart::Password(hash.clone());
        let change = ConfigurationChange::ChangeUser(user.id, user.email.clone(), part);
        let mut changes = vec![change];
        changes.extend(spent(setup, &user.email));
        Ok((changes, ()))
    })
    .await
}
