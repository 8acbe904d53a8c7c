//! An integration, compiled: a destination with its settings.

use configuration::{Vault, integration_settings};
use destinations::{Batching, Configured, Context, Destination, Spec};
use domain::{Environment, NotSent, pace::Rate, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{Integration, LaneId, Verification};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// How long a node may hold a delivery it has taken up, beside the time that an answer is waited for.
const LEASE: SignedDuration = SignedDuration::from_secs(50);
/// How long the answer of an endpoint whose settings cannot be read would be waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long what is leased waits for others to go with, at most: its lease must not end meanwhile.
pub(crate) const LONGEST_LINGER: Duration = Duration::from_secs(20);

/// An integration, compiled.
#[derive(Clone)]
pub struct ActiveIntegration {
    /// Its row.
    pub row: Arc<Integration>,
    /// Its destination.
    pub spec: &'static Spec,
    /// The destination with its settings, or why they cannot be used.
    pub configured: Result<Arc<dyn Configured>, String>,
}

impl ActiveIntegration {
    /// The endpoint that events of an environment go to.
    pub fn endpoint(&self, environment: Environment) -> Environment {
        let configured = self.configured.as_ref();
        // Where settings cannot be read, what is held apart is not mixed.
        configured.map_or(environment, |configured| configured.endpoint(environment))
    }

    /// The lane of events of an environment.
    pub(crate) fn lane(&self, environment: Environment) -> LaneId {
        LaneId {
            integration: self.row.id,
            endpoint: self.endpoint(environment),
        }
    }

    /// Its endpoints that something can go to: at least one, which is that of production where it is set up for none, and all that an integration
    /// can have where its settings cannot be read.
    pub fn endpoints(&self) -> Vec<Environment> {
        let Ok(configured) = &self.configured else {
            return Environment::ALL.to_vec();
        };
        let endpoints = configured.endpoints();
        if endpoints.is_empty() {
            return vec![Environment::Production];
        }
        endpoints
    }

    /// How long an answer is waited for.
    pub(crate) fn timeout(&self) -> Duration {
        let configured = self.configured.as_ref();
        configured.map_or(TIMEOUT, |configured| configured.timeout())
    }

    /// Whether messages travel together, and how many.
    pub(crate) fn batching(&self) -> Option<Batching> {
        self.configured.as_ref().ok()?.batching()
    }

    /// When what is accepted at `now` goes, with all that is accepted in the same stretch of time: where that is longer than a lease lasts, it waits in
    /// the ledger. An hour's is due when the hour is full.
    pub(crate) fn gathers_until(&self, now: Timestamp) -> Option<Timestamp> {
        let linger = self.batching()?.linger;
        if linger <= LONGEST_LINGER {
            return None;
        }
        let stretch = i64::try_from(linger.as_secs()).ok()?;
        let begun = now.as_second().div_euclid(stretch);
        Timestamp::from_second(begun.checked_add(1)?.checked_mul(stretch)?).ok()
    }

    /// What the endpoint may be asked, by all nodes together.
    pub(crate) fn limits(&self) -> Limits {
        // Where settings cannot be read, its deliveries are held.
        let configured = self.configured.as_ref().ok();
        Limits {
            concurrency: self.spec.concurrency,
            rate: configured.and_then(|configured| configured.rate()),
            per_customer: configured.and_then(|configured| configured.rate_per_customer()),
        }
    }

    /// Until when a delivery taken up at `now` is this node's.
    pub(crate) fn lease_until(&self, now: Timestamp) -> Timestamp {
        let timeout = SignedDuration::try_from(self.timeout()).unwrap_or(SignedDuration::MAX);
        after(now, LEASE.saturating_add(timeout))
    }

    /// Why deliveries to an endpoint are held, if they are.
    pub fn held(&self, endpoint: Environment) -> Option<NotSent> {
        match (&self.configured, self.row.verification.of(endpoint)) {
            _ if self.row.paused => Some(NotSent::IntegrationPaused),
            (Err(_), _) | (Ok(_), Verification::Refused { .. }) => {
                Some(NotSent::MissingCredentials)
            }
            (Ok(_), Verification::Pending | Verification::Failed { .. }) => {
                Some(NotSent::EndpointUnverified)
            }
            (Ok(_), Verification::Passed) => None,
        }
    }

    /// Whether an endpoint is held for credentials that it may take again without anybody changing anything here.
    pub(crate) fn may_take_again(&self, endpoint: Environment) -> bool {
        let refused = self.row.verification.of(endpoint);
        let is_refused = matches!(refused, Verification::Refused { is_gone: false, .. });
        let heals = self.configured.as_ref().is_ok_and(|it| it.may_take_again());
        is_refused && heals && !self.row.paused
    }

    /// Why nothing goes out at all, where that is so: every endpoint that something can go to is held.
    pub fn held_everywhere(&self) -> Option<NotSent> {
        let mut held = self.endpoints().into_iter().map(|of| self.held(of));
        let first = held.next()??;
        held.all(|held| held.is_some()).then_some(first)
    }
}

/// What an endpoint may be asked, by all nodes together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Attempts under way.
    pub(crate) concurrency: usize,
    /// Attempts begun in a time.
    pub(crate) rate: Option<Rate>,
    /// The same of what is about one customer.
    pub(crate) per_customer: Option<Rate>,
}

impl ActiveIntegration {
    /// `None` for a destination that only a newer release knows.
    pub(super) fn of(row: &Integration, vault: &Vault, public_url: &str) -> Option<Self> {
        let Some(destination) = destinations::find(&row.destination) else {
            tracing::error!(integration.id = %row.id, destination.key = row.destination, "the destination is unknown to this release; its events are not sent");
            return None;
        };
        let context = Context {
            public_url: public_url.to_owned(),
        };
        let configured = configure(destination, row, vault, &context);
        if let Err(problem) = &configured {
            tracing::error!(integration.id = %row.id, problem, "the settings cannot be used; its deliveries are held");
        }
        Some(Self {
            row: Arc::new(row.clone()),
            spec: destination.spec(),
            configured,
        })
    }
}

fn configure(
    destination: &dyn Destination,
    row: &Integration,
    vault: &Vault,
    context: &Context,
) -> Result<Arc<dyn Configured>, String> {
    let settings = Value::Object(integration_settings(vault, row)?);
    let configured = destination.configure(&settings, context);
    configured.map(Arc::from).map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })
}
