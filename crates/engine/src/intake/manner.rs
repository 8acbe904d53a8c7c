//! How a message is taken in: on whose word, whether anything is told of it, and what has to be known first.

use crate::setup::AppSetup;
use domain::{Observation, Store};
use ledger::{InboxMessage, Origin, Wanted};

/// How a message is taken in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner<'a> {
    /// Whom a client or a key of the project says the purchase belongs to.
    pub(crate) owner: Option<&'a str>,
    /// Everything counts as told.
    pub(crate) silent: bool,
}

impl<'a> Manner<'a> {
    /// As a stored message says itself: imports are silent, and what a client or a key of the project sends names the owner.
    pub(crate) fn of(app: &AppSetup, message: &InboxMessage, seen: &'a Observation) -> Self {
        Self {
            owner: explicit_owner(app, message, seen),
            silent: message.origin == Origin::Import,
        }
    }
}

/// Whom a message itself vouches for as the owner: one sent by a client or by a key of the project.
pub(super) fn explicit_owner<'a>(
    app: &AppSetup,
    message: &InboxMessage,
    seen: &'a Observation,
) -> Option<&'a str> {
    let vouches = matches!(message.origin, Origin::Receipt | Origin::Import)
        || matches!(app.row.store(), Store::External | Store::Promotional);
    seen.user_token.as_deref().filter(|_| vouches)
}

/// What intake has to know before it decides about an observation.
pub(super) fn wanted(app: &AppSetup, seen: &Observation, owner: Option<&str>) -> Wanted {
    Wanted {
        project: app.row.project,
        app: app.row.id,
        chain: seen.chain.clone(),
        links: seen.links.clone(),
        app_user_id: owner.map(str::to_owned).or_else(|| seen.user_token.clone()),
    }
}
