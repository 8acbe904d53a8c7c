//! E-mail, handed to a mail server over SMTP. Source: RFC 5321, section 4.2 (replies); RFC 3207 (STARTTLS); RFC 4954 (AUTH); RFC 5322 (the message);
//! RFC 3834, section 5 (`Auto-Submitted`), read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | emoji, customer, sentence | the first line of the text |
//! | product, amount, store, environment | a line each |
//! | pages of the customer and, where it is to be shown, of the event | the last lines, links |
//! | the sentence with the product | `Subject` |
//! | event id | `Message-ID`, at the domain of `from`: the same whatever is repeated |
//! | delivery id | header `Tidings-Delivery` |
//!
//! One message for each event, to all recipients at once, in plain text and in UTF-8. `Auto-Submitted: auto-generated` keeps those who are away from
//! answering. With `starttls` nothing but the greeting is said in the clear, and a server that offers no encryption is told nothing; a password
//! never travels unencrypted, nor does a token, which Microsoft 365 wants instead of one (scope `https://outlook.office365.com/.default`, and the right
//! `SMTP.SendAsApp` for the client). Google gives tokens for a mailbox to people and to accounts with rights over a whole domain only: there an app password,
//! or the relay that knows this server by its address, is the way in.
//!
//! A reply of 250 to the message counts as delivered: the server has taken it over. Whether it comes to be read, nobody tells. Of several recipients those
//! that are refused are named, and the others get it. Where one is refused for now, as by greylisting, all wait for him until the event is ten
//! minutes old; for a mailbox that is full (452) nobody waits.
//!
//! 4yz is for now. 5yz before the server was told the message (its greeting, a login, `from`, all of `to`) is about the settings or about this server, because
//! nothing of the event was said: nothing is given up, and it is asked again now and then. In answer to the message, 530, 534, 535 and 538 are so as
//! well; 55y and other 5yz are final, and 500 to 504, a command that was not understood, as servers in trouble say, are tried again.
//!
//! A server has no way to tell a repetition: where the message went out and no reply came, an event about money is not sent again unless the settings
//! say so. Some mailboxes show one `Message-ID` once.

mod written;

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Via,
    chat::{self, Chat, Told},
    common,
    oauth::{self, Client},
    server::with_port,
    settings::{check_certificates, gather, take},
    spec::fields,
    url::check_place,
};
use domain::{Event, Headers, Message, name::is_plain, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use lettre::{Address, message::Mailbox};
use serde::Deserialize;
use serde_json::Value;
use std::{fmt::Write as _, time::Duration};

pub use self::written::written;
pub use crate::mail::{Login, Mail, Proof, Security, Stage};

/// The entry in [`crate::ALL`].
pub struct Email;

const OWN: &[Field] = &[
    Field::new(
        "server",
        FieldKind::Text,
        "The server that takes your mail, such as `smtp.example.com:587`. Without a port: 587, with `tls` 465, with `none` 25.",
    ),
    Field::new(
        "security",
        FieldKind::Choice(&["starttls", "tls", "none"]),
        "`starttls` encrypts before anything is said, `tls` from the beginning; `none` is for a server on the same machine.",
    ),
    Field::new(
        "sign_in",
        FieldKind::Choice(&["password", "oauth"]),
        "What `username` is proved by: a password, or a token (`XOAUTH2`), as Microsoft 365 wants it.",
    ),
    Field::new("username", FieldKind::Text, "Who signs in, where the server asks for that."),
    Field::new("password", FieldKind::Secret, "The password of `username`.")
        .when("sign_in", "password"),
    Field::new(
        "from",
        FieldKind::Text,
        "Whom messages are from: `events@example.com`, or `Events <events@example.com>`.",
    ),
    Field::new("to", FieldKind::Lines, "Whom they go to, at most 50 addresses."),
    Field::new(
        "ca_certificates",
        FieldKind::LongText,
        "Certificate authorities of your own, in PEM, that the server may be certified by, beside those that everybody trusts.",
    )
    .of(Group::Delivery),
];

const CLIENT: &[Field] = &oauth::fields("sign_in", "oauth");

static SPEC: Spec = Spec {
    key: "email",
    title: "E-mail (SMTP)",
    category: Category::Chat,
    summary: "A message by e-mail for each event that matters to people.",
    notes: &[
        "That the server took a message does not say that it arrived: look into the mailbox, and among what it takes for spam, once.",
        "A mail server cannot tell a repetition: where an answer was lost, what is about money is not sent again unless the settings say so.",
    ],
    fields: fields!(
        OWN,
        CLIENT,
        chat::SHOWN,
        common::EVENT_SWITCHES,
        common::SANDBOX,
        common::MONEY,
        chat::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "password",
            to: &["server", "security", "ca_certificates"],
        },
        Travel {
            secret: "client_secret",
            to: &[
                "token_url",
                "sign_in",
                "server",
                "security",
                "ca_certificates",
            ],
        },
    ],
    events: chat::EVENTS,
    ordered: true,
    concurrency: 2,
};

/// Most recipients of one message. Source: RFC 5321, section 4.5.3.1.8, lets a server refuse more than 100.
const MOST_RECIPIENTS: usize = 50;
/// So old is an event for which nobody waits any more. Source: RFC 6647, section 5: most who are put off are let in after some minutes.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    server: String,
    #[serde(default)]
    security: Security,
    #[serde(default)]
    sign_in: Proof,
    username: Option<String>,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: Vec<String>,
    ca_certificates: Option<String>,
}

/// Settings that were checked.
struct Ready {
    chat: Chat,
    security: Security,
    /// With its port; nothing where none is set.
    server: Option<String>,
    login: Option<Login>,
    client: Client,
    hello: String,
    from: Option<Mailbox>,
    to: Vec<Mailbox>,
    authorities: Option<String>,
}

/// An address as mail programs write it, in ASCII: not every server takes others.
fn mailbox(field: &str, text: &str, problems: &mut Vec<Invalid>) -> Option<Mailbox> {
    let text = text.trim();
    let read = text.parse::<Mailbox>().ok();
    let read = read.filter(|mailbox| {
        let address: &str = mailbox.email.as_ref();
        address.is_ascii() && is_plain(text)
    });
    if read.is_none() && !text.is_empty() {
        let begins: String = text.chars().take(80).collect();
        let problem = format!("{begins:?} is no address such as `team@example.com`");
        problems.push(Invalid::new(field, problem));
    }
    read
}

impl Settings {
    /// The server with its port.
    fn server(&self, problems: &mut Vec<Invalid>) -> Option<String> {
        let server = self.server.trim();
        if server.is_empty() {
            return None;
        }
        if let Err(problem) = check_place(server) {
            let problem = format!("{problem}; it is a host and a port: `smtp.example.com:587`");
            problems.push(Invalid::new("server", problem));
        }
        Some(with_port(server, self.security.port()))
    }

    fn login(&self, problems: &mut Vec<Invalid>) -> Option<Login> {
        let user = self.username.as_deref().filter(|user| !user.is_empty());
        if user.is_none() && !self.password.is_empty() {
            let problem = "is missing: `password` is the password of somebody";
            problems.push(Invalid::new("username", problem));
        }
        if user.is_some() && self.security == Security::None {
            let what = match self.sign_in {
                Proof::Password => "password",
                Proof::Oauth => "token",
            };
            let problem =
                format!("`none` would send the {what} in the clear; use `starttls` or `tls`");
            problems.push(Invalid::new("security", problem));
        }
        let secret = match self.sign_in {
            Proof::Password => self.password.clone(),
            Proof::Oauth => Secret::default(),
        };
        user.map(|user| Login {
            user: user.to_owned(),
            secret,
            proof: self.sign_in,
        })
    }
}

impl Destination for Email {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let mut problems = Vec::new();
        let (client, rest) = take::<Client>(settings, CLIENT);
        let client = gather(client, &mut problems).unwrap_or_default();
        client.problems(&mut problems);
        let (settings, chat) = match chat::read::<Settings>(&rest, &SPEC, context) {
            Ok(read) => read,
            Err(found) => {
                problems.extend(found);
                return Err(problems);
            }
        };
        let server = settings.server(&mut problems);
        let login = settings.login(&mut problems);
        let from = mailbox("from", &settings.from, &mut problems);
        let to = settings.to.iter();
        let to: Vec<_> = to
            .filter_map(|one| mailbox("to", one, &mut problems))
            .collect();
        if to.len() > MOST_RECIPIENTS {
            let problem = format!("holds at most {MOST_RECIPIENTS} addresses; use a mailing list");
            problems.push(Invalid::new("to", problem));
        }
        let authorities = settings.ca_certificates;
        check_certificates("ca_certificates", authorities.as_deref(), &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let hello = hello(&context.public_url, from.as_ref());
        Ok(Box::new(Ready {
            chat,
            security: settings.security,
            server,
            login,
            client,
            hello,
            from,
            to,
            authorities,
        }))
    }
}

/// The name to say at the beginning: that of this installation, where it has one. Source: RFC 5321, section 4.1.1.1.
fn hello(public_url: &str, from: Option<&Mailbox>) -> String {
    let place = public_url.split("://").nth(1).unwrap_or_default();
    let host = place.split(['/', ':']).next().unwrap_or_default();
    let is_name = host.contains('.') && host.contains(|letter: char| letter.is_ascii_alphabetic());
    match from {
        _ if is_name => host.to_owned(),
        Some(from) => from.email.domain().to_owned(),
        None => "localhost".into(),
    }
}

/// A text in one line.
fn line(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(shown).collect()
}

fn text(told: &Told<'_>) -> String {
    let about = told.customer.as_ref();
    let about = about.map_or_else(
        || "This".to_owned(),
        |customer| format!("Customer {}", line(&customer.text)),
    );
    let mut text = format!("{} {about} {}\n\n", told.mood.emoji(), told.text);
    for (name, value) in &told.facts {
        writeln!(text, "{name}: {}", line(value)).expect("writing to a string does not fail");
    }
    text.push('\n');
    for (name, link) in [("Customer", &told.customer), ("Event", &told.event)] {
        if let Some(link) = link {
            writeln!(text, "{name}: {}", link.url).expect("writing to a string does not fail");
        }
    }
    format!("{}\n", text.trim_end())
}

/// How headers tell a moment. Source: RFC 5322, section 3.3.
const MOMENT: &str = "%a, %d %b %Y %H:%M:%S +0000";

/// The header, in an answer, that says which command ended it before the message was told.
const SAID_TO: &str = "said-to";
/// That which names a recipient who was refused, and why.
const REFUSED: &str = "refused";

/// What a server replied, to what, and what it said of recipients that it refused. Only its own words are in the body.
pub fn answer(
    to: Stage,
    status: u16,
    said: &str,
    refused: impl IntoIterator<Item = (Address, String)>,
) -> Response {
    let mut headers = Headers::default();
    if to != Stage::Message {
        headers.push(SAID_TO, to.command());
    }
    for (address, why) in refused {
        headers.push(REFUSED, format!("{address}: {}", line(&why)));
    }
    Response {
        status,
        retry_after: None,
        headers,
        body: said.as_bytes().to_vec(),
        unread: None,
    }
}

impl Ready {
    fn mail(&self) -> Result<(Mail, &Mailbox), Unsendable> {
        let server = self.server.clone();
        let server = server.ok_or_else(|| Unsendable::lacks_setting("server"))?;
        let from = self.from.as_ref();
        let from = from.ok_or_else(|| Unsendable::lacks_setting("from"))?;
        if self.to.is_empty() {
            return Err(Unsendable::lacks_setting("to"));
        }
        let mail = Mail {
            server,
            security: self.security,
            login: self.login.clone(),
            hello: self.hello.clone(),
            from: from.email.clone(),
            to: self.to.iter().map(|one| one.email.clone()).collect(),
            waits_for_all: true,
        };
        Ok((mail, from))
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        self.chat.plan(event, false)
    }

    fn render(&self, _: &Message, event: &Event, now: Now<'_>) -> Result<Request, Unsendable> {
        let (mut mail, from) = self.mail()?;
        mail.waits_for_all = event.recorded_at.duration_until(now.at) < PATIENCE;
        let told = self.chat.told(event)?;
        let to: Vec<_> = self.to.iter().map(Mailbox::to_string).collect();
        let url = format!("{}://{}", self.security.scheme(), mail.server);
        let id = format!("<{}@{}>", event.id, from.email.domain());
        let mut request = Request::by(Via::Mail(mail), url)
            .with_header("from", from.to_string())
            .with_header("to", to.join(", "))
            .with_header("subject", line(&told.summary))
            .with_header("date", now.at.strftime(MOMENT).to_string())
            .with_header("message-id", id)
            .with_header("auto-submitted", "auto-generated")
            .with_body("text/plain; charset=utf-8", text(&told).into_bytes());
        match &self.login {
            Some(login) if login.proof == Proof::Oauth => {
                request = request.with_grant(self.client.grant()?);
            }
            Some(login) => request = request.redacting(&login.secret),
            None => {}
        }
        request.authorities.clone_from(&self.authorities);
        Ok(request)
    }

    fn sign(&self, request: &mut Request, id: &str, _: jiff::Timestamp) {
        *request = request.clone().with_header("tidings-delivery", id);
    }

    fn reads_attributes(&self) -> bool {
        false
    }

    fn classify(&self, response: &Response) -> Outcome {
        let (status, said) = (response.status, response.said());
        let before = response.headers.first(SAID_TO);
        let why = || {
            let to = before.map_or_else(String::new, |command| format!(" to {command}"));
            format!("the mail server answered {status}{to}: {said}")
        };
        let refused: Vec<_> = response.headers.all(REFUSED).collect();
        match status {
            200..=299 if refused.is_empty() => Outcome::Delivered,
            200..=299 => Outcome::Partly(format!("{}; refused: {}", why(), refused.join("; "))),
            500..=599 if before.is_some() => Outcome::CredentialsRefused(why()),
            530 | 534 | 535 | 538 => Outcome::CredentialsRefused(why()),
            505..=599 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    /// Mailboxes are made, and blocks lifted, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn endpoints(&self) -> Vec<domain::Environment> {
        let is_set = self.mail().is_ok();
        is_set
            .then_some(domain::Environment::Production)
            .into_iter()
            .collect()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.chat.common.may_repeat(event)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn rate(&self) -> Option<Rate> {
        self.chat.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.chat.common.retry()
    }
}
