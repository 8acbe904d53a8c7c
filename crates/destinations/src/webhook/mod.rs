//! Webhook in three formats. Source: Adapty docs, "Webhook integration" and "Webhook event types and fields";
//! RevenueCat docs, "Webhooks" and "Event Types and Fields"; the Standard Webhooks specification.
//!
//! One URL per environment, each with its own verbatim `Authorization` value. Every request carries the Standard Webhooks
//! headers, signed with every active secret, so that secrets rotate without a gap.
//!
//! | | `adapty` | `revenuecat` | `standard` |
//! |---|---|---|---|
//! | before anything is delivered | handshake | - | - |
//! | success | 200 to 399 | 200 | 200 to 299 |
//! | final | 400 to 404 | - | 410, which also pauses the integration |
//! | waits for an answer | 10 s | 60 s | 15 s |

mod adapty;
mod revenuecat;
mod signature;

use crate::{
    Configured, Context, Destination, EventSwitch, Events, Field, FieldKind, Handshake, Header,
    Invalid, Outcome, Plan, Request, Response, Spec, Unsendable, envelope, settings,
};
use domain::{Environment, Event, EventKind, Message, NotSent, retry, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};

pub use signature::{check_secret, secret_from, signature};

/// The entry in [`crate::ALL`].
pub struct Webhook;

/// Kinds the `adapty` format knows. Source: Adapty docs, "Webhook event types and fields", as far as a store we know can
/// cause them.
const ADAPTY_EVENTS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionRefunded,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::EnteredGracePeriod,
    EventKind::SubscriptionPaused,
    EventKind::SubscriptionDeferred,
    EventKind::AccessLevelUpdated,
    EventKind::TrialActive,
    EventKind::SubscriptionActive,
    EventKind::Test,
];

static SPEC: Spec = Spec {
    key: "webhook",
    title: "Webhook",
    summary: "Every event as JSON to your own server, verified, signed, in order for each customer, and retried.",
    fields: &[
        Field {
            name: "format",
            kind: FieldKind::Choice(&["adapty", "revenuecat", "standard"]),
            help: "Shape of the payload, and which answers count as success. `standard` tells every kind of event.",
        },
        Field {
            name: "production_url",
            kind: FieldKind::Url,
            help: "Receives events of real purchases.",
        },
        Field {
            name: "production_authorization",
            kind: FieldKind::Secret,
            help: "Sent verbatim as the Authorization header.",
        },
        Field {
            name: "sandbox_url",
            kind: FieldKind::Url,
            help: "Receives events of test purchases.",
        },
        Field {
            name: "sandbox_authorization",
            kind: FieldKind::Secret,
            help: "Sent verbatim as the Authorization header.",
        },
        Field {
            name: "handshake",
            kind: FieldKind::Choice(&["current", "earlier"]),
            help: "Format adapty only. `current`: an empty object, any JSON answer. `earlier`: `adapty_check` must be echoed.",
        },
        Field {
            name: "signing_secrets",
            kind: FieldKind::Secrets,
            help: "One or two `whsec_` secrets; requests are signed with each, so that they can be rotated.",
        },
        Field {
            name: "events",
            kind: FieldKind::Events,
            help: "Per kind: on, off, or the name to send, which format revenuecat does not take. What a format has no name for is not sent.",
        },
        Field {
            name: "send_attribution",
            kind: FieldKind::Switch,
            help: "Format adapty only: adds `attributions`.",
        },
        Field {
            name: "send_user_attributes",
            kind: FieldKind::Switch,
            help: "Format adapty only: adds `user_attributes`.",
        },
        Field {
            name: "send_trial_price",
            kind: FieldKind::Switch,
            help: "Format adapty only: puts the subscription's price on `trial_started`.",
        },
        Field {
            name: "exclude_historical",
            kind: FieldKind::Switch,
            help: "Do not send events older than the customer.",
        },
        Field {
            name: "send_play_store_purchase_token",
            kind: FieldKind::Switch,
            help: "Format adapty only: adds `play_store_purchase_token` to events of Google Play purchases.",
        },
        Field {
            name: "trial_active_days",
            kind: FieldKind::Number,
            help: "Send `trial_active` this many days after a trial began, if it still runs.",
        },
        Field {
            name: "subscription_active_days",
            kind: FieldKind::Number,
            help: "Send `subscription_active` this many days after a subscription began, if it still runs.",
        },
        Field {
            name: "max_per_second",
            kind: FieldKind::Number,
            help: "Requests a second, at most, from all nodes together. Without it only their number at once is limited, to 32.",
        },
        Field {
            name: "retry",
            kind: FieldKind::Retry,
            help: "`adapty`, `revenuecat`, `standard`, or `custom` with delays in seconds. The format's own when left alone.",
        },
    ],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 32,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Adapty,
    Revenuecat,
    Standard,
}

/// The formats of a webhook, for showing what each would send.
pub const FORMATS: [&str; 3] = ["adapty", "revenuecat", "standard"];

/// What an event is in a format: the name and body of each message. Nothing where the format does not tell it.
pub fn payloads(format: &str, event: &Event) -> Vec<(String, Vec<u8>)> {
    let format = match format {
        "adapty" => Format::Adapty,
        "revenuecat" => Format::Revenuecat,
        "standard" => Format::Standard,
        _ => return Vec::new(),
    };
    let options = Options {
        send_attribution: true,
        send_user_attributes: true,
        ..Options::default()
    };
    let names = format.names(event, event.kind.id()).into_iter();
    names
        .filter_map(|name| {
            let body = format.render(&name, event, &options).ok()?;
            Some((name, body))
        })
        .collect()
}

impl Format {
    const fn events(self) -> &'static [EventKind] {
        match self {
            Self::Adapty => ADAPTY_EVENTS,
            Self::Revenuecat => revenuecat::EVENTS,
            Self::Standard => EventKind::ALL,
        }
    }

    /// What an event is called, one name a message; `chosen` is what the settings call its kind.
    fn names(self, event: &Event, chosen: &str) -> Vec<String> {
        match self {
            _ if !self.events().contains(&event.kind) => Vec::new(),
            Self::Adapty | Self::Standard => vec![chosen.to_owned()],
            Self::Revenuecat => revenuecat::types(event)
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        }
    }

    fn render(
        self,
        name: &str,
        event: &Event,
        options: &Options,
    ) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Adapty => adapty::render(name, event, options),
            Self::Revenuecat => revenuecat::render(name, event),
            Self::Standard => envelope::render(name, event),
        }
    }

    const fn policy(self) -> retry::Policy {
        match self {
            Self::Adapty => retry::Policy::Adapty,
            Self::Revenuecat => retry::Policy::RevenueCat,
            Self::Standard => retry::Policy::Standard,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Edition {
    #[default]
    Current,
    Earlier,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    format: Format,
    production_url: Option<String>,
    #[serde(default)]
    production_authorization: Secret,
    sandbox_url: Option<String>,
    #[serde(default)]
    sandbox_authorization: Secret,
    #[serde(default)]
    handshake: Edition,
    #[serde(default)]
    signing_secrets: Vec<Secret>,
    #[serde(default)]
    events: Events,
    #[serde(flatten)]
    options: Options,
    trial_active_days: Option<u32>,
    subscription_active_days: Option<u32>,
    max_per_second: Option<NonZeroU32>,
    retry: Option<retry::Policy>,
}

/// What is added to payloads, or kept from being sent.
#[derive(Debug, Clone, Default, Deserialize)]
struct Options {
    #[serde(default)]
    send_attribution: bool,
    #[serde(default)]
    send_user_attributes: bool,
    #[serde(default)]
    send_trial_price: bool,
    #[serde(default)]
    exclude_historical: bool,
    #[serde(default)]
    send_play_store_purchase_token: bool,
}

impl Destination for Webhook {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &serde_json::Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        // serde cannot refuse unknown fields next to flattened ones; the field list of SPEC can.
        let known = |name: &str| SPEC.fields.iter().any(|field| field.name == name);
        let mut problems: Vec<_> = settings
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
            .filter(|name| !known(name))
            .map(|name| Invalid::new(name, "is not a setting of the webhook"))
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut settings: Settings = crate::parse(settings)?;
        let can_rename = settings.format != Format::Revenuecat;
        problems.extend(settings.events.problems(EventKind::ALL, can_rename));
        problems.extend(settings.not_told());
        settings::check_url(
            "production_url",
            settings.production_url.as_deref(),
            &mut problems,
        );
        settings::check_url(
            "sandbox_url",
            settings.sandbox_url.as_deref(),
            &mut problems,
        );
        for (field, value) in [
            (
                "production_authorization",
                &settings.production_authorization,
            ),
            ("sandbox_authorization", &settings.sandbox_authorization),
        ] {
            if value
                .expose()
                .chars()
                .any(|letter| letter.is_control() || !letter.is_ascii())
            {
                problems.push(Invalid::new(
                    field,
                    "must be printable ASCII, because it is sent verbatim in a header",
                ));
            }
        }
        if settings.signing_secrets.len() > 2 {
            problems.push(Invalid::new(
                "signing_secrets",
                "holds at most two secrets: the new one and the one being retired",
            ));
        }
        problems.extend(
            settings
                .signing_secrets
                .iter()
                .filter_map(|secret| check_secret(secret.expose()).err())
                .map(|problem| Invalid::new("signing_secrets", problem)),
        );
        settings::check_retry(settings.retry.as_ref(), &mut problems);
        for (kind, days) in settings
            .timers()
            .into_iter()
            .filter(|(_, days)| !(1..=90).contains(days))
        {
            problems.push(Invalid::new(
                format!("{}_days", kind.id()),
                format!("is {days}; give 1 to 90 days"),
            ));
        }
        if problems.is_empty() {
            let policy = settings.retry.take();
            Ok(Box::new(Ready {
                retry: policy.unwrap_or_else(|| settings.format.policy()),
                settings,
            }))
        } else {
            Err(problems)
        }
    }
}

impl Settings {
    fn endpoint(&self, environment: Environment) -> (Option<&str>, &Secret) {
        match environment {
            Environment::Production => (
                self.production_url.as_deref(),
                &self.production_authorization,
            ),
            Environment::Sandbox => (self.sandbox_url.as_deref(), &self.sandbox_authorization),
        }
    }

    fn request(&self, environment: Environment, body: Vec<u8>) -> Option<Request> {
        let (url, authorization) = self.endpoint(environment);
        let mut request = Request::json(url?, body);
        if !authorization.is_empty() {
            request.headers.push(Header {
                name: "authorization",
                value: authorization.expose().to_owned(),
                secret: true,
            });
        }
        Some(request)
    }
}

/// Settings that were checked.
struct Ready {
    settings: Settings,
    retry: retry::Policy,
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        let settings = &self.settings;
        if !settings.format.events().contains(&event.kind) {
            return Err(NotSent::EventUnsupported);
        }
        let name = settings
            .events
            .name(event.kind, true)
            .ok_or(NotSent::EventDisabled)?;
        if matches!(
            event.kind,
            EventKind::TrialActive | EventKind::SubscriptionActive
        ) && !self
            .timers()
            .contains(&(event.kind, event.after_days.unwrap_or(0)))
        {
            return Err(NotSent::EventDisabled);
        }
        if settings.options.exclude_historical && event.occurred_at < event.customer.first_seen {
            return Err(NotSent::Historical);
        }
        let names = settings.format.names(event, name);
        if names.is_empty() {
            return Err(NotSent::EventUnsupported);
        }
        Ok(names.into_iter().map(Message::named).collect())
    }

    fn render(&self, message: &Message, event: &Event) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        let body = settings
            .format
            .render(&message.name, event, &settings.options)
            .map_err(|error| Unsendable {
                reason: NotSent::MissingCustomerData,
                detail: error.to_string(),
            })?;
        settings
            .request(event.environment, body)
            .ok_or_else(|| Unsendable {
                reason: NotSent::MissingCredentials,
                detail: format!("{}_url is not set", event.environment.id()),
            })
    }

    fn sign(&self, request: &mut Request, id: &str, at: Timestamp) {
        let second = at.as_second().to_string();
        let signatures: Vec<_> = self
            .settings
            .signing_secrets
            .iter()
            .filter_map(|secret| signature(secret.expose(), id, &second, &request.body))
            .collect();
        request.headers.push(Header {
            name: "webhook-id",
            value: id.to_owned(),
            secret: false,
        });
        request.headers.push(Header {
            name: "webhook-timestamp",
            value: second,
            secret: false,
        });
        if !signatures.is_empty() {
            request.headers.push(Header {
                name: "webhook-signature",
                value: signatures.join(" "),
                secret: false,
            });
        }
    }

    /// Source: Adapty docs, "Handle errors in integrations"; RevenueCat docs, "Webhooks", responses; the Standard Webhooks
    /// specification.
    fn classify(&self, response: &Response) -> Outcome {
        match (self.settings.format, response.status) {
            (Format::Adapty, 200..=399)
            | (Format::Revenuecat, 200)
            | (Format::Standard, 200..=299) => Outcome::Delivered,
            (Format::Standard, 410) => {
                Outcome::Gone("the endpoint answered 410: it wants no more".into())
            }
            (Format::Adapty, 401 | 403) => Outcome::Rejected(format!(
                "the endpoint answered {}: check the Authorization value",
                response.status
            )),
            (Format::Adapty, status @ 400..=404) => {
                Outcome::Rejected(format!("the endpoint answered {status}, which is final"))
            }
            _ => Outcome::Retry(response.retry_after),
        }
    }

    /// Source: Adapty docs, "Webhook integration", verification of the endpoint.
    fn handshakes(&self, nonce: &str) -> Vec<Handshake> {
        let settings = &self.settings;
        if settings.format != Format::Adapty {
            return Vec::new();
        }
        let (body, expected) = match settings.handshake {
            Edition::Current => (b"{}".to_vec(), None),
            Edition::Earlier => (
                serde_json::json!({ "adapty_check": nonce })
                    .to_string()
                    .into_bytes(),
                Some(nonce.to_owned()),
            ),
        };
        [Environment::Production, Environment::Sandbox]
            .into_iter()
            .filter_map(|endpoint| {
                Some(Handshake {
                    endpoint,
                    request: settings.request(endpoint, body.clone())?,
                    expected: expected.clone(),
                })
            })
            .collect()
    }

    fn check_handshake(&self, handshake: &Handshake, response: &Response) -> Result<(), String> {
        let status = response.status;
        let json = serde_json::from_slice::<serde_json::Value>(&response.body);
        match (&handshake.expected, json) {
            (None, Ok(_)) if (200..300).contains(&status) => Ok(()),
            (None, Err(_)) if (200..300).contains(&status) => Err(format!("it answered {status} without a JSON body; answer `{{}}`")),
            (None, _) => Err(format!("it answered {status}; any status from 200 to 299 with a JSON body passes")),
            (Some(word), Ok(json)) if matches!(status, 200 | 201) => match json.get("adapty_check_response") {
                Some(echo) if echo == word => Ok(()),
                Some(_) => Err("it answered with another `adapty_check_response` than the `adapty_check` it was sent".into()),
                None => Err("its answer has no `adapty_check_response`; echo the `adapty_check` of the request".into()),
            },
            (Some(_), Err(_)) if matches!(status, 200 | 201) => {
                Err("it answered without a JSON object; echo `adapty_check` as `adapty_check_response`".into())
            }
            (Some(_), _) => Err(format!("it answered {status}; 200 or 201 with `adapty_check_response` passes")),
        }
    }

    fn timers(&self) -> Vec<(EventKind, u32)> {
        self.settings.timers()
    }

    /// RevenueCat disconnects after a minute; senders of standard webhooks are asked to wait 15 to 30 seconds.
    fn timeout(&self) -> Duration {
        Duration::from_secs(match self.settings.format {
            Format::Adapty => 10,
            Format::Revenuecat => 60,
            Format::Standard => 15,
        })
    }

    fn max_per_second(&self) -> Option<NonZeroU32> {
        self.settings.max_per_second
    }

    fn retry(&self) -> &retry::Policy {
        &self.retry
    }
}

impl Settings {
    /// Kinds that are switched on or named, and that the format has no name for.
    fn not_told(&self) -> Vec<Invalid> {
        let known = |id: &str| self.format.events().iter().any(|kind| kind.id() == id);
        self.events
            .0
            .iter()
            .filter(|(id, switch)| {
                EventKind::from_id(id).is_some()
                    && !known(id)
                    && !matches!(switch, EventSwitch::Enabled(false))
            })
            .map(|(id, _)| {
                Invalid::new(
                    format!("events.{id}"),
                    "is not told by this format; format standard tells every event",
                )
            })
            .collect()
    }

    fn timers(&self) -> Vec<(EventKind, u32)> {
        let days = [
            (EventKind::TrialActive, self.trial_active_days),
            (EventKind::SubscriptionActive, self.subscription_active_days),
        ];
        days.into_iter()
            .filter_map(|(kind, days)| Some((kind, days?)))
            .collect()
    }
}
