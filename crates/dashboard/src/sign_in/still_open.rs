//! Which invitations are good, and until when.

use engine::Setup;
use ledger::{Invitation, Opens};
use web::{
    App,
    problem::{Code, Problem},
};

/// The invitation with this digest, if it is good.
pub(super) fn still_open(app: &App, setup: &Setup, digest: &str) -> Result<Invitation, Problem> {
    let now = app.engine.system().now();
    let known = setup.configuration.invitations.iter();
    known
        .filter(|invitation| now < invitation.expires_at && is_good(setup, invitation))
        .find(|invitation| invitation.digest == digest)
        .cloned()
        .ok_or_else(|| {
            let problem = "this invitation was used, withdrawn, or is too old; ask for another";
            Problem::new(Code::NotFound, problem)
        })
}

/// A link for a new password is good for the account as it was when the link was made: no other role, no other reach.
fn is_good(setup: &Setup, invitation: &Invitation) -> bool {
    match invitation.opens {
        Opens::Account => true,
        Opens::Operator => false,
        Opens::Password(id) => setup
            .user(id)
            .is_some_and(|user| (user.role, user.project) == (invitation.role, invitation.project)),
    }
}
