//! Payloads of the `revenuecat` format, `api_version` 1.0. Source: RevenueCat docs, "Event Types and
//! Fields" and "Common Webhook Flows".
//!
//! | ours | theirs |
//! |---|---|
//! | `subscription_started`, `trial_started` | `INITIAL_PURCHASE`; `RENEWAL` where another product took over |
//! | `subscription_renewed`, `trial_converted` | `RENEWAL` |
//! | `*_renewal_cancelled` | `CANCELLATION` |
//! | `*_renewal_reactivated` | `UNCANCELLATION` |
//! | `*_expired` | `EXPIRATION`; nothing where another product took over |
//! | `billing_issue_detected` | `BILLING_ISSUE`, then `CANCELLATION` with `BILLING_ERROR` |
//! | `subscription_refunded` of the latest period | `CANCELLATION` with `CUSTOMER_SUPPORT`; nothing for an upgrade |
//! | `non_subscription_purchase`, `..._refunded` | `NON_RENEWING_PURCHASE`, `CANCELLATION` with `CUSTOMER_SUPPORT` |
//! | `subscription_paused` | `SUBSCRIPTION_PAUSED` |
//! | `subscription_extended`, `subscription_deferred` | `SUBSCRIPTION_EXTENDED` |
//! | `access_level_updated` of a family member | `INITIAL_PURCHASE`, `NON_RENEWING_PURCHASE`, `CANCELLATION`, `EXPIRATION` with `is_family_share` |
//! | `product_changed`, `refund_reversed`, `transfer`, `test` | `PRODUCT_CHANGE`, `REFUND_REVERSED`, `TRANSFER`, `TEST` |
//!
//! What they know and we do not is absent or `null`: experiments, the metadata of web purchases. `renewal_number` counts the
//! uninterrupted periods, the trial included; `updated_at_ms` of an attribute is when the customer was last heard of.

mod kind;
mod period;
mod render;

pub(crate) use kind::{EVENTS, types};
pub(crate) use render::render;
