//! What is added to payloads, or kept from being sent.

use serde::Deserialize;

/// Off unless switched on.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) send_attribution: bool,
    #[serde(default)]
    pub(super) send_user_attributes: bool,
    #[serde(default)]
    pub(super) send_trial_price: bool,
    #[serde(default)]
    pub(super) exclude_historical: bool,
    #[serde(default)]
    pub(super) send_play_store_purchase_token: bool,
    #[serde(default)]
    pub(super) send_state: bool,
}
