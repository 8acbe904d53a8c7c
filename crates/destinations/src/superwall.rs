//! Superwall, which takes RevenueCat's webhook at an integration URL with a token. Source: RevenueCat docs, "Superwall"; Superwall publishes no
//! interface of its own for events, read 2026-11.
//!
//! The body is that of our webhook of format `revenuecat`, also for test purchases, which it says, and for transfers. Its answers are documented nowhere:
//! 2xx is success, 401, 403 and 404 hold the integration, 410 ends it, and anything else is sent again, as RevenueCat does.

use crate::{
    Category, Configured, Context, Destination, Invalid, Spec, common, preset, preset::Sandbox,
    spec::fields,
};
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Superwall;

static SPEC: Spec = Spec {
    key: "superwall",
    title: "Superwall",
    category: Category::Analytics,
    summary: "Paywalls: what its campaigns earned, from events in the form of RevenueCat.",
    notes: &[
        "Switch RevenueCat's own integration off, or Superwall counts every event twice.",
        "The app has to give both the same user id.",
    ],
    fields: fields!(
        preset::FIELDS,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::BY_ID,
    ),
    travels: preset::TRAVELS,
    events: preset::EVENTS_AND_TRANSFERS,
    ordered: true,
    concurrency: 8,
};

impl Destination for Superwall {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        preset::configure(settings, &SPEC, Sandbox::Told)
    }
}
