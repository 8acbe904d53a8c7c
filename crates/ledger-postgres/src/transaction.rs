//! What writes that belong together are made in.

use sqlx::{Postgres, Transaction};

/// Undone as a whole unless it is committed.
pub(crate) type Tx = Transaction<'static, Postgres>;
