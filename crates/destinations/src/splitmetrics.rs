//! SplitMetrics Acquire, which takes RevenueCat's webhook at a URL that its support hands out. Source: RevenueCat docs, "SplitMetrics Acquire"; its own
//! interface is not public, read 2026-11.
//!
//! The body is that of our webhook of format `revenuecat`, also for test purchases, which it says; refunds are told below zero, as there. Its answers are documented nowhere:
//! 2xx is success, 401, 403 and 404 hold the integration, 410 ends it, and anything else is sent again, as RevenueCat does.

use crate::{
    Category, Configured, Context, Destination, Invalid, Spec, common, preset, preset::Sandbox,
    spec::fields,
};
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct SplitMetrics;

static SPEC: Spec = Spec {
    key: "splitmetrics",
    title: "SplitMetrics Acquire",
    category: Category::Attribution,
    summary: "Apple Search Ads: what keywords earned, from events in the form of RevenueCat.",
    notes: &[
        "Their support hands out the URL.",
        "Only customers whose attributes say which ad they came from count there.",
    ],
    fields: fields!(
        preset::FIELDS,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::BY_ID,
    ),
    travels: preset::TRAVELS,
    events: preset::EVENTS,
    ordered: true,
    concurrency: 8,
};

impl Destination for SplitMetrics {
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
