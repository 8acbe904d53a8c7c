//! The way of mail: a connection for each message, encrypted before anything is told, and closed when the server has taken the message over.
//!
//! What is said and how it is read is `lettre`'s. The connection is ours: to the address that was checked, encrypted under the name of the
//! server, and read no further than a server has to say.

use super::{
    TransportError,
    answer::LARGEST_ANSWER,
    dial::{Dial, Place},
    ended::{Ended, Told, within},
    line::Line,
};
use destinations::{
    Request, Response,
    email::{Mail, Proof, Security, Stage, answer, written},
};
use futures_util::FutureExt;
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::AsyncSmtpConnection,
        commands::{self, Auth, Data, Quit, Rcpt},
        extension::ClientId,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Most of a reply that is read before the connection is encrypted.
const LONGEST_REPLY: usize = 8 << 10;
/// No way to sign in that we know. Source: RFC 4954, section 6, "authentication mechanism is too weak".
const NO_WAY_IN: u16 = 534;
/// That a mailbox is full. Source: RFC 5321, section 4.2.3, "insufficient system storage".
const FULL: u16 = 452;
/// Most of a reply that is kept.
const LONGEST_WORDS: usize = LARGEST_ANSWER / 4;
/// Most of what is told of one recipient.
const LONGEST_REASON: usize = 500;

/// That the server goes on, and waits for more. Source: RFC 4954, section 4.
const HEARD: u16 = 334;

/// Hands messages to mail servers.
#[derive(Debug)]
pub(super) struct Post {
    dial: Arc<Dial>,
}

/// How it ended while a server was told this: with its reply, or without one.
fn ended(stage: Stage) -> impl FnOnce(Error) -> Ended {
    move |error| match error.status() {
        Some(code) => {
            let said = said(&error, LONGEST_WORDS);
            Ended::Said(answer(stage, code.into(), &said, []))
        }
        None => Ended::network(said(&error, LONGEST_WORDS)),
    }
}

/// What a server said, or what went wrong.
fn said(error: &Error, most: usize) -> String {
    let source = std::error::Error::source(error);
    let said = source.map_or_else(|| error.to_string(), ToString::to_string);
    said.chars().take(most).collect()
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
        let told = Told::default();
        within(timeout, &told, self.hand_in(request, mail, &told)).await
    }

    async fn hand_in(
        &self,
        request: &Request,
        mail: &Mail,
        told: &Told,
    ) -> Result<Response, Ended> {
        let message = written(request).map_err(Ended::network)?;
        let mut server = self.open(mail, request.authorities.as_deref()).await?;
        sign_in(&mut server, mail).await?;
        let refused = address(&mut server, mail).await?;
        let asking = server.command(Data).await;
        asking.map_err(ended(Stage::Recipients))?;
        told.note();
        let reply = server.message(&message).await;
        part(server);
        let reply = reply.map_err(ended(Stage::Message))?;
        let lines: Vec<_> = reply.message().collect();
        let words: String = lines.join("\n").chars().take(LONGEST_WORDS).collect();
        let code = reply.code().into();
        Ok(answer(Stage::Message, code, &words, refused))
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
        connecting.await.map_err(ended(Stage::Hello))
    }
}

/// Asks a server in the clear to go on encrypted. Answers how it greeted us. Source: RFC 3207, section 4.
async fn ask_for_encryption(stream: &mut TcpStream, hello: &str) -> Result<Vec<u8>, Ended> {
    let greeting = reply(stream, b"2").await?;
    write(stream, &format!("EHLO {hello}\r\n")).await?;
    let offers = reply(stream, b"2").await?;
    if !offers_encryption(&offers) {
        let why = "the server offers no STARTTLS, and nothing is told it unencrypted";
        return Err(Ended::network(why));
    }
    write(stream, "STARTTLS\r\n").await?;
    reply(stream, b"2").await?;
    Ok(greeting)
}

async fn write(stream: &mut TcpStream, text: &str) -> Result<(), Ended> {
    let writing = stream.write_all(text.as_bytes()).await;
    writing.map_err(Ended::network)
}

/// A reply in the clear: as it is where it begins as it should, or how it ended. No byte more is read: what is behind it belongs to the encrypted
/// conversation, or to nobody.
async fn reply(stream: &mut TcpStream, begins: &[u8]) -> Result<Vec<u8>, Ended> {
    let mut all = Vec::new();
    while all.len() < LONGEST_REPLY {
        let byte = stream.read_u8().await;
        all.push(byte.map_err(|error| Ended::network(format!("no reply: {error}")))?);
        if is_whole(&all) {
            return if all.starts_with(begins) {
                Ok(all)
            } else {
                Err(refused(&all))
            };
        }
    }
    Err(Ended::network("a reply of the server does not end"))
}

/// Whether a reply has ended: its last line has no hyphen behind its code. Source: RFC 5321, section 4.2.1.
fn is_whole(reply: &[u8]) -> bool {
    let Some(lines) = reply.strip_suffix(b"\n") else {
        return false;
    };
    let last = lines.rsplit(|byte| *byte == b'\n').next();
    last.and_then(|line| line.get(3)) != Some(&b'-')
}

/// Reads a reply as far as it goes.
pub(super) fn read_all(bytes: &[u8]) {
    let most = bytes.len().min(LONGEST_REPLY);
    let end = (0..most).find(|end| is_whole(&bytes[..*end]));
    let reply = &bytes[..end.unwrap_or(most)];
    if !offers_encryption(reply) {
        drop(refused(reply));
    }
}

/// Whether STARTTLS is among what a server offers.
fn offers_encryption(offers: &[u8]) -> bool {
    let offers = String::from_utf8_lossy(offers).to_ascii_uppercase();
    let is_offered = |line: &str| {
        line.get(4..)
            .is_some_and(|offer| offer.trim() == "STARTTLS")
    };
    offers.lines().any(is_offered)
}

/// What was replied instead.
fn refused(reply: &[u8]) -> Ended {
    let text = String::from_utf8_lossy(reply);
    let text = text.trim();
    let code = text.get(..3).and_then(|code| code.parse().ok());
    match code {
        Some(code @ 400..=599) => {
            let said = text.get(4..).unwrap_or_default();
            Ended::Said(answer(Stage::Hello, code, said, []))
        }
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
        return Err(Ended::Said(answer(Stage::Login, NO_WAY_IN, &said, [])));
    }
    let (user, secret) = (login.user.clone(), login.secret.expose().to_owned());
    let credentials = Credentials::new(user, secret);
    match login.proof {
        Proof::Password => {
            let signing_in = server.auth(ways, &credentials).await;
            signing_in.map_err(ended(Stage::Login))?;
        }
        Proof::Oauth => {
            let auth = Auth::new(Mechanism::Xoauth2, credentials, None);
            let auth = auth.map_err(ended(Stage::Login))?;
            let reply = server.command(auth).await;
            // What is wrong with a token is said first, and it is refused when that was heard.
            if reply.map_err(ended(Stage::Login))?.has_code(HEARD) {
                let reply = server.command(Heard).await;
                reply.map_err(ended(Stage::Login))?;
            }
        }
    }
    Ok(())
}

/// An empty line.
struct Heard;

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\r\n")
    }
}

/// Says whom the message is from and whom it goes to. Answers who was refused, of several.
async fn address(
    server: &mut AsyncSmtpConnection,
    mail: &Mail,
) -> Result<Vec<(Address, String)>, Ended> {
    let from = commands::Mail::new(Some(mail.from.clone()), Vec::new());
    let asking = server.command(from).await;
    asking.map_err(ended(Stage::Sender))?;
    let mut refused = Vec::new();
    let mut last: Option<Error> = None;
    for to in &mail.to {
        let Err(error) = server.command(Rcpt::new(to.clone(), Vec::new())).await else {
            continue;
        };
        let is_full = error.status().is_some_and(|code| u16::from(code) == FULL);
        // Now sent to some, it would not be sent to him with the next try.
        let is_waited_for = error.is_transient() && mail.waits_for_all && !is_full;
        if is_waited_for || error.status().is_none() {
            return Err(ended(Stage::Recipients)(error));
        }
        refused.push((to.clone(), said(&error, LONGEST_REASON)));
        // Where nobody is left, one who is refused for now is hoped for.
        if last.as_ref().is_none_or(|last| !last.is_transient()) {
            last = Some(error);
        }
    }
    match last {
        Some(error) if refused.len() == mail.to.len() => Err(ended(Stage::Recipients)(error)),
        _ => Ok(refused),
    }
}

/// Says goodbye, and does not wait for an answer: what was answered before stands.
fn part(mut server: AsyncSmtpConnection) {
    drop(server.command(Quit).now_or_never());
}
