//! Rows of a table in a database: which database, as whom, and what is done with them.

use domain::secret::Secret;

/// Where rows go.
#[derive(Clone, PartialEq, Eq)]
pub struct Rows {
    /// The server: a host and a port.
    pub server: String,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// The database.
    pub database: String,
    /// As whom.
    pub user: String,
    /// The password of the user, where the server asks for one.
    pub password: Secret,
    /// The statement, whose only parameter is the body: an array of rows in JSON.
    pub statement: String,
}
