//! Customer.io, by the Track API, version 2. Source: Customer.io docs, "Track API v2: batch", "Semantic events", limits, read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | `$customerioId`, else the app's name for the customer | `identifiers.id` |
//! | names, status, entitlements, attributes where they are sent | `batch[0]`, which makes or updates the person |
//! | kind, renamed | `batch[1].name` |
//! | id of the event, which is a ULID in upper case | `batch[1].id`, by which a repetition counts once |
//! | `occurred_at` | `timestamp`, seconds |
//! | properties, and `revenue` with `currency`, below zero for a refund, 0 where nothing moved | `batch[1].attributes` |
//!
//! Our ids are 128 bits in the same alphabet as a ULID, in lower case and behind a prefix. Attributes of a customer are below
//! `subscriber_attributes` of the person and nowhere else: `from_address`, `recipient` and `reply_to` of an event would change who writes to
//! whom. Values longer than 1000 bytes are not taken, so they stay.
//!
//! Events of several customers go in one request, up to 100 of them or 500 KB. 207 names what was not taken by its place in the batch; where that cannot be read,
//! or names no place, what is not named is sent again, which its id makes harmless. 401 is a pair of keys that do not belong together, or another
//! region's; a redirect is the other region. Assumed: an event older than 72 hours starts no campaign.

use crate::{
    Batching, Category, Configured, Context, Destination, Field, FieldKind, Invalid, Item, Now,
    Outcome, Plan, Request, Response, Spec, Travel, Unsendable, common,
    common::{
        Common, Keys, Refunds, Times, Who, active_entitlements, properties, revenue,
        subscription_status,
    },
    spec::fields,
    told::{app_id, names},
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{num::NonZeroU32, time::Duration};

/// The entry in [`crate::ALL`].
pub struct CustomerIo;

const OWN: &[Field] = &[
    Field::new(
        "site_id",
        FieldKind::Text,
        "Site id of the workspace: Settings, API credentials, Track API keys.",
    ),
    Field::new(
        "api_key",
        FieldKind::Secret,
        "Track API key of the same pair, which is not an App API key.",
    ),
    Field::new(
        "sandbox_site_id",
        FieldKind::Text,
        "Site id of another workspace for test purchases.",
    ),
    Field::new(
        "sandbox_api_key",
        FieldKind::Secret,
        "Its Track API key; without it test purchases are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the account's data are kept.",
    ),
];

static SPEC: Spec = Spec {
    key: "customerio",
    title: "Customer.io",
    category: Category::Messaging,
    summary: "Events with their revenue for the person that the app knows, to start campaigns.",
    notes: &["Events older than 72 hours are kept but start no campaign."],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY_ONCE,
    ),
    travels: &[
        Travel {
            secret: "api_key",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_api_key",
            to: &["region", "endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    site_id: String,
    #[serde(default)]
    api_key: Secret,
    #[serde(default)]
    sandbox_site_id: String,
    #[serde(default)]
    sandbox_api_key: Secret,
    #[serde(default)]
    region: Region,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for CustomerIo {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read(settings, &SPEC)?;
        Ok(Box::new(Ready { settings, common }))
    }
}

/// Bytes of a value, at most.
const LONGEST: usize = 1_000;
/// Names that a campaign takes for its own settings.
const RESERVED: [&str; 3] = ["from_address", "recipient", "reply_to"];
/// Of the two that are sent of an event, which is the event.
const EVENT: usize = 1;
/// Events in a request. It may have 500 KB, and 1,000 members as an open event router has it; of so many the answer may complain that it can be read
/// still. Source: Customer.io docs, "Track API", `/batch`.
const MOST: usize = 100;
const BYTES: usize = 500_000;

/// Some were taken and some were not, which the body tells. Source: the same.
const MULTI_STATUS: u16 = 207;

/// What was not taken, where the answer says so.
fn errors(said: &Value) -> &[Value] {
    said["errors"].as_array().map_or(&[], Vec::as_slice)
}

/// The event's id as a ULID. Source: the `TypeID` specification 0.3, the ULID specification: one alphabet, 128 bits each.
fn ulid(event: &Event) -> String {
    let id = event.id.to_string();
    let id = id.rsplit('_').next().unwrap_or_default();
    id.to_ascii_uppercase()
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("api_key", &self.settings.api_key),
            ("sandbox_api_key", &self.settings.sandbox_api_key),
        )
    }

    fn site(&self, environment: Environment) -> Result<&str, Unsendable> {
        let (named, site) = match environment {
            Environment::Production => ("site_id", &self.settings.site_id),
            Environment::Sandbox => ("sandbox_site_id", &self.settings.sandbox_site_id),
        };
        if site.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(site)
    }

    fn person(&self, event: &Event, who: Who<'_>) -> Map<String, Value> {
        let mut person = Map::from_iter([
            ("app_user_id".to_owned(), who.app_user_id().into()),
            (
                "original_app_user_id".to_owned(),
                event.customer.original_name().into(),
            ),
            ("aliases".to_owned(), names(&event.customer).into()),
            (
                "entitlement_ids".to_owned(),
                active_entitlements(event).into(),
            ),
        ]);
        person.extend(app_id(event).map(|id| ("app_id".to_owned(), id.into())));
        if let Some(status) = subscription_status(event) {
            let name = format!("{}subscription_status", self.common.prefix());
            person.insert(name, status.into());
        }
        if self.common.sends_attributes() {
            let all = who.attributes();
            let all =
                all.filter(|(name, value)| !RESERVED.contains(name) && value.len() <= LONGEST);
            let all: Map<_, _> = all
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            person.insert("subscriber_attributes".into(), all.into());
        }
        person
    }

    /// Whom an event is about, and the event: always both, so that it is known which of them an error is about.
    fn pair(&self, item: &Item<'_>) -> [Value; 2] {
        let event = item.event;
        let who = self.common.who(event, item.now);
        let id = who.attribute("$customerioId");
        let identifiers = json!({ "id": id.unwrap_or(who.app_user_id()) });
        [
            json!({
                "type": "person",
                "action": "identify",
                "identifiers": identifiers,
                "attributes": self.person(event, who),
            }),
            json!({
                "type": "person",
                "action": "event",
                "identifiers": identifiers,
                "id": ulid(event),
                "name": item.message.name,
                "timestamp": Times::Seconds.of(event.occurred_at),
                "attributes": self.told(event, who),
            }),
        ]
    }

    /// What is told of the event. What moves nothing says so.
    fn told(&self, event: &Event, who: Who<'_>) -> Map<String, Value> {
        let mut told = properties(event, who, Times::Iso);
        let amount = self.common.amount(event, Refunds::Negative);
        if let Some(revenue) = revenue(event, amount) {
            told.insert("revenue".into(), revenue);
        }
        if let Some(amount) = amount {
            told.insert("currency".into(), amount.currency.code().into());
        }
        told
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, self.keys().has_sandbox(), |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        self.render_batch(&[Item::alone(message, event, now)])
    }

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            most: MOST,
            bytes: BYTES,
            linger: Duration::from_millis(200),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let first = items.first();
        let first = first.ok_or_else(|| Unsendable::unsupported("an empty batch"))?;
        let environment = first.event.environment;
        let key = self.keys().own(environment)?;
        let site = self.site(environment)?;
        let all: Vec<_> = items.iter().flat_map(|item| self.pair(item)).collect();
        let body = json!({ "batch": all });
        let host = match self.settings.region {
            Region::Us => "https://track.customer.io",
            Region::Eu => "https://track-eu.customer.io",
        };
        let url = self.common.url(host, "/api/v2/batch");
        let request = Request::json(&url, body.to_string().into_bytes());
        Ok(request.redacting(key).with_basic(site, key.expose()))
    }

    /// An error names the place in the batch of what it is about. One that names none may be about whatever no other names.
    fn classify_batch(&self, response: &Response, items: &[Item<'_>]) -> Option<Vec<Outcome>> {
        let said = response.json();
        let errors = errors(&said);
        let is_taken = matches!(response.status, 200..=299);
        if !is_taken || errors.is_empty() || items.len() == 1 {
            return None;
        }
        let place = |error: &Value| {
            let place = usize::try_from(error["batch_index"].as_u64()?).ok()?;
            (place / 2 < items.len()).then_some(place)
        };
        let names_all = errors.iter().all(|error| place(error).is_some());
        let of_one = (0..items.len()).map(|at| {
            let is_own = |error: &&Value| place(error).is_some_and(|place| place / 2 == at);
            let mut own: Vec<_> = errors.iter().filter(is_own).collect();
            // What is said of the event comes first.
            own.sort_by_key(|error| error["batch_index"] != EVENT + 2 * at);
            let Some(error) = own.first() else {
                return if names_all {
                    Outcome::Delivered
                } else {
                    Outcome::Retry(response.retry_after)
                };
            };
            let why = format!("Customer.io answered {}: {error}", response.status);
            if error["batch_index"] == EVENT + 2 * at {
                Outcome::Rejected(why)
            } else {
                Outcome::Partly(why)
            }
        });
        Some(of_one.collect())
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("Customer.io answered {status}: {said}")
        };
        let errors = errors(&said);
        let is_person =
            |error: &Value| error["batch_index"].is_u64() && error["batch_index"] != EVENT;
        match response.status {
            // What it does not say may be anything.
            MULTI_STATUS if errors.is_empty() => Outcome::Retry(response.retry_after),
            200..=299 if errors.is_empty() => Outcome::Delivered,
            200..=299 if errors.iter().all(is_person) => Outcome::Partly(why()),
            300..=399 => Outcome::CredentialsRefused(format!(
                "{}; the account is of the other region",
                why()
            )),
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            200..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn rate(&self) -> Option<Rate> {
        // Source: Customer.io docs, fair use of the Track API: a hundred requests a second.
        let hundred = NonZeroU32::MIN.saturating_add(99);
        self.common.rate(Some(Rate::per_second(hundred)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
