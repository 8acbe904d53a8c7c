//! RabbitMQ, in the protocol AMQP 0-9-1. Source: AMQP 0-9-1 complete reference; RabbitMQ documentation, "Consumer Acknowledgements and Publisher
//! Confirms", "Publishers", read 2026-11.
//!
//! **Routing key**: `<routing_key>.<environment>.<app>.<kind>`, such as `tidings.production.ios.subscription_renewed`. So a queue that is bound to a topic
//! exchange takes all (`tidings.#`), one environment (`tidings.production.#`) or one kind of any app (`tidings.*.*.subscription_renewed`). An
//! event of no app has `-` there.
//!
//! | ours | theirs |
//! |---|---|
//! | event id | property `message_id`, the same whatever is repeated: RabbitMQ keeps all, and whoever reads them knows a repetition by it |
//! | kind, `occurred_at`, the whole event | `type`, `timestamp`, `data` of the body, the envelope of Standard Webhooks |
//! | kind | property `type` |
//! | customer id | header `customer`, for exchanges that hash by a header |
//! | delivery id | header `tidings-delivery`, the same on every retry |
//!
//! Messages are persistent (`delivery_mode` 2). Delivered is what the broker has confirmed: a durable queue has it on disk, a quorum queue on most of its
//! nodes. What the broker could not store is tried again. A message that no queue takes is returned (312) and failed for good, which says nothing of the broker: the
//! others go on. So bind all kinds that are sent (`tidings.#`), or switch off those that no queue is to have; what was returned can be sent again once
//! a queue is bound. The exchange has to be there; none is made.
//!
//! The broker says why it closes a channel or a connection: 403 (login, or rights on the exchange), 404 (no such exchange) and 530 (no such
//! virtual host) are about settings, or about what an administrator does; 311 and 406 (the message is too large) are final; all others are of the moment.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Via,
    common::{self, Common},
    envelope,
    server::{Encryption, with_port},
    settings::check_certificates,
    spec::fields,
    subject,
    url::check_place,
};
use domain::{Event, EventKind, Headers, Message, pace::Rate, retry, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::routed::Routed;

/// The entry in [`crate::ALL`].
pub struct RabbitMq;

const OWN: &[Field] = &[
    Field::new(
        "server",
        FieldKind::Text,
        "The server, such as `rabbitmq.example:5671`. Without a port: 5671, without encryption 5672.",
    ),
    Field::new(
        "encryption",
        FieldKind::Choice(&["tls", "none"]),
        "`tls` encrypts, and believes only who is certified as `server`; `none` is for a network that you trust.",
    ),
    Field::new("vhost", FieldKind::Text, "The virtual host, `/` unless given."),
    Field::new("user", FieldKind::Text, "Who may write to the exchange."),
    Field::new("password", FieldKind::Secret, "The password of `user`."),
    Field::new(
        "exchange",
        FieldKind::Text,
        "Name of the exchange, which has to be there; a topic exchange lets queues choose.",
    ),
    Field::new(
        "routing_key",
        FieldKind::Text,
        "What routing keys begin with, `tidings` unless given. They go on with environment, app and kind of event.",
    ),
    Field::new(
        "ca_certificates",
        FieldKind::LongText,
        "Certificate authorities of your own, in PEM, that the server may be certified by, beside those that everybody trusts.",
    )
    .of(Group::Delivery),
];

static SPEC: Spec = Spec {
    key: "rabbitmq",
    title: "RabbitMQ",
    category: Category::Queue,
    summary: "Every event, confirmed by the broker, in an exchange that queues take it from.",
    notes: &[
        "Bind queues to all kinds of events that are sent, or switch the others off: what no queue takes has failed, and is not tried again by itself.",
        "RabbitMQ keeps what is repeated: whoever reads a queue knows a repetition by its `message_id`.",
    ],
    fields: fields!(
        OWN,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::BY_ID,
    ),
    travels: &[Travel {
        secret: "password",
        to: &["server", "encryption", "ca_certificates"],
    }],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 8,
};

/// What stands before a server, and the port of one that is named without. Source: IANA, `amqps` and `amqp`.
const fn usual(encryption: Encryption) -> (&'static str, u16) {
    match encryption {
        Encryption::Tls => ("amqps", 5671),
        Encryption::None => ("amqp", 5672),
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    server: String,
    #[serde(default)]
    encryption: Encryption,
    vhost: Option<String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    exchange: String,
    routing_key: Option<String>,
    ca_certificates: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
    /// With its port.
    server: String,
    vhost: String,
    begins: String,
}

/// Longest name of anything. Source: AMQP 0-9-1, section 4.2.5.3, short strings.
const LONGEST_NAME: usize = 255;
/// What a routing key may begin with, so that the rest fits.
const LONGEST_BEGINNING: usize = 64;

fn given<'a>(setting: Option<&'a str>, usual: &'a str) -> &'a str {
    setting.filter(|text| !text.is_empty()).unwrap_or(usual)
}

impl Settings {
    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        if !self.server.is_empty()
            && let Err(problem) = check_place(&self.server)
        {
            let problem = format!("{problem}; it is a host and a port: `rabbitmq.example:5671`");
            problems.push(Invalid::new("server", problem));
        }
        let vhost = self.vhost.as_deref().unwrap_or_default();
        for (field, text) in [
            ("vhost", vhost),
            ("user", &self.user),
            ("exchange", &self.exchange),
        ] {
            if text.len() > LONGEST_NAME || text.contains(char::is_control) {
                let problem = "is at most 255 bytes, without control characters";
                problems.push(Invalid::new(field, problem));
            }
        }
        let begins = self.routing_key.as_deref().unwrap_or("tidings");
        if begins.len() > LONGEST_BEGINNING {
            problems.push(Invalid::new("routing_key", "is at most 64 bytes"));
        } else if let Some(problem) = subject::check(given(Some(begins), "tidings")) {
            problems.push(Invalid::new("routing_key", problem));
        }
        let authorities = self.ca_certificates.as_deref();
        check_certificates("ca_certificates", authorities, &mut problems);
        problems
    }
}

impl Destination for RabbitMq {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready {
            server: with_port(&settings.server, usual(settings.encryption).1),
            vhost: given(settings.vhost.as_deref(), "/").to_owned(),
            begins: given(settings.routing_key.as_deref(), "tidings").to_owned(),
            settings,
            common,
        }))
    }
}

/// That no queue takes a message. Source: AMQP 0-9-1, "reply codes".
pub const NO_ROUTE: u16 = 312;

/// What a broker said of a message: 200 where it has confirmed it, else the code by which it refuses it, and why.
pub fn answer(status: u16, said: &str) -> Response {
    Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: said.as_bytes().to_vec(),
        unread: None,
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.handed_on(event)?;
        Ok(vec![Message::named(name)])
    }

    fn render(&self, message: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        for (name, value) in [
            ("server", &settings.server),
            ("user", &settings.user),
            ("exchange", &settings.exchange),
        ] {
            if value.is_empty() {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        let body = envelope::text(&message.name, &self.common.told(event))?;
        let routing_key = subject::of(&self.begins, event);
        let (scheme, _) = usual(settings.encryption);
        let url = format!(
            "{scheme}://{}/{}/{routing_key}",
            self.server, settings.exchange
        );
        let routed = Routed {
            server: self.server.clone(),
            is_encrypted: settings.encryption == Encryption::Tls,
            vhost: self.vhost.clone(),
            user: settings.user.clone(),
            password: settings.password.clone(),
            exchange: settings.exchange.clone(),
            routing_key,
            kind: event.kind.id(),
        };
        let mut request = Request::by(Via::Routed(routed), url)
            .with_body("application/json", body.into_bytes())
            .with_header("message-id", event.id.to_string())
            .with_header("customer", event.customer.id.to_string())
            .redacting(&settings.password);
        request.authorities.clone_from(&settings.ca_certificates);
        Ok(request)
    }

    fn sign(&self, request: &mut Request, id: &str, _: Timestamp) {
        *request = request.clone().with_header("tidings-delivery", id);
    }

    fn reads_attributes(&self) -> bool {
        false
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || {
            format!(
                "the broker answered {}: {}",
                response.status,
                response.said()
            )
        };
        match response.status {
            200 => Outcome::Delivered,
            403 | 404 | 530 => Outcome::CredentialsRefused(why()),
            311 | NO_ROUTE | 406 => Outcome::Rejected(why()),
            _ => Outcome::Retry(None),
        }
    }

    /// Rights are given, and exchanges made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
