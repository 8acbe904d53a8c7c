//! Mail servers that say in other words, or at another time, what `aiosmtpd` says.

use crate::{PATIENT, SOON, attempt, configured, here, rendered, renewal};
use destinations::Outcome;
use engine::TransportError;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::oneshot,
};

/// What a server replies to what begins so, other than that all is well.
type Replies = &'static [(&'static str, &'static str)];

/// A server that replies so, to one connection: where it is, and what it heard last.
async fn server(replies: Replies) -> (u16, oneshot::Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, last) = oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut said, mut is_message) = ("greeting".to_owned(), false);
        let mut before = None;
        loop {
            let own = replies.iter().find(|(begins, _)| said.starts_with(begins));
            let reply = match (own, said.as_str()) {
                (Some((_, reply)), _) => *reply,
                (None, "greeting") => "220 mail.test",
                (None, "DATA") => "354 go on",
                (None, _) => "250 OK",
            };
            is_message |= said == "DATA";
            if !reply.is_empty()
                && write
                    .write_all(format!("{reply}\r\n").as_bytes())
                    .await
                    .is_err()
            {
                break;
            }
            before = Some(said);
            loop {
                match lines.next_line().await {
                    Ok(Some(line)) if is_message && line != "." => {}
                    Ok(Some(line)) => {
                        said = line;
                        break;
                    }
                    _ => {
                        drop(heard.send(before));
                        return;
                    }
                }
            }
            is_message = false;
        }
        drop(heard.send(before));
    });
    (port, last)
}

async fn sent(replies: Replies) -> Result<Outcome, TransportError> {
    let (port, _last) = server(replies).await;
    handed_in(port).await
}

async fn handed_in(port: u16) -> Result<Outcome, TransportError> {
    let settings = json!({
        "server": format!("localhost:{port}"),
        "security": "none",
        "from": "events@example.com",
        "to": ["team@example.com"],
    });
    let mail = configured("email", &settings);
    let request = rendered(mail.as_ref(), &renewal());
    attempt(&here(), mail.as_ref(), &request, PATIENT).await
}

/// Source: RFC 5321, sections 3.1 and 4.2.4.1; Postfix, "smtpd_delay_reject", for what is said of a sender in answer to `RCPT`.
#[tokio::test]
async fn what_is_refused_before_the_message_was_told_burns_no_event() {
    for replies in [
        &[("greeting", "554 5.7.1 blocked")] as Replies,
        &[
            ("EHLO", "550 5.7.1 who are you"),
            ("HELO", "550 5.7.1 who are you"),
        ],
        &[("MAIL", "550 5.7.1 Sender address rejected")],
        &[("MAIL", "503 5.5.1 authenticate first")],
        &[("RCPT", "554 5.7.1 Client host rejected")],
        &[("DATA", "554 5.5.1 no valid recipients")],
    ] {
        match sent(replies).await {
            Ok(Outcome::CredentialsRefused(why)) => assert!(why.contains("5."), "{why}"),
            other => panic!("{replies:?}: {other:?}"),
        }
    }
    for replies in [
        &[("greeting", "421 4.3.2 too many of you")] as Replies,
        &[("MAIL", "451 4.3.0 not now")],
        &[("RCPT", "450 4.7.1 greylisted")],
        &[(".", "451 4.3.0 not now")],
    ] {
        assert_eq!(sent(replies).await, Ok(Outcome::Retry(None)), "{replies:?}");
    }
    match sent(&[(".", "554 5.7.1 it looks like spam")]).await {
        Ok(Outcome::Rejected(why)) => assert!(why.contains("answered 554: 5.7.1"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_server_says_of_a_message_that_it_took_is_only_said() {
    let replies = &[(
        ".",
        "250-2.0.0 queued\r\n250 refused: nobody@example.com: no",
    )];
    assert_eq!(sent(replies).await, Ok(Outcome::Delivered));
}

/// What is connected counts among what may be connected: nothing is left behind.
#[tokio::test]
async fn a_goodbye_that_is_not_answered_holds_no_connection() {
    let (port, last) = server(&[("QUIT", "")]).await;
    assert_eq!(handed_in(port).await, Ok(Outcome::Delivered));
    let last = tokio::time::timeout(SOON, last).await;
    assert_eq!(last.unwrap().unwrap().as_deref(), Some("QUIT"));
}
