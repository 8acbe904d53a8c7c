//! How messages of the inbox are named.

use crate::setup::AppSetup;
use domain::InboxId;
use jiff::Timestamp;
use ledger::{InboxMessage, Origin};
use uuid::Uuid;

/// What names a message: told twice under the same name, it is one message.
pub(super) struct Named {
    pub(super) origin: Origin,
    /// The id that its origin has for it.
    pub(super) key: String,
    /// What its origin calls it, for people.
    pub(super) title: String,
    /// When it was signed; the beginning of time where nobody signed it and its key says it all.
    pub(super) signed_at: Timestamp,
}

impl AppSetup {
    /// A message to this app. Its id is derived from origin, key and signing time.
    pub(super) fn message(&self, named: Named, body: &[u8], now: Timestamp) -> InboxMessage {
        let Named { origin, .. } = named;
        let name = format!("{}:{origin}:{}", self.row.id, named.key);
        InboxMessage {
            id: InboxId::derived(self.row.project.uuid(), &name, named.signed_at),
            project: self.row.project,
            app: self.row.id,
            origin,
            key: named.key,
            title: named.title,
            body: body.to_vec(),
            received_at: now,
        }
    }
}

/// The name of what is known by its content alone.
pub(super) fn digest(app: &AppSetup, content: &[u8]) -> Uuid {
    Uuid::new_v5(&app.row.project.uuid(), content)
}
