//! Mail, to `aiosmtpd`, and to servers that hang, break off, or never stop talking.

use crate::{
    PATIENT, SOON, attempt, certified::Certified, configured, here, network, rendered, renewal,
};
use destinations::{Outcome, Via};
use domain::secret::Secret;
use engine::{Transport, TransportError};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{ChildStdout, Command, Stdio},
};
use throwaway::Companion;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader as Reader},
    net::{TcpListener, TcpStream},
};

/// A server that others wrote.
struct Server {
    _process: Companion,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    fn start(mode: &str, certified: &Certified) -> Self {
        // Debian's own, which has Debian's packages.
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/ways/mail_server.py"
            ))
            .arg(mode)
            .args([certified.certificate(), certified.key()])
            .stdout(Stdio::piped());
        let mut process = Companion::start(&mut command).expect("this test needs Python");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().parse();
        let port = port.expect("this test needs aiosmtpd: apt-get install python3-aiosmtpd");
        Self {
            _process: process,
            output,
            port,
        }
    }

    /// The next message that it took.
    fn taken(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn settings(&self, security: &str) -> Value {
        settings(self.port, security)
    }
}

fn settings(port: u16, security: &str) -> Value {
    json!({
        "server": format!("localhost:{port}"),
        "security": security,
        "from": "Événements <events@example.com>",
        "to": ["team@example.com", "boss@example.com"],
    })
}

/// The same of somebody who is known, and knows who certifies the server.
fn signing_in(mut settings: Value, certified: &Certified) -> Value {
    settings["username"] = "tidings".into();
    settings["password"] = "right".into();
    settings["ca_certificates"] = certified.authority.as_str().into();
    settings
}

#[tokio::test]
async fn a_message_is_handed_over_encrypted_to_all_recipients() {
    let certified = Certified::new("mail");
    for security in ["starttls", "tls"] {
        let mut server = Server::start(security, &certified);
        let mail = configured("email", &signing_in(server.settings(security), &certified));
        let mut event = renewal();
        event.product = Some("café\r\nBcc: all@example.com".into());
        let request = rendered(mail.as_ref(), &event);
        for _ in 0..2 {
            let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
            assert_eq!(outcome, Ok(Outcome::Delivered), "{security}");
            let taken = server.taken();
            assert_eq!(taken["from"], "events@example.com");
            assert_eq!(taken["to"], json!(["team@example.com", "boss@example.com"]));
            assert_eq!(taken["hello"], "tidings.example");
            assert_eq!(taken["encrypted"], true);
            let message = taken["message"].as_str().unwrap();
            let (head, text) = message.split_once("\r\n\r\n").unwrap();
            let id = format!("Message-Id: <{}@example.com>", event.id);
            for header in [
                id.as_str(),
                "From: =?utf-8?b?w4l2w6luZW1lbnRz?= <events@example.com>",
                "To: team@example.com, boss@example.com",
                "Auto-Submitted: auto-generated",
                "Content-Type: text/plain; charset=utf-8",
                "Mime-Version: 1.0",
                "Tidings-Delivery: dlv_1",
            ] {
                let mut lines = head.lines();
                assert!(
                    lines.any(|line| line.eq_ignore_ascii_case(header)),
                    "{header} is not in {head}"
                );
            }
            let bare = message.replace("\r\n", "");
            assert!(!bare.contains(['\r', '\n']), "{message:?}");
            assert!(!head.contains("\nBcc"), "{head}");
            assert!(text.contains("Product: caf=C3=A9"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_name_with_a_comma_is_read_as_it_was_written() {
    let certified = Certified::new("names");
    let mut server = Server::start("plain", &certified);
    let mut settings = server.settings("none");
    settings["to"] = json!([
        "\"Müller, Jörg\" <jm@example.com>",
        "\"Doe, Jane (team)\" <jd@example.com>",
        "Max <max@example.com>",
        "all@example.com",
    ]);
    let mail = configured("email", &settings);
    let request = rendered(mail.as_ref(), &renewal());
    let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered));
    let named = json!([
        ["Müller, Jörg", "jm@example.com"],
        ["Doe, Jane (team)", "jd@example.com"],
        ["Max", "max@example.com"],
        ["", "all@example.com"],
    ]);
    assert_eq!(server.taken()["names"], named);
}

#[tokio::test]
async fn a_server_on_the_same_machine_needs_neither_name_nor_encryption() {
    let certified = Certified::new("plain");
    let mut server = Server::start("plain", &certified);
    let mail = configured("email", &server.settings("none"));
    let request = rendered(mail.as_ref(), &renewal());
    let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered));
    assert_eq!(server.taken()["encrypted"], false);
}

#[tokio::test]
async fn a_token_proves_a_name_and_one_that_is_refused_is_known_by_its_code() {
    let certified = Certified::new("token");
    let mut server = Server::start("starttls", &certified);
    let mut settings = signing_in(server.settings("starttls"), &certified);
    settings.as_object_mut().unwrap().remove("password");
    settings["sign_in"] = "oauth".into();
    settings["token_url"] = "https://auth.example/token".into();
    settings["client_id"] = "client".into();
    settings["client_secret"] = "secret".into();
    let mail = configured("email", &settings);
    let request = rendered(mail.as_ref(), &renewal());
    assert!(request.grant.is_some());
    let with = |token: &str| request.clone().with_token(&Secret::new(token));
    let outcome = attempt(&here(), mail.as_ref(), &with("a-token"), PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered));
    assert!(
        !server.taken()["message"]
            .as_str()
            .unwrap()
            .contains("a-token")
    );
    let other = with("another");
    let response = here().send(&other, PATIENT).await.unwrap();
    assert!(other.is_token_refused(&response), "{response:?}");
    let outcome = mail.classify(&response);
    assert!(
        matches!(&outcome, Outcome::CredentialsRefused(why) if why.contains("no such token")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_a_server_refuses_is_told_with_its_reason() {
    let certified = Certified::new("refusing");
    let server = Server::start("starttls", &certified);
    let known = signing_in(server.settings("starttls"), &certified);
    let with = |name: &str, value: Value| {
        let mut settings = known.clone();
        settings[name] = value;
        settings
    };
    let mut unknown = known.clone();
    unknown.as_object_mut().unwrap().remove("username");
    unknown.as_object_mut().unwrap().remove("password");
    let (nobody, grey) = ("nobody@example.com", "grey@example.com");
    let full = "full@example.com";
    for (settings, means, says) in [
        (
            with("password", "wrong".into()),
            "CredentialsRefused",
            "535",
        ),
        (unknown, "CredentialsRefused", "530"),
        (
            with("from", "stranger@example.com".into()),
            "CredentialsRefused",
            "553 to MAIL: 5.7.1 that address is not yours",
        ),
        (
            with("to", json!([nobody])),
            "CredentialsRefused",
            "550 to RCPT: 5.1.1 no such mailbox",
        ),
        (
            with("to", json!([nobody, "team@example.com"])),
            "Partly",
            "refused: nobody@example.com: 5.1.1 no such mailbox",
        ),
        (
            with("to", json!([full, "team@example.com", nobody])),
            "Partly",
            "refused: full@example.com: 4.2.2 mailbox full; nobody@",
        ),
        (with("to", json!([full])), "Retry", ""),
        (with("to", json!([nobody, full])), "Retry", ""),
        (with("to", json!(["team@example.com", grey])), "Retry", ""),
    ] {
        let mail = configured("email", &settings);
        let request = rendered(mail.as_ref(), &renewal());
        let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
        let shown = format!("{:?}", outcome.unwrap());
        assert!(shown.starts_with(means) && shown.contains(says), "{shown}");
    }
    let mail = configured("email", &with("to", json!([grey, "team@example.com"])));
    let mut late = rendered(mail.as_ref(), &renewal());
    if let Via::Mail(mail) = &mut late.via {
        mail.waits_for_all = false;
    }
    let outcome = attempt(&here(), mail.as_ref(), &late, PATIENT).await;
    let shown = format!("{:?}", outcome.unwrap());
    assert!(
        shown.starts_with("Partly") && shown.contains("grey@example.com: 4.2.0"),
        "nobody waits for ever: {shown}"
    );
    let mail = configured("email", &known);
    let mut huge = rendered(mail.as_ref(), &renewal());
    huge.body = "a line\n".repeat(20_000).into_bytes();
    let outcome = attempt(&here(), mail.as_ref(), &huge, PATIENT).await;
    let shown = format!("{:?}", outcome.unwrap());
    assert!(
        shown.starts_with("Rejected") && shown.contains("552"),
        "{shown}"
    );
}

/// Nothing went out: it may be tried again without harm.
fn unsent(outcome: Result<Outcome, TransportError>, says: &str) {
    match outcome {
        Err(TransportError::Network(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_believed_is_told_nothing() {
    let (ours, theirs) = (Certified::new("ours"), Certified::new("theirs"));
    for security in ["starttls", "tls"] {
        let server = Server::start(security, &ours);
        let settings = signing_in(server.settings(security), &theirs);
        let mail = configured("email", &settings);
        let request = rendered(mail.as_ref(), &renewal());
        let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
        unsent(outcome, "UnknownIssuer");
        let mut by_address = signing_in(server.settings(security), &ours);
        by_address["server"] = format!("127.0.0.1:{}", server.port).into();
        let mail = configured("email", &by_address);
        let request = rendered(mail.as_ref(), &renewal());
        let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
        unsent(outcome, "not valid for name");
    }
    let plain = Server::start("plain", &ours);
    let mail = configured("email", &signing_in(plain.settings("starttls"), &ours));
    let request = rendered(mail.as_ref(), &renewal());
    let outcome = attempt(&here(), mail.as_ref(), &request, PATIENT).await;
    unsent(outcome, "offers no STARTTLS");
}

#[tokio::test]
async fn a_server_inside_is_not_connected_to_unless_that_is_allowed() {
    let certified = Certified::new("inside");
    let server = Server::start("plain", &certified);
    let mail = configured("email", &server.settings("none"));
    let request = rendered(mail.as_ref(), &renewal());
    for closed in ["", "stores=127.0.0.0/8"] {
        let outcome = attempt(&network(closed), mail.as_ref(), &request, PATIENT).await;
        assert!(
            matches!(outcome, Err(TransportError::Blocked(_))),
            "{outcome:?}"
        );
    }
}

/// How far a server goes along before it does something else.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Connected,
    Told,
    Addressed,
    Taken,
}

/// What it does then.
#[derive(Clone, Copy)]
enum Then {
    Hangs,
    BreaksOff,
    GoesOn,
}

async fn serve(stream: TcpStream, until: Until, then: Then) {
    let (read, mut write) = stream.into_split();
    let mut lines = Reader::new(read).lines();
    let mut stage = Until::Connected;
    let mut is_message = false;
    loop {
        if stage == until {
            match then {
                Then::Hangs => std::future::pending::<()>().await,
                Then::BreaksOff => return,
                Then::GoesOn => while write.write_all(b"250-and more\r\n").await.is_ok() {},
            }
            return;
        }
        let mut say = async |text: &str| write.write_all(text.as_bytes()).await.unwrap();
        if stage == Until::Connected {
            say("220 mail.test\r\n").await;
            stage = Until::Told;
            continue;
        }
        let Ok(Some(line)) = lines.next_line().await else {
            return;
        };
        match line.as_str() {
            "." => {
                is_message = false;
                stage = Until::Taken;
            }
            _ if is_message => {}
            "DATA" => {
                is_message = true;
                say("354 go on\r\n").await;
            }
            line if line.starts_with("RCPT") => {
                say("250 OK\r\n").await;
                stage = Until::Addressed;
            }
            _ => say("250 OK\r\n").await,
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_breaks_off_is_told_from_one_that_may_have_taken_the_message() {
    use Then::{BreaksOff, GoesOn, Hangs};
    use Until::{Addressed, Connected, Taken, Told};
    for (until, then, may_have_taken) in [
        (Connected, Hangs, false),
        (Connected, BreaksOff, false),
        (Connected, GoesOn, false),
        (Told, Hangs, false),
        (Told, BreaksOff, false),
        (Told, GoesOn, false),
        (Addressed, Hangs, false),
        (Addressed, BreaksOff, false),
        (Taken, Hangs, true),
        (Taken, BreaksOff, true),
        (Taken, GoesOn, true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, until, then).await;
        });
        let mut settings = settings(port, "none");
        settings["to"] = json!(["team@example.com"]);
        let mail = configured("email", &settings);
        let request = rendered(mail.as_ref(), &renewal());
        let outcome = attempt(&here(), mail.as_ref(), &request, SOON).await;
        match outcome {
            Err(TransportError::Unanswered(_)) => assert!(may_have_taken),
            Err(TransportError::Network(_)) => assert!(!may_have_taken),
            other => panic!("{other:?}"),
        }
        serving.abort();
    }
}
