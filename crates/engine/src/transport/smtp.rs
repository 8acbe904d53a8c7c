//! The way of mail: a connection for each message, encrypted before anything is told, and closed when the server has taken the message over.
//!
//! What is said and how it is read is `lettre`'s. The connection is ours: to the address that was checked, encrypted under the name of the
//! server, and read no further than a server has to say.

use super::{
    TransportError,
    dial::{Dial, Place},
    error::late,
    line::Line,
};
use destinations::{
    Request, Response,
    email::{Mail, Proof, Security, answer, written},
};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    commands::{self, Auth, Data, Quit, Rcpt},
    extension::ClientId,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long a server may take to say goodbye, which nobody waits for.
const GOODBYE: Duration = Duration::from_secs(2);
/// Most of a reply that is read before the connection is encrypted.
const LONGEST_REPLY: usize = 8 << 10;
/// No way to sign in that we know. Source: RFC 4954, section 6, "authentication mechanism is too weak".
const NO_WAY_IN: u16 = 534;

/// That the server goes on, and waits for more. Source: RFC 4954, section 4.
const HEARD: u16 = 334;

/// Hands messages to mail servers.
#[derive(Debug)]
pub(super) struct Post {
    dial: Arc<Dial>,
}

/// How it ended before the message was taken: with a reply, or without one.
enum Ended {
    Said(Response),
    Failed(TransportError),
}

impl Ended {
    fn network(why: impl Into<String>) -> Self {
        Self::Failed(TransportError::Network(why.into()))
    }
}

impl From<TransportError> for Ended {
    fn from(error: TransportError) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => Self::Said(answer(code.into(), &said(&error), &[])),
            None => Self::network(said(&error)),
        }
    }
}

/// What a server said, or what went wrong.
fn said(error: &Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

impl Post {
    pub(super) const fn new(dial: Arc<Dial>) -> Self {
        Self { dial }
    }

    /// Hands a message in, at most `timeout` in all.
    pub(super) async fn send(
        &self,
        request: &Request,
        mail: &Mail,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let is_told = AtomicBool::new(false);
        let handing_in = self.hand_in(request, mail, &is_told);
        match tokio::time::timeout(timeout, handing_in).await {
            Ok(Ok(response) | Err(Ended::Said(response))) => Ok(response),
            Ok(Err(Ended::Failed(error))) => Err(error),
            Err(_) if is_told.load(Ordering::Relaxed) => {
                Err(TransportError::Unanswered(late(timeout)))
            }
            Err(_) => Err(TransportError::Network(late(timeout))),
        }
    }

    /// `is_told` becomes true when the message goes out: what ends after that may have been taken.
    async fn hand_in(
        &self,
        request: &Request,
        mail: &Mail,
        is_told: &AtomicBool,
    ) -> Result<Response, Ended> {
        let message = written(request).map_err(Ended::network)?;
        let mut server = self.open(mail, request.authorities.as_deref()).await?;
        sign_in(&mut server, mail).await?;
        let refused = address(&mut server, mail).await?;
        server.command(Data).await?;
        is_told.store(true, Ordering::Relaxed);
        let reply = server.message(&message).await;
        let response = match reply {
            Ok(reply) => {
                let lines: Vec<_> = reply.message().collect();
                answer(reply.code().into(), &lines.join("\n"), &refused)
            }
            Err(error) => match Ended::from(error) {
                Ended::Said(response) => response,
                Ended::Failed(error) => {
                    return Err(Ended::Failed(TransportError::Unanswered(error.to_string())));
                }
            },
        };
        part(server);
        Ok(response)
    }

    /// A connection on which the server has greeted us.
    async fn open(&self, mail: &Mail, own: Option<&str>) -> Result<AsyncSmtpConnection, Ended> {
        let place = Place::read(&mail.server, mail.security.port());
        let mut stream = self.dial.connect(&place).await?;
        let line = match mail.security {
            Security::None => Line::plain(stream),
            Security::Tls => Line::encrypted(self.dial.encrypt(stream, place.host, own).await?),
            Security::Starttls => {
                let greeting = ask_for_encryption(&mut stream, &mail.hello).await?;
                let stream = self.dial.encrypt(stream, place.host, own).await?;
                // Whoever goes on has to be greeted; an encrypted server does not do that again.
                Line::encrypted(stream).reading_first(greeting)
            }
        };
        let hello = ClientId::Domain(mail.hello.clone());
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(line), &hello);
        Ok(connecting.await?)
    }
}

/// Asks a server in the clear to go on encrypted. Answers how it greeted us. Source: RFC 3207, section 4.
async fn ask_for_encryption(stream: &mut TcpStream, hello: &str) -> Result<Vec<u8>, Ended> {
    let greeting = reply(stream, b"2").await?;
    write(stream, &format!("EHLO {hello}\r\n")).await?;
    let offers = reply(stream, b"2").await?;
    let offers = String::from_utf8_lossy(&offers).to_ascii_uppercase();
    let is_offered = |line: &str| {
        line.get(4..)
            .is_some_and(|offer| offer.trim() == "STARTTLS")
    };
    if !offers.lines().any(is_offered) {
        let why = "the server offers no STARTTLS, and nothing is told it unencrypted";
        return Err(Ended::network(why));
    }
    write(stream, "STARTTLS\r\n").await?;
    reply(stream, b"2").await?;
    Ok(greeting)
}

async fn write(stream: &mut TcpStream, text: &str) -> Result<(), Ended> {
    let writing = stream.write_all(text.as_bytes()).await;
    writing.map_err(|error| Ended::network(error.to_string()))
}

/// A reply in the clear: as it is where it begins as it should, or how it ended. No byte more is read: what is behind it belongs to the encrypted
/// conversation, or to nobody.
async fn reply(stream: &mut TcpStream, begins: &[u8]) -> Result<Vec<u8>, Ended> {
    let mut all = Vec::new();
    let mut line = 0;
    while all.len() < LONGEST_REPLY {
        let byte = stream.read_u8().await;
        all.push(byte.map_err(|error| Ended::network(format!("no reply: {error}")))?);
        if !all.ends_with(b"\n") {
            continue;
        }
        // The last line has no hyphen behind its code. Source: RFC 5321, section 4.2.1.
        if all.get(line + 3) != Some(&b'-') {
            return if all.starts_with(begins) {
                Ok(all)
            } else {
                Err(refused(&all))
            };
        }
        line = all.len();
    }
    Err(Ended::network("a reply of the server does not end"))
}

/// What was replied instead.
fn refused(reply: &[u8]) -> Ended {
    let text = String::from_utf8_lossy(reply);
    let text = text.trim();
    let code = text.get(..3).and_then(|code| code.parse().ok());
    match code {
        Some(code @ 400..=599) => Ended::Said(answer(code, text.get(4..).unwrap_or_default(), &[])),
        _ => Ended::network(format!("the server does not speak SMTP: {text:?}")),
    }
}

async fn sign_in(server: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Ended> {
    let Some(login) = &mail.login else {
        return Ok(());
    };
    let (ways, by) = match login.proof {
        Proof::Password => (&[Mechanism::Plain, Mechanism::Login][..], "a password"),
        Proof::Oauth => (&[Mechanism::Xoauth2][..], "a token"),
    };
    if server.server_info().get_auth_mechanism(ways).is_none() {
        let said = format!("the server offers no way to sign in with a name and {by}");
        return Err(Ended::Said(answer(NO_WAY_IN, &said, &[])));
    }
    let (user, secret) = (login.user.clone(), login.secret.expose().to_owned());
    let credentials = Credentials::new(user, secret);
    match login.proof {
        Proof::Password => server.auth(ways, &credentials).await?,
        Proof::Oauth => {
            let auth = Auth::new(Mechanism::Xoauth2, credentials, None)?;
            let reply = server.command(auth).await?;
            // What is wrong with a token is said first, and it is refused when that was heard.
            if reply.has_code(HEARD) {
                server.command(Heard).await?;
            }
            return Ok(());
        }
    };
    Ok(())
}

/// An empty line.
struct Heard;

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\r\n")
    }
}

/// Says whom the message is from and whom it goes to. Answers who was refused for good, of several.
async fn address(
    server: &mut AsyncSmtpConnection,
    mail: &Mail,
) -> Result<Vec<(lettre::Address, String)>, Ended> {
    let from = commands::Mail::new(Some(mail.from.clone()), Vec::new());
    server.command(from).await?;
    let mut refused = Vec::new();
    let mut last = None;
    for to in &mail.to {
        match server.command(Rcpt::new(to.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(error) if error.is_permanent() => {
                refused.push((to.clone(), said(&error)));
                last = Some(error);
            }
            // Now sent to some, it would be sent to them again with the others.
            Err(error) => return Err(error.into()),
        }
    }
    match last {
        Some(error) if refused.len() == mail.to.len() => Err(error.into()),
        _ => Ok(refused),
    }
}

/// Says goodbye; what was answered before stands, however that ends.
fn part(mut server: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let parting = server.command(Quit);
        drop(tokio::time::timeout(GOODBYE, parting).await);
    });
}
