//! What a store is called.

use crate::told;
use domain::{Event, Store};
use std::borrow::Cow;

/// Names that published receivers know. Source: RevenueCat docs, "Event Types and Fields", `store`; `GALAXY` and `EXTERNAL` from the names in
/// RevenueCat's SDKs.
const KNOWN: [&str; 12] = [
    "AMAZON",
    "APP_STORE",
    "EXTERNAL",
    "GALAXY",
    "MAC_APP_STORE",
    "PADDLE",
    "PLAY_STORE",
    "PROMOTIONAL",
    "RC_BILLING",
    "ROKU",
    "STRIPE",
    "TEST_STORE",
];

/// A store of one's own goes by its name where that is one of theirs: a receiver that takes a closed list of names refuses every other.
pub(super) fn store(event: &Event) -> Cow<'static, str> {
    let name = told::store(event);
    let is_external = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::External);
    if is_external && !KNOWN.contains(&name.as_ref()) {
        return "EXTERNAL".into();
    }
    name
}
