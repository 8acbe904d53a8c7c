//! Passwords that are changed, and the links that this makes useless.

use ledger::{ConfigurationChange, User};
use web::{App, passwords, problem::Problem};

/// Whoever has an account has no use for a link to make one, and an old one must not open it.
pub(super) fn spent(app: &App, email: &str) -> Vec<ConfigurationChange> {
    let setup = app.engine.setup();
    let of_email = setup.configuration.invitations.iter();
    of_email
        .filter(|invitation| invitation.email == email)
        .map(|invitation| ConfigurationChange::RemoveInvitation(invitation.clone()))
        .collect()
}

/// Changes a password and ends every session and every link there was.
pub(crate) async fn set_password(
    app: &App,
    user: &User,
    password: String,
) -> Result<User, Problem> {
    let user = User {
        password: passwords::hash(app.engine.system(), password).await,
        ..user.clone()
    };
    let mut changes = vec![ConfigurationChange::PutUser(user.clone())];
    changes.extend(spent(app, &user.email));
    if !app.engine.configure(changes, &user.email).await? {
        return Err(Problem::changed_meanwhile());
    }
    let ledger = app.engine.ledger();
    ledger.close_sessions(None, Some(user.id)).await?;
    Ok(user)
}
