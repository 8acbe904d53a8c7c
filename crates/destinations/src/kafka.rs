//! Kafka, and what speaks its protocol (Redpanda, Confluent Cloud, Amazon MSK, Azure Event Hubs). Source: Apache Kafka documentation, "Protocol guide",
//! "Message format", "Producer configs", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | customer id | key of the record: a customer's events are in one partition, in order. Partitions are chosen as the Java client chooses them |
//! | event id | header `id`, the same whatever is repeated: Kafka keeps all, and whoever reads them knows a repetition by it |
//! | kind | header `kind` |
//! | kind, `occurred_at`, the whole event | `type`, `timestamp`, `data` of the value, the envelope of Standard Webhooks |
//! | `occurred_at` | timestamp of the record |
//! | delivery id | header `tidings-delivery`, the same on every retry |
//!
//! Delivered is what all replicas in sync have acknowledged (`acks=all`). The topic has to be there; none is made. The brokers that are named say which others
//! there are, and which of them leads a partition: each is checked, as those that are named are, before it is connected to.
//!
//! Names are proved by `PLAIN` (RFC 4616), SCRAM (RFC 5802), or by a token that a client of OAuth is given (RFC 7628), as Confluent Cloud and Azure Event Hubs
//! take them.
//!
//! The status of an answer is the broker's error code: 0 says that the record is stored. 29 and 31 (rights), 33, 34 and 58 (login), 17 (no name for a topic) are
//! about settings, or about what an administrator does; 10 and 18 (too large), 32, 44 and 87 (refused by a policy) are final; all others, such as 3 (no such
//! topic, or not yet), 5, 6, 7, 19 and 20, are of the moment.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Via,
    common::{self, Common},
    envelope,
    oauth::{self, Client},
    settings::{check_certificates, gather, take},
    spec::fields,
    url::check_place,
};
use domain::{Event, EventKind, Headers, Message, pace::Rate, retry, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::record::{Mechanism, Record, Sasl};

/// The entry in [`crate::ALL`].
pub struct Kafka;

/// The port of a broker that is named without one.
pub const PORT: u16 = 9092;

const OWN: &[Field] = &[
    Field::new(
        "brokers",
        FieldKind::Text,
        "Brokers of one cluster with commas between, such as `b1.example:9093,b2.example:9093`. Any of them says who the others are.",
    ),
    Field::new("topic", FieldKind::Text, "Name of the topic, which has to be there."),
    Field::new(
        "security",
        FieldKind::Choice(&["sasl_ssl", "ssl", "sasl_plaintext", "plaintext"]),
        "Whether connections are encrypted (`ssl`), and whether brokers ask for a name and a password (`sasl`).",
    ),
    Field::new(
        "mechanism",
        FieldKind::Choice(&["plain", "scram_sha_256", "scram_sha_512", "oauthbearer"]),
        "How `user` is proved: `scram` does not tell the password, `plain` does, and `oauthbearer` tells a token; these two are for encrypted connections only.",
    ),
    Field::new("user", FieldKind::Text, "Who may write to the topic."),
    Field::new("password", FieldKind::Secret, "The password of `user`."),
    Field::new(
        "ca_certificates",
        FieldKind::LongText,
        "Certificate authorities of your own, in PEM, that brokers may be certified by, beside those that everybody trusts.",
    )
    .of(Group::Delivery),
];

const CLIENT: &[Field] = &oauth::fields("mechanism", "oauthbearer");

static SPEC: Spec = Spec {
    key: "kafka",
    title: "Kafka",
    category: Category::Queue,
    summary: "Every event as a record of a topic, acknowledged by all replicas in sync, in order for each customer.",
    notes: &[
        "Kafka keeps what is repeated: whoever reads the topic knows a repetition by the header `id`.",
        "Brokers are connected to where the cluster says that they are (`advertised.listeners`): those addresses have to be reachable from here, and allowed.",
    ],
    fields: fields!(
        OWN,
        CLIENT,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::BY_ID,
    ),
    travels: &[
        Travel {
            secret: "password",
            to: &["brokers", "security", "mechanism", "ca_certificates"],
        },
        Travel {
            secret: "client_secret",
            to: &[
                "token_url",
                "brokers",
                "security",
                "mechanism",
                "ca_certificates",
            ],
        },
    ],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 8,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Security {
    #[default]
    SaslSsl,
    Ssl,
    SaslPlaintext,
    Plaintext,
}

impl Security {
    const fn is_encrypted(self) -> bool {
        matches!(self, Self::SaslSsl | Self::Ssl)
    }

    const fn signs_in(self) -> bool {
        matches!(self, Self::SaslSsl | Self::SaslPlaintext)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Proof {
    #[default]
    Plain,
    #[serde(rename = "scram_sha_256")]
    ScramSha256,
    #[serde(rename = "scram_sha_512")]
    ScramSha512,
    Oauthbearer,
}

impl From<Proof> for Mechanism {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Plain => Self::Plain,
            Proof::ScramSha256 => Self::ScramSha256,
            Proof::ScramSha512 => Self::ScramSha512,
            Proof::Oauthbearer => Self::OauthBearer,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    brokers: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    security: Security,
    #[serde(default)]
    mechanism: Proof,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: Secret,
    ca_certificates: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
    client: Client,
    brokers: Vec<String>,
}

/// Longest name of a topic. Source: Kafka, `Topic.MAX_NAME_LENGTH`, `LEGAL_CHARS`.
const LONGEST_TOPIC: usize = 249;

fn is_topic(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.len() <= LONGEST_TOPIC && name.bytes().all(is_letter) && ![".", ".."].contains(&name)
}

/// Names are read before they are proved, which has its own idea of some letters. Source: RFC 5802, section 5.1.
fn is_user(name: &str) -> bool {
    !name.contains(|letter: char| letter.is_control() || matches!(letter, ',' | '='))
}

impl Settings {
    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        for broker in self.brokers() {
            if let Err(problem) = check_place(&broker) {
                let problem =
                    format!("{problem}; {broker:?} must be a host and a port: `b1.example:9093`");
                problems.push(Invalid::new("brokers", problem));
            }
        }
        if !is_topic(&self.topic) {
            let problem = "is at most 249 letters, digits, dots, - and _";
            problems.push(Invalid::new("topic", problem));
        }
        if !is_user(&self.user) {
            problems.push(Invalid::new("user", "is a name without commas and ="));
        }
        let is_told = match self.mechanism {
            Proof::Plain => !self.password.is_empty(),
            Proof::Oauthbearer => true,
            Proof::ScramSha256 | Proof::ScramSha512 => false,
        };
        if self.security == Security::SaslPlaintext && is_told {
            let what = match self.mechanism {
                Proof::Oauthbearer => "`oauthbearer` would send the token",
                _ => "`plain` would send the password",
            };
            let problem =
                format!("{what} in the clear; use `scram_sha_256` or `scram_sha_512`, or encrypt");
            problems.push(Invalid::new("mechanism", problem));
        }
        let authorities = self.ca_certificates.as_deref();
        check_certificates("ca_certificates", authorities, &mut problems);
        problems
    }

    fn brokers(&self) -> Vec<String> {
        let all = self.brokers.split(',').map(str::trim);
        all.filter(|broker| !broker.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

impl Destination for Kafka {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let mut problems = Vec::new();
        let (client, rest) = take::<Client>(settings, CLIENT);
        let client = gather(client, &mut problems).unwrap_or_default();
        client.problems(&mut problems);
        let (settings, common) = match common::read::<Settings>(&rest, &SPEC) {
            Ok(read) => read,
            Err(found) => {
                problems.extend(found);
                return Err(problems);
            }
        };
        problems.extend(settings.problems());
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready {
            brokers: settings.brokers(),
            settings,
            common,
            client,
        }))
    }
}

impl Ready {
    /// As whom, where brokers ask for that: they hang up without a word on whoever does not say so. Who has a token needs no name.
    fn login(&self) -> Result<Option<Sasl>, Unsendable> {
        let settings = &self.settings;
        if !settings.security.signs_in() {
            return Ok(None);
        }
        let (user, password) = match settings.mechanism {
            Proof::Oauthbearer => (String::new(), Secret::default()),
            _ if settings.user.is_empty() => return Err(Unsendable::lacks_setting("user")),
            _ if settings.password.is_empty() => return Err(Unsendable::lacks_setting("password")),
            _ => (settings.user.clone(), settings.password.clone()),
        };
        Ok(Some(Sasl {
            mechanism: settings.mechanism.into(),
            user,
            password,
        }))
    }
}

/// What a broker answered to a record: its error code, and what that is called.
pub fn answer(code: u16, said: &str) -> Response {
    Response {
        status: code,
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
        if self.brokers.is_empty() {
            return Err(Unsendable::lacks_setting("brokers"));
        }
        if settings.topic.is_empty() {
            return Err(Unsendable::lacks_setting("topic"));
        }
        let login = self.login()?;
        let is_by_token = matches!(&login, Some(sasl) if sasl.mechanism == Mechanism::OauthBearer);
        let body = envelope::text(&message.name, &self.common.told(event))?;
        let record = Record {
            brokers: self.brokers.clone(),
            is_encrypted: settings.security.is_encrypted(),
            login,
            topic: settings.topic.clone(),
            key: event.customer.id.to_string(),
            at: event.occurred_at,
        };
        let url = format!("kafka://{}/{}", self.brokers.join(","), settings.topic);
        let mut request = Request::by(Via::Record(record), url)
            .with_body("application/json", body.into_bytes())
            .with_header("id", event.id.to_string())
            .with_header("kind", event.kind.id())
            .redacting(&settings.password);
        if is_by_token {
            request = request.with_grant(self.client.grant()?);
        }
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
        let (code, said) = (response.status, response.said());
        let why = || format!("the broker answered {code}: {said}");
        match code {
            0 => Outcome::Delivered,
            17 | 29 | 31 | 33 | 34 | 58 => Outcome::CredentialsRefused(why()),
            10 | 18 | 32 | 44 | 87 => Outcome::Rejected(why()),
            _ => Outcome::Retry(None),
        }
    }

    /// Rights are given elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn timeout(&self) -> std::time::Duration {
        std::time::Duration::from_secs(20)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
