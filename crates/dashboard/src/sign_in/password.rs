//! Passwords that are changed, and the links that this makes useless.

use super::{by_password::of_address, still_open::still_open};
use domain::ProjectId;
use engine::Setup;
use ledger::{ConfigurationChange, Invitation, User, UserPart};
use web::{App, configure::decide, passwords, problem::Problem, signed::signed};

/// Whoever has an account has no use for a link to make one of the same reach, and an old one must not open it.
pub(super) fn spent(
    setup: &Setup,
    email: &str,
    reach: Option<ProjectId>,
) -> Vec<ConfigurationChange> {
    let of_email = setup.configuration.invitations.iter();
    of_email
        .filter(|invitation| invitation.email == email && invitation.project == reach)
        .map(|invitation| ConfigurationChange::RemoveInvitation(invitation.clone()))
        .collect()
}

/// How a password of an account of this address is kept.
pub(super) async fn hashed(app: &App, email: &str, password: String) -> Result<String, Problem> {
    let others: Vec<_> = of_address(app, email)
        .into_iter()
        .map(|user| user.password)
        .collect();
    let (hashing, system) = (&app.gate.hashing, app.engine.system());
    Ok(passwords::hash(hashing, system, password, &others).await?)
}

/// Changes a password, and nothing else of its user, and ends every session and every link there was; answers with the user as it is then.
/// `used` is the link that is spent on it, if one is.
///
/// Errors: the link or the user is gone, or the password is another than the one `user` has; or too many are being hashed.
pub(crate) async fn set_password(
    app: &App,
    user: &User,
    password: String,
    used: Option<&Invitation>,
) -> Result<User, Problem> {
    let hash = hashed(app, &user.email, password).await?;
    // Whoever holds a link may be another than whose account it is.
    let by = match used {
        Some(link) => format!(
            "{}, by a link of {}",
            signed(&user.email, user.id),
            link.made_by
        ),
        None => signed(&user.email, user.id),
    };
    decide(app, &by, |setup| {
        if let Some(used) = used {
            still_open(app, setup, &used.digest)?;
        }
        let known = setup
            .user(user.id)
            .filter(|now| now.password == user.password)
            .ok_or_else(Problem::changed_meanwhile)?;
        let part = UserPart::Password(hash.clone());
        let change = ConfigurationChange::ChangeUser(user.id, user.email.clone(), part);
        let mut changes = vec![change];
        changes.extend(spent(setup, &user.email, user.project));
        let user = User {
            password: hash.clone(),
            ..known.clone()
        };
        Ok((changes, user))
    })
    .await
}
