//! The conversation with Stripe's API. Source: Stripe, API reference.

use super::model::{List, id};
use crate::{Call, Probe, ProbeOutcome, Purpose, Trouble, Web, web};
use domain::{Environment, secret::Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const WHO: &str = "Stripe";
/// The version whose shapes are asked for; the older ones are read as well.
const VERSION: &str = "2025-03-31.basil";
/// Pages of a list, 100 each.
const MOST_PAGES: usize = 50;
/// How far back Stripe keeps events.
const REACH: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Lists a key must be able to read.
const READ_RIGHTS: [&str; 9] = [
    "subscriptions",
    "subscription_schedules",
    "prices",
    "invoices",
    "charges",
    "refunds",
    "disputes",
    "checkout/sessions",
    "events",
];

#[derive(Debug)]
pub(super) struct Api {
    url: String,
    key: Secret,
}

impl Api {
    pub(super) const fn new(url: String, key: Secret) -> Self {
        Self { url, key }
    }

    pub(super) fn environment(&self) -> Environment {
        if self.key.expose().contains("_test_") {
            Environment::Sandbox
        } else {
            Environment::Production
        }
    }

    pub(super) async fn get(
        &self,
        path: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Value, Trouble> {
        let mut call = Call::get(
            Purpose::Store,
            format!("{}/v1/{path}", self.url),
            Some(self.key.expose()),
        );
        call.headers.push("stripe-version", VERSION);
        let reply = web::call(web, &call, WHO).await?;
        let said = || format!("{WHO} answered {}: {}", reply.status, reply.excerpt());
        match reply.status {
            // Somebody else was at it. Source: Stripe, API reference, "Errors".
            409 => Err(Trouble::Unavailable {
                detail: said(),
                again_at: None,
            }),
            // What is asked for cannot be had, and asking for ever changes nothing.
            400 | 402 | 405..=407 | 411..=428 | 430..=499 => Err(Trouble::Unknown(said())),
            _ => reply.check(WHO, now)?.json(WHO),
        }
    }

    /// All of a list.
    pub(super) async fn list(
        &self,
        path: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Value>, Trouble> {
        let mut all: Vec<Value> = Vec::new();
        for _ in 0..MOST_PAGES {
            let after = all
                .last()
                .and_then(id)
                .map(|id| format!("&starting_after={id}"))
                .unwrap_or_default();
            let page = self
                .get(&format!("{path}&limit=100{after}"), web, now)
                .await?;
            let page: List<Value> = serde_json::from_value(page).map_err(|error| {
                Trouble::Nonsense(format!(
                    "{WHO} answered a list that cannot be read: {error}"
                ))
            })?;
            if !page.data.iter().all(Value::is_object) {
                return Err(Trouble::Nonsense(format!(
                    "{WHO} answered a list of something else than objects for {path}"
                )));
            }
            let is_last = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if is_last {
                return Ok(all);
            }
        }
        Err(Trouble::Nonsense(format!(
            "{WHO} answered more than {MOST_PAGES} pages for {path}"
        )))
    }

    /// Whether the key may read what purchases are made of.
    pub(super) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let mut probes = Vec::new();
        for asked in READ_RIGHTS {
            let outcome = match self.get(&format!("{asked}?limit=1"), web, now).await {
                Ok(_) => ProbeOutcome::Works(format!("the key may read {asked}")),
                Err(Trouble::Credentials(said)) => ProbeOutcome::Fails {
                    code: "store_credentials_refused",
                    detail: format!("give the key the right to read {asked}: {said}"),
                },
                Err(trouble) => trouble.into(),
            };
            probes.push(Probe {
                environment: Some(self.environment()),
                asked,
                outcome,
            });
        }
        probes
    }

    /// Bodies of events that Stripe could not deliver since `since`, oldest first.
    pub(super) async fn missed_events(
        &self,
        since: Timestamp,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let since = now
            .checked_sub(REACH)
            .map_or(since, |earliest| since.max(earliest));
        let path = format!(
            "events?delivery_success=false&created[gte]={}",
            since.as_second()
        );
        let mut events = self.list(&path, web, now).await?;
        // The newest come first.
        events.reverse();
        Ok(events
            .iter()
            .map(|event| event.to_string().into_bytes())
            .collect())
    }
}
