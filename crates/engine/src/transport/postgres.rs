//! The way to tables: a connection for each database and user, made when it is needed and given up when it fails.
//!
//! What is said is `tokio-postgres`'s. The connection is ours: to the address that was checked, and encrypted under the name of the server.

use super::{
    TransportError,
    answer::LARGEST_ANSWER,
    dial::{Dial, Place},
    ended::{Ended, Told, within},
    line::Line,
    links::{Connected, Link, Links},
};
use destinations::{
    Request, Response,
    postgres::{PORT, Rows, answer},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::AbortHandle,
    time::Instant,
};
use tokio_postgres::{
    Client, Config, Error, NoTls,
    config::SslMode,
    error::Severity,
    types::{ToSql, Type},
};

/// Asks whether the server encrypts. Source: PostgreSQL documentation, "Message Formats", `SSLRequest`.
const ENCRYPT: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// That it does. Source: the same, "SSL Session Encryption".
const IT_DOES: u8 = b'S';

/// Server, database, user and password, whether encrypted, and whom certificates may be by.
type Key = (String, String, String, String, bool, Option<String>);

/// A connection, and what moves its bytes.
#[derive(Clone)]
struct Open {
    client: Arc<Client>,
    _task: Arc<Task>,
}

/// Ends with the last who uses the connection.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connected for Open {
    fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

impl Open {
    async fn store(&self, request: &Request, rows: &Rows) -> Result<u64, Error> {
        let body = String::from_utf8_lossy(&request.body);
        let parameter: (&(dyn ToSql + Sync), Type) = (&body, Type::TEXT);
        self.client
            .execute_typed(&rows.statement, &[parameter])
            .await
    }
}

/// Whether a connection is of no use any more.
fn is_over(error: &Error) -> bool {
    let said = error.as_db_error();
    said.is_none_or(|said| said.parsed_severity() == Some(Severity::Fatal))
}

/// All connections of this process.
pub(super) struct Databases {
    dial: Arc<Dial>,
    links: Links<Key, Open>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Databases")
    }
}

/// That the password is not the right one. Source: PostgreSQL documentation, "PostgreSQL Error Codes".
const INVALID_PASSWORD: &str = "28P01";
/// How the client says that the server asks for one and there is none.
const PASSWORD_MISSING: &str = "password missing";

/// What a database said, or what failed.
fn ended(error: &Error) -> Ended {
    if let Some(said) = error.as_db_error() {
        let message: String = said.message().chars().take(LARGEST_ANSWER / 4).collect();
        return Ended::Said(answer(Some((said.code().code(), &message))));
    }
    let Some(source) = std::error::Error::source(error) else {
        return Ended::network(error);
    };
    if source.to_string() == PASSWORD_MISSING {
        let said = "the server asks for a password, and none is set";
        return Ended::Said(answer(Some((INVALID_PASSWORD, said))));
    }
    Ended::network(format!("{error}: {source}"))
}

impl Databases {
    /// No connection yet, and so many at most.
    pub(super) fn new(dial: Arc<Dial>, most: usize) -> Self {
        Self {
            dial,
            links: Links::at_most(most),
        }
    }

    /// Stores rows and waits until they are, at most `timeout` in all.
    pub(super) async fn store(
        &self,
        request: &Request,
        rows: &Rows,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let key = (
            rows.server.clone(),
            rows.database.clone(),
            rows.user.clone(),
            rows.password.expose().to_owned(),
            rows.is_encrypted,
            request.authorities.clone(),
        );
        let link = self.links.link(&key, Instant::now());
        let told = Told::default();
        let stored = within(timeout, &told, self.stored(request, rows, &link, &told)).await;
        if matches!(stored, Err(TransportError::Unanswered(_))) {
            // Whoever uses the connection as well has nothing to expect of it either.
            link.give_up().await;
        }
        stored
    }

    async fn stored(
        &self,
        request: &Request,
        rows: &Rows,
        link: &Link<Open>,
        told: &Told,
    ) -> Result<Response, Ended> {
        loop {
            let mut is_new = false;
            let connecting = link.connected(async || {
                is_new = true;
                self.connect(request, rows).await
            });
            let open = connecting.await?;
            told.note();
            let Err(error) = open.store(request, rows).await else {
                return Ok(answer(None));
            };
            let is_over = is_over(&error);
            if is_over {
                link.give_up().await;
            }
            // It was closed while nobody used it. A row that is sent twice is there once.
            if is_new || !is_over {
                return Err(ended(&error));
            }
        }
    }

    async fn connect(&self, request: &Request, rows: &Rows) -> Result<Open, Ended> {
        let place = Place::read(&rows.server, PORT);
        let mut stream = self.dial.connect(&place).await?;
        let line = if rows.is_encrypted {
            ask_for_encryption(&mut stream).await?;
            let own = request.authorities.as_deref();
            Line::encrypted(self.dial.encrypt(stream, place.host, own).await?)
        } else {
            Line::plain(stream)
        };
        let mut config = Config::new();
        config
            .user(&rows.user)
            .dbname(&rows.database)
            .application_name("tidings")
            // The connection is encrypted already, where it is to be.
            .ssl_mode(SslMode::Disable);
        if !rows.password.is_empty() {
            config.password(rows.password.expose());
        }
        let connected = config.connect_raw(line, NoTls).await;
        let (client, connection) = connected.map_err(|error| ended(&error))?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a database ended");
            }
        });
        Ok(Open {
            client: Arc::new(client),
            _task: Arc::new(Task(task.abort_handle())),
        })
    }
}

/// Asks a server to go on encrypted. No byte more than its answer is read.
async fn ask_for_encryption(stream: &mut TcpStream) -> Result<(), TransportError> {
    let failed =
        |error: std::io::Error| TransportError::Network(format!("could not connect: {error}"));
    stream.write_all(&ENCRYPT).await.map_err(failed)?;
    match stream.read_u8().await.map_err(failed)? {
        IT_DOES => Ok(()),
        _ => Err(TransportError::Network(
            "the server does not encrypt; set `encryption` to `none` if the network can be trusted"
                .into(),
        )),
    }
}
