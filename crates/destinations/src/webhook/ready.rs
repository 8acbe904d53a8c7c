//! A webhook with its settings: what it sends, and what answers mean.

use super::{
    format::Format,
    handshake,
    settings::Settings,
    signature::{self, signature},
};
use crate::{
    Configured, Handshake, Header, Now, Outcome, Plan, Request, Response, Timer, Unsendable, timer,
};
use domain::{Environment, Event, EventKind, Message, NotSent, pace::Rate, retry, secret::Secret};
use jiff::Timestamp;
use std::time::Duration;

/// Settings that were checked.
pub(super) struct Ready {
    pub(super) settings: Settings,
    pub(super) retry: retry::Policy,
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        if timer::is_still_active(kind) {
            return timer::usual(kind, &self.timers());
        }
        Some(kind.id())
    }

    fn plan(&self, event: &Event) -> Plan {
        let settings = &self.settings;
        if !settings.format.events().contains(&event.kind) {
            return Err(NotSent::EventUnsupported);
        }
        let name = settings
            .events
            .name(event.kind, true)
            .ok_or(NotSent::EventDisabled)?;
        if !timer::is_due(event, &self.timers()) {
            return Err(NotSent::EventDisabled);
        }
        if settings.options.exclude_historical && event.predates_customer() {
            return Err(NotSent::Historical);
        }
        let names = settings.format.names(event, name, &settings.options);
        if names.is_empty() {
            return Err(NotSent::EventUnsupported);
        }
        let messages = names.into_iter().map(|name| Message {
            format: Some(settings.format.id().to_owned()),
            ..Message::named(name)
        });
        Ok(messages.collect())
    }

    fn render(&self, message: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        let (format, name) = settings
            .format
            .of(message, event)
            .ok_or_else(|| Unsendable {
                reason: NotSent::EventUnsupported,
                detail: format!("{} has no name for it", settings.format.id()),
            })?;
        let body = format
            .render(&name, event, &settings.options)
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
            value: second.clone(),
            secret: false,
        });
        let secrets = self.settings.revenuecat_signing_secrets.iter();
        let theirs = signature::revenuecat(secrets.map(Secret::expose), &second, &request.body);
        let all = [
            (
                "webhook-signature",
                (!signatures.is_empty()).then(|| signatures.join(" ")),
            ),
            ("x-revenuecat-webhook-signature", theirs),
        ];
        let signed = all.into_iter().filter_map(|(name, value)| {
            Some(Header {
                name,
                value: value?,
                secret: false,
            })
        });
        request.headers.extend(signed);
    }

    fn reads_attributes(&self) -> bool {
        false
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
            // Of a receiver that is being deployed, for one: no event is to be lost by it.
            (_, 401 | 403) => Outcome::CredentialsRefused(format!(
                "the endpoint answered {}: check the Authorization value",
                response.status
            )),
            (Format::Adapty, status @ (400 | 402 | 404)) => {
                Outcome::Rejected(format!("the endpoint answered {status}, which is final"))
            }
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn may_take_again(&self) -> bool {
        true
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        environment
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.settings.endpoints()
    }

    fn handshakes(&self, nonce: &str) -> Vec<Handshake> {
        handshake::all(&self.settings, nonce)
    }

    fn check_handshake(&self, handshake: &Handshake, response: &Response) -> Result<(), String> {
        handshake::check(handshake, response)
    }

    fn takes_states(&self) -> bool {
        true
    }

    fn timers(&self) -> Vec<Timer> {
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

    fn rate(&self) -> Option<Rate> {
        self.settings.max_per_second.map(Rate::per_second)
    }

    fn retry(&self) -> &retry::Policy {
        &self.retry
    }
}
