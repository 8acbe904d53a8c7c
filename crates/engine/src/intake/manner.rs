//! How a message is taken in: on whose word, whether anything is told of it, and what has to be known first.

use crate::{decide, setup::AppSetup};
use domain::{ChainKey, Observation, Store, customer::is_client_name};
use jiff::Timestamp;
use ledger::{InboxMessage, Origin, Wanted};
use sources::{Content, Question, Receipt, Sender, Source};

/// Whom somebody names as the owner of a purchase.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) name: String,
    /// Who names it.
    pub(crate) sender: Sender,
}

/// How a message is taken in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) owner: Option<Word>,
    /// Everything counts as told.
    pub(crate) silent: bool,
    /// When the message was received that led to it, where that is another one.
    pub(crate) heard_at: Option<Timestamp>,
}

impl Manner {
    /// As a stored message says itself: imports are silent, and what a client or a key of the project sends names the owner.
    pub(crate) fn of(app: &AppSetup, message: &InboxMessage, seen: &Observation) -> Self {
        Self {
            owner: word(app, message, seen),
            silent: message.origin == Origin::Import,
            heard_at: Some(first_heard(message, seen.first_sent_at)),
        }
    }
}

/// When what a message says was news: when it came, unless its store had sent it before and this server was away.
pub(super) fn first_heard(message: &InboxMessage, first_sent_at: Option<Timestamp>) -> Timestamp {
    let came_at = message.received_at;
    first_sent_at.map_or(came_at, |sent_at| sent_at.min(came_at))
}

/// Whom a message itself names as the owner: one sent by a client or by a key of the project. What a store carries is no such
/// word.
pub(super) fn word(app: &AppSetup, message: &InboxMessage, seen: &Observation) -> Option<Word> {
    if matches!(message.origin, Origin::Receipt | Origin::Import) {
        let receipt: Receipt = serde_json::from_slice(&message.body).ok()?;
        return Some(Word {
            name: receipt.app_user_id,
            sender: receipt.sender,
        });
    }
    let name = seen.user_token.clone().filter(|_| is_stated(app))?;
    Some(Word {
        name,
        sender: Sender::Project,
    })
}

/// What intake has to know before it decides about an observation.
pub(super) fn wanted(app: &AppSetup, seen: &Observation, owner: Option<&str>) -> Wanted {
    Wanted {
        project: app.row.project,
        app: app.row.id,
        chain: seen.chain.clone(),
        links: seen.links.clone(),
        app_user_id: owner
            .map(str::to_owned)
            .or_else(|| Some(carried(app, &seen.chain, seen.user_token.as_deref()?)))
            .or_else(|| account(app, seen)),
    }
}

/// The name that a store carries for whoever bought. The hash of one may have a slash, and then it is nobody's name but the same
/// customer's whenever it comes again.
pub(super) fn carried(app: &AppSetup, chain: &ChainKey, token: &str) -> String {
    let is_called_so = is_client_name(token) || is_stated(app);
    if is_called_so {
        token.to_owned()
    } else {
        decide::account_name(app.row.project, chain, token)
    }
}

/// Whether purchases of an app are stated by somebody with a key of the project. Their names were checked when they came in, and what was taken
/// in is read as it was then.
pub(super) fn is_stated(app: &AppSetup) -> bool {
    matches!(app.row.store(), Store::External | Store::Promotional)
}

/// The name of the store's account that a purchase is of, where the store says.
pub(super) fn account(app: &AppSetup, seen: &Observation) -> Option<String> {
    let account = seen.account.as_ref()?;
    Some(decide::account_name(app.row.project, &seen.chain, account))
}

/// The question that tells the whole life of a purchase; `None` where what was said does.
pub(super) fn left_open(source: &dyn Source, content: &Content) -> Option<Question> {
    match content {
        Content::Ask(question) => Some(question.clone()),
        Content::Observed(seen) => source.completes(seen),
        Content::Nothing(_) | Content::Notice(_) => None,
    }
}
