//! The settings, and what is wrong with them.

use super::{format::Format, options::Options, signature::check_secret};
use crate::{
    Category, EventSwitch, Events, Field, FieldKind, Invalid, Spec, Timer, Travel, check_url,
    settings::{check_certificates, check_retry},
    timer,
};
use domain::{EventKind, retry, secret::Secret};
use serde::Deserialize;
use std::num::NonZeroU32;

pub(super) static SPEC: Spec = Spec {
    key: "webhook",
    title: "Webhook",
    category: Category::Webhook,
    summary: "Every event as JSON to your own server, verified, signed, in order for each customer, and retried.",
    notes: &[],
    fields: &[
        Field::new(
            "format",
            FieldKind::Choice(&["adapty", "revenuecat", "standard"]),
            "Shape of the payload, and which answers count as success. `standard` tells every kind of event.",
        ),
        Field::new(
            "production_url",
            FieldKind::Url,
            "Receives events of real purchases.",
        ),
        Field::new(
            "production_authorization",
            FieldKind::Secret,
            "Sent verbatim as the Authorization header.",
        ),
        Field::new(
            "sandbox_url",
            FieldKind::Url,
            "Receives events of test purchases.",
        ),
        Field::new(
            "sandbox_authorization",
            FieldKind::Secret,
            "Sent verbatim as the Authorization header.",
        ),
        Field::new(
            "ca_certificates",
            FieldKind::LongText,
            "Certificate authorities of your own, in PEM, that the URLs may be certified by, beside those that everybody trusts.",
        ),
        Field::new(
            "handshake",
            FieldKind::Choice(&["current", "earlier"]),
            "Format adapty only. `current`: an empty object, any JSON answer. `earlier`: `adapty_check` must be echoed.",
        ),
        Field::new(
            "signing_secrets",
            FieldKind::Secrets,
            "One or two `whsec_` secrets; requests are signed with each, so that they can be rotated.",
        ),
        Field::new(
            "revenuecat_signing_secrets",
            FieldKind::Secrets,
            "Format revenuecat only. One or two secrets of 16 characters or more that `X-RevenueCat-Webhook-Signature` is made with, beside the other signature; two while one is rotated.",
        ),
        Field::new(
            "events",
            FieldKind::Events,
            "Per kind: on, off, or the name to send, which format revenuecat does not take. What a format has no name for is not sent.",
        ),
        Field::new(
            "send_attribution",
            FieldKind::Switch,
            "Format adapty only: adds `attributions`.",
        ),
        Field::new(
            "send_user_attributes",
            FieldKind::Switch,
            "Format adapty only: adds `user_attributes`.",
        ),
        Field::new(
            "send_trial_price",
            FieldKind::Switch,
            "Format adapty only: puts the subscription's price on `trial_started`.",
        ),
        Field::new(
            "exclude_historical",
            FieldKind::Switch,
            "Do not send events older than the customer.",
        ),
        Field::new(
            "send_play_store_purchase_token",
            FieldKind::Switch,
            "Format adapty only: adds `play_store_purchase_token` to events of Google Play purchases.",
        ),
        Field::new(
            "send_state",
            FieldKind::Switch,
            "Format standard only: instead of what happened, sends what the customer may use after it, as `customer_state`: one shape for everything, to store and forget.",
        ),
        Field::new(
            "trial_active_days",
            FieldKind::Number,
            "Send `trial_active` this many days after a trial began, if it still runs.",
        ),
        Field::new(
            "subscription_active_days",
            FieldKind::Number,
            "Send `subscription_active` this many days after a subscription began, if it still runs.",
        ),
        Field::new(
            "max_per_second",
            FieldKind::Number,
            "Requests a second, at most, from all nodes together. Without it only their number at once is limited, to 32.",
        ),
        Field::new(
            "retry",
            FieldKind::Retry,
            "`adapty`, `revenuecat`, `standard`, or `custom` with delays in seconds. The format's own when left alone.",
        ),
    ],
    // Signing secrets stay here: what is sent is made with them.
    travels: &[
        Travel {
            secret: "production_authorization",
            to: &["production_url", "ca_certificates"],
        },
        Travel {
            secret: "sandbox_authorization",
            to: &["sandbox_url", "ca_certificates"],
        },
    ],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 32,
};

/// Characters of a secret that signs, at least.
const LEAST_SECRET: usize = 16;

/// Edition of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Edition {
    #[default]
    Current,
    Earlier,
}

/// As they are stored.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) format: Format,
    pub(super) production_url: Option<String>,
    #[serde(default)]
    pub(super) production_authorization: Secret,
    pub(super) sandbox_url: Option<String>,
    #[serde(default)]
    pub(super) sandbox_authorization: Secret,
    pub(super) ca_certificates: Option<String>,
    #[serde(default)]
    pub(super) handshake: Edition,
    #[serde(default)]
    pub(super) signing_secrets: Vec<Secret>,
    #[serde(default)]
    pub(super) revenuecat_signing_secrets: Vec<Secret>,
    #[serde(default)]
    pub(super) events: Events,
    #[serde(flatten)]
    pub(super) options: Options,
    pub(super) trial_active_days: Option<u32>,
    pub(super) subscription_active_days: Option<u32>,
    pub(super) max_per_second: Option<NonZeroU32>,
    pub(super) retry: Option<retry::Policy>,
}

impl Settings {
    /// Everything that cannot be used, each named by its field.
    pub(super) fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        let can_rename = self.format != Format::Revenuecat;
        problems.extend(self.events.problems("events", EventKind::ALL, can_rename));
        problems.extend(self.not_told());
        check_url(
            "production_url",
            self.production_url.as_deref(),
            &mut problems,
        );
        check_url("sandbox_url", self.sandbox_url.as_deref(), &mut problems);
        let authorities = self.ca_certificates.as_deref();
        check_certificates("ca_certificates", authorities, &mut problems);
        for (field, value) in [
            ("production_authorization", &self.production_authorization),
            ("sandbox_authorization", &self.sandbox_authorization),
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
        for (field, secrets) in [
            ("signing_secrets", &self.signing_secrets),
            (
                "revenuecat_signing_secrets",
                &self.revenuecat_signing_secrets,
            ),
        ] {
            if secrets.len() > 2 {
                problems.push(Invalid::new(
                    field,
                    "holds at most two secrets: the new one and the one being retired",
                ));
            }
        }
        problems.extend(self.unfit_for_revenuecat());
        problems.extend(
            self.signing_secrets
                .iter()
                .filter_map(|secret| check_secret(secret.expose()).err())
                .map(|problem| Invalid::new("signing_secrets", problem)),
        );
        check_retry(self.retry.as_ref(), &mut problems);
        problems.extend(timer::problems(&self.timers()));
        problems
    }

    /// What is wrong with the secrets of their own signature.
    fn unfit_for_revenuecat(&self) -> Option<Invalid> {
        let field = "revenuecat_signing_secrets";
        let secrets = &self.revenuecat_signing_secrets;
        if secrets.is_empty() {
            return None;
        }
        if self.format != Format::Revenuecat {
            let problem = "is of format revenuecat; `signing_secrets` sign every format";
            return Some(Invalid::new(field, problem));
        }
        let is_weak = |secret: &Secret| secret.expose().trim().len() < LEAST_SECRET;
        secrets.iter().any(is_weak).then(|| {
            let problem = format!("must be {LEAST_SECRET} characters or more");
            Invalid::new(field, problem)
        })
    }

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

    /// "Still active" events that are wanted.
    pub(super) fn timers(&self) -> Vec<Timer> {
        timer::all(self.trial_active_days, self.subscription_active_days)
    }
}
