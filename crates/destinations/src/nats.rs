//! NATS JetStream: an ordered log of events in a stream, for whatever a team already runs behind it.
//!
//! **Subject**: `<subject>.<environment>.<app>.<kind>`, such as `tidings.production.ios.subscription_renewed`. So a consumer takes all
//! (`tidings.>`), one environment (`tidings.production.>`) or one kind of any app (`tidings.*.*.subscription_renewed`). An event of no app
//! has `-` there.
//!
//! | ours | theirs |
//! |---|---|
//! | event id | header `Nats-Msg-Id`: within its `duplicate_window` (two minutes unless told otherwise) the stream keeps one of several with the same id |
//! | kind, `occurred_at`, the whole event | `type`, `timestamp`, `data` of the body, the envelope of Standard Webhooks |
//! | delivery id | header `Tidings-Delivery`, the same on every retry |
//! | expected stream | header `Nats-Expected-Stream` |
//!
//! Delivered is what the stream has acknowledged: `{"stream": ..., "seq": ...}`, also with `"duplicate": true`. No stream that takes the
//! subject (503) is retried, and so is whatever the server could not store; an acknowledgement with an error of 400 to 404 (the stream is
//! another than expected, the message is too large) is final; refused credentials hold until the settings change. Source: NATS
//! documentation "JetStream, publishing"; ADR-4 (headers) and ADR-22 (publish retries) of the NATS project, read 2026-11-26.

use crate::{
    Category, Configured, Context, Destination, Events, Field, FieldKind, Header, Invalid, Now,
    Outcome, Plan, Request, Response, Spec, Travel, Unsendable, Via, envelope, settings, subject,
    url::check_place,
};
use domain::{
    Environment, Event, EventKind, Headers, Message, NotSent, pace::Rate, retry, secret::Secret,
};
use jiff::Timestamp;
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};

pub use crate::publication::{Login, Publication};

/// The entry in [`crate::ALL`].
pub struct Nats;

static SPEC: Spec = Spec {
    key: "nats",
    category: Category::Queue,
    title: "NATS JetStream",
    summary: "Every event, in order for each customer, in a stream that other systems read from any point.",
    notes: &[],
    fields: &[
        Field::new(
            "servers",
            FieldKind::Text,
            "Servers of one cluster with commas between, such as `nats://nats.internal:4222`; encrypted with `tls://`.",
        ),
        Field::new(
            "subject",
            FieldKind::Text,
            "What subjects begin with, `tidings` unless given. They go on with environment, app and kind of event.",
        ),
        Field::new(
            "stream",
            FieldKind::Text,
            "The stream that is expected to take it; another one refuses.",
        ),
        Field::new("token", FieldKind::Secret, "Signs in with a token."),
        Field::new(
            "user",
            FieldKind::Text,
            "Signs in with a name and a password.",
        ),
        Field::new("password", FieldKind::Secret, "The password of `user`."),
        Field::new(
            "credentials",
            FieldKind::LongSecret,
            "Signs in with the content of a `.creds` file.",
        ),
        Field::new(
            "ca_certificates",
            FieldKind::LongText,
            "Certificate authorities of your own, in PEM, that servers with `tls://` may be certified by, beside those that everybody trusts.",
        ),
        Field::new(
            "exclude_sandbox",
            FieldKind::Switch,
            "Do not publish events of test purchases.",
        ),
        Field::new(
            "exclude_historical",
            FieldKind::Switch,
            "Do not publish events older than the customer.",
        ),
        Field::new(
            "events",
            FieldKind::EventSwitches,
            "Switch kinds of events off.",
        ),
        Field::new(
            "max_per_second",
            FieldKind::Number,
            "Messages a second, at most, from all nodes together.",
        ),
        Field::new(
            "retry",
            FieldKind::Retry,
            "`adapty`, `revenuecat`, `standard`, or `custom` with delays in seconds. `standard`, about three days, when left alone.",
        ),
    ],
    travels: &[travel("token"), travel("password"), travel("credentials")],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 64,
};

/// Whatever signs in is sent to the servers, whichever certificates say that it is they.
const fn travel(secret: &'static str) -> Travel {
    Travel {
        secret,
        to: &["servers", "ca_certificates"],
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    servers: String,
    subject: Option<String>,
    stream: Option<String>,
    #[serde(default)]
    token: Secret,
    user: Option<String>,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    credentials: Secret,
    ca_certificates: Option<String>,
    #[serde(default)]
    exclude_sandbox: bool,
    #[serde(default)]
    exclude_historical: bool,
    #[serde(default)]
    events: Events,
    max_per_second: Option<NonZeroU32>,
    retry: Option<retry::Policy>,
}

/// Settings that were checked.
struct Ready {
    servers: Vec<String>,
    subject: String,
    login: Login,
    settings: Settings,
    retry: retry::Policy,
}

/// The servers, or what is wrong with one of them.
fn servers(text: &str) -> Result<Vec<String>, String> {
    let one = |server: &str| {
        let server = server.trim();
        let rest = server
            .strip_prefix("nats://")
            .or_else(|| server.strip_prefix("tls://"));
        let Some(rest) = rest else {
            return Err(format!("{server:?} must begin with nats:// or tls://"));
        };
        if rest.contains('@') {
            return Err(
                "must not contain a user name or password; there are settings for them".into(),
            );
        }
        check_place(rest.trim_end_matches('/')).map_err(|problem| {
            format!(
                "{problem}; {server:?} must be a host and a port, such as nats://nats.internal:4222"
            )
        })?;
        Ok(server.trim_end_matches('/').to_owned())
    };
    text.split(',').map(one).collect()
}

fn check_subject(subject: &str) -> Option<&'static str> {
    if subject.starts_with('$') {
        return Some("must not begin with $, which is the server's own");
    }
    subject::check(subject)
}

impl Settings {
    fn login(&self) -> Result<Login, Invalid> {
        let user = self.user.as_deref().filter(|user| !user.is_empty());
        let given = [
            !self.token.is_empty(),
            user.is_some(),
            !self.credentials.is_empty(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(Invalid::new(
                "user",
                "and `token` and `credentials` are three ways to sign in; give one of them",
            ));
        }
        match user {
            None if !self.password.is_empty() => Err(Invalid::new(
                "user",
                "is missing; `password` is its password",
            )),
            Some(user) => Ok(Login::Password(
                user.to_owned(),
                self.password.expose().to_owned(),
            )),
            None if !self.token.is_empty() => Ok(Login::Token(self.token.expose().to_owned())),
            None if !self.credentials.is_empty() => {
                let text = self.credentials.expose();
                if text.contains("BEGIN NATS USER JWT") && text.contains("SEED") {
                    Ok(Login::Credentials(text.to_owned()))
                } else {
                    Err(Invalid::new(
                        "credentials",
                        "must be the whole content of a .creds file, with its user JWT and its seed",
                    ))
                }
            }
            None => Ok(Login::Nobody),
        }
    }
}

impl Destination for Nats {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &serde_json::Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let mut settings: Settings = crate::parse(settings)?;
        let mut problems = settings.events.problems("events", SPEC.events, false);
        let servers = servers(&settings.servers).unwrap_or_else(|problem| {
            problems.push(Invalid::new("servers", problem));
            Vec::new()
        });
        let subject = settings
            .subject
            .clone()
            .filter(|subject| !subject.is_empty());
        let subject = subject.unwrap_or_else(|| "tidings".into());
        problems.extend(check_subject(&subject).map(|problem| Invalid::new("subject", problem)));
        if let Some(stream) = &settings.stream
            && (stream.is_empty() || subject::token(stream) != *stream)
        {
            problems.push(Invalid::new(
                "stream",
                "is a name of letters, digits, - and _",
            ));
        }
        let authorities = settings.ca_certificates.as_deref();
        settings::check_certificates("ca_certificates", authorities, &mut problems);
        settings::check_retry(settings.retry.as_ref(), &mut problems);
        let login = settings.login().unwrap_or_else(|problem| {
            problems.push(problem);
            Login::Nobody
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready {
            servers,
            subject,
            login,
            retry: settings.retry.take().unwrap_or(retry::Policy::Standard),
            settings,
        }))
    }
}

#[derive(Deserialize)]
struct Acknowledgement {
    seq: Option<u64>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: Option<u16>,
    #[serde(default)]
    description: String,
}

/// What was said to a publication.
enum Said {
    Stored,
    Refused(u16, String),
    /// By whoever listens to the subject and is no stream.
    SomethingElse,
}

fn read(body: &[u8]) -> Said {
    match serde_json::from_slice(body) {
        Ok(Acknowledgement {
            error: Some(error), ..
        }) => Said::Refused(error.code.unwrap_or(500), error.description),
        Ok(Acknowledgement { seq: Some(_), .. }) => Said::Stored,
        Ok(_) | Err(_) => Said::SomethingElse,
    }
}

/// What was answered to a publication: its status is the code of the stream's error, or 200.
pub fn answer(body: &[u8]) -> Response {
    let status = match read(body) {
        Said::Refused(code, _) => code,
        Said::Stored | Said::SomethingElse => 200,
    };
    Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        unread: None,
        body: body.to_vec(),
    }
}

/// The same where it was the server that refused it, in the words a stream would use.
pub fn refusal(status: u16, description: &str) -> Response {
    let body = serde_json::json!({ "error": { "code": status, "description": description } });
    answer(body.to_string().as_bytes())
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        let settings = &self.settings;
        let name = settings
            .events
            .name(event.kind, true)
            .ok_or(NotSent::EventDisabled)?;
        if settings.exclude_sandbox
            && event.environment == Environment::Sandbox
            && event.kind != EventKind::Test
        {
            return Err(NotSent::EventDisabled);
        }
        if settings.exclude_historical && event.predates_customer() {
            return Err(NotSent::Historical);
        }
        Ok(vec![Message::named(name)])
    }

    fn render(&self, message: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let body = envelope::render(&message.name, event).map_err(|error| Unsendable {
            reason: NotSent::MissingCustomerData,
            detail: error.to_string(),
        })?;
        let subject = subject::of(&self.subject, event);
        let mut request = Request::json(&format!("{}/{subject}", self.servers.join(",")), body);
        request.headers.push(Header {
            name: "Nats-Msg-Id",
            value: event.id.to_string(),
            secret: false,
        });
        if let Some(stream) = &self.settings.stream {
            request.headers.push(Header {
                name: "Nats-Expected-Stream",
                value: stream.clone(),
                secret: false,
            });
        }
        request
            .authorities
            .clone_from(&self.settings.ca_certificates);
        request.via = Via::Nats(Publication {
            servers: self.servers.clone(),
            subject,
            login: self.login.clone(),
        });
        Ok(request)
    }

    fn sign(&self, request: &mut Request, id: &str, _: Timestamp) {
        request.headers.push(Header {
            name: "Tidings-Delivery",
            value: id.to_owned(),
            secret: false,
        });
    }

    fn reads_attributes(&self) -> bool {
        false
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = read(&response.body);
        let why = match &said {
            Said::Refused(_, why) if !why.is_empty() => why,
            _ => "no reason was given",
        };
        match response.status {
            200 if matches!(said, Said::Stored) => Outcome::Delivered,
            200 => Outcome::Rejected(
                "something answered that is not a stream: is another service subscribed to the subject?".into(),
            ),
            401 | 403 => Outcome::CredentialsRefused(format!("the server refused us: {why}")),
            400..=404 => Outcome::Rejected(format!("the stream answered {}: {why}", response.status)),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn rate(&self) -> Option<Rate> {
        self.settings.max_per_second.map(Rate::per_second)
    }

    fn retry(&self) -> &retry::Policy {
        &self.retry
    }
}
