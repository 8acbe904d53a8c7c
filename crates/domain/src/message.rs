//! What a delivery carries to an integration.
//!
//! A destination plans messages and renders them; a ledger keeps them between the two and knows nothing of destinations.

use serde::{Deserialize, Serialize};

/// One message of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What the destination calls it.
    pub name: String,
    /// The shape it was planned for, where its destination has several: settings may change while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Kept beside the payload in the delivery record, as the samples of the Slack integration show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_identifier: Option<String>,
    /// The app it came from, beside the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}

impl Message {
    /// A message called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            format: None,
            product_identifier: None,
            app_id: None,
        }
    }
}
