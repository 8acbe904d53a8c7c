//! What is known of a device, as sixteen texts in a fixed order. Source: Meta, "Conversions API for app events", `extinfo`; Snapchat takes the
//! same.

use super::who::{Platform, Who};
use serde_json::{Value, json};

/// Version of the list (which names the platform), package, short and long version of the app, version of the system, and what nobody here
/// knows: model, locale, time zone, carrier, width, height, density, processors, storage, what of it is free, and the zone again. What is
/// unknown is empty, and never left out.
pub(crate) fn extinfo(who: Who<'_>, platform: Platform, package: &str) -> Value {
    let edition = if platform == Platform::Android {
        "a2"
    } else {
        "i2"
    };
    let system = who.os_version().unwrap_or_default();
    json!([
        edition, package, "", "", system, "", "", "", "", "", "", "", "", "", "", ""
    ])
}
