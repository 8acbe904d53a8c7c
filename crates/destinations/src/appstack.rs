//! Appstack, which takes RevenueCat's webhook; URL and header are shown under Integrations, RevenueCat. Source: RevenueCat docs, "Appstack", read
//! 2026-11.
//!
//! The body is that of our webhook of format `revenuecat`, transfers too; `$appstackId` goes along among the attributes. Test purchases are never
//! told. Its answers are documented nowhere:
//! 2xx is success, 401, 403 and 404 hold the integration, 410 ends it, and anything else is sent again, as RevenueCat does.

use crate::{
    Category, Configured, Context, Destination, Invalid, Spec, common, preset, preset::Sandbox,
    spec::fields,
};
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Appstack;

static SPEC: Spec = Spec {
    key: "appstack",
    title: "Appstack",
    category: Category::Attribution,
    summary: "Attribution: what campaigns earned, from events in the form of RevenueCat.",
    notes: &[
        "Switch RevenueCat's own integration off, or Appstack counts every event twice.",
        "The app has to set `$appstackId`, by which Appstack finds the install.",
    ],
    fields: fields!(preset::FIELDS, common::EVENT_SWITCHES, common::BY_ID,),
    travels: preset::TRAVELS,
    events: preset::EVENTS_AND_TRANSFERS,
    ordered: true,
    concurrency: 8,
};

impl Destination for Appstack {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        preset::configure(settings, &SPEC, Sandbox::Kept)
    }
}
