//! Receivers of RevenueCat's webhook that give no other interface to the public: the body of our own webhook of format `revenuecat`, sent to the URL
//! that the vendor hands out, with the value that it wants in `Authorization`. What differs between them is where the URL is found, and what they
//! hear of. Source: RevenueCat docs, the pages of each, and "Webhooks"; read 2026-11. None of the vendors documents its answers: what is assumed is
//! what RevenueCat's sender assumes, that any answer but success is worth another try.

use crate::{
    Configured, Field, FieldKind, Invalid, Now, Outcome, Plan, Request, Response, Spec, Travel,
    Unsendable, check_url,
    common::{self, Common},
    revenuecat,
};
use domain::{Event, EventKind, Message, NotSent, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Where to, and what is shown there.
pub(crate) const FIELDS: &[Field] = &[
    Field::new(
        "url",
        FieldKind::Url,
        "The URL that they give for RevenueCat's webhook.",
    ),
    Field::new(
        "authorization",
        FieldKind::Secret,
        "Sent verbatim as the Authorization header, where they give one.",
    ),
];

/// What decides who receives it.
pub(crate) const TRAVELS: &[Travel] = &[Travel {
    secret: "authorization",
    to: &["url"],
}];

/// What RevenueCat tells them of, transfers last.
pub(crate) const EVENTS_AND_TRANSFERS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionRefunded,
    EventKind::SubscriptionExtended,
    EventKind::SubscriptionDeferred,
    EventKind::SubscriptionPaused,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::ProductChanged,
    EventKind::Test,
    EventKind::Transfer,
];

/// The same without transfers.
pub(crate) const EVENTS: &[EventKind] = EVENTS_AND_TRANSFERS
    .split_at(EVENTS_AND_TRANSFERS.len() - 1)
    .0;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: Option<String>,
    #[serde(default)]
    authorization: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
    title: &'static str,
    sandbox: Sandbox,
}

/// What becomes of test purchases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// They are told; the body says that they are.
    Told,
    /// They are never told.
    Kept,
}

/// Checks the settings of one of them.
pub(crate) fn configure(
    settings: &Value,
    spec: &'static Spec,
    sandbox: Sandbox,
) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    let (settings, common) = common::read::<Settings>(settings, spec)?;
    let mut problems = Vec::new();
    check_url("url", settings.url.as_deref(), &mut problems);
    let is_odd = |letter: char| letter.is_control() || !letter.is_ascii();
    if settings.authorization.expose().contains(is_odd) {
        problems.push(Invalid::new(
            "authorization",
            "must be printable ASCII, because it is sent verbatim in a header",
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let title = spec.title;
    Ok(Box::new(Ready {
        settings,
        common,
        title,
        sandbox,
    }))
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        match self.sandbox {
            Sandbox::Told => self.common.handed_on(event)?,
            Sandbox::Kept => self.common.name(event, false, |kind| Some(kind.id()))?,
        };
        let names = revenuecat::types(event);
        if names.is_empty() {
            return Err(NotSent::EventUnsupported);
        }
        Ok(names.iter().map(|name| Message::named(*name)).collect())
    }

    fn render(&self, message: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let url = self.settings.url.as_deref().filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| Unsendable::lacks_setting("url"))?;
        let body = revenuecat::render(&message.name, &self.common.told(event));
        let body = body.map_err(|error| Unsendable::unsupported(error.to_string()))?;
        // Some are told who sends by the query of their URL.
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let request = Request::json(url, body).redacting(&Secret::new(query));
        let authorization = &self.settings.authorization;
        if authorization.is_empty() {
            return Ok(request);
        }
        Ok(request
            .redacting(authorization)
            .with_secret_header("authorization", authorization.expose()))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = format!("{} answered {}", self.title, response.status);
        match response.status {
            200..=299 => Outcome::Delivered,
            401 | 403 | 404 => {
                Outcome::CredentialsRefused(format!("{why}: check the URL and its authorization"))
            }
            410 => Outcome::Gone(format!("{why}: it wants no more")),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn may_take_again(&self) -> bool {
        true
    }

    /// As RevenueCat waits.
    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
