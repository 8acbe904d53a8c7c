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
//! | `subscription_renewed` of what is paid for ahead | `INITIAL_PURCHASE`; before it `EXPIRATION` of an order that still ran |
//! | `billing_issue_detected` | `BILLING_ISSUE`, then `CANCELLATION` with `BILLING_ERROR` |
//! | `subscription_refunded` of the latest period | `CANCELLATION` with `CUSTOMER_SUPPORT`, then `EXPIRATION` where access is gone; nothing for an upgrade |
//! | `non_subscription_purchase`, `..._refunded` | `NON_RENEWING_PURCHASE`, `CANCELLATION` with `CUSTOMER_SUPPORT` |
//! | `subscription_paused` | `SUBSCRIPTION_PAUSED` |
//! | `subscription_extended`, `subscription_deferred` | `SUBSCRIPTION_EXTENDED` |
//! | `access_level_updated` of a family member | `INITIAL_PURCHASE`, `NON_RENEWING_PURCHASE`, `CANCELLATION`, `EXPIRATION` with `is_family_share` |
//! | `access_level_updated` of what was given by hand | `NON_RENEWING_PURCHASE`, `EXPIRATION`; `CANCELLATION` before that where it was taken back |
//! | `access_level_updated` as a pause begins, or a charge fails without grace | `EXPIRATION` with `SUBSCRIPTION_PAUSED`, `BILLING_ERROR` |
//! | `access_level_updated` of a first load | what a purchase came to: `INITIAL_PURCHASE`, `CANCELLATION`, `BILLING_ISSUE`, `NON_RENEWING_PURCHASE`, `EXPIRATION` |
//! | `product_changed`, `refund_reversed`, `transfer` | `PRODUCT_CHANGE`, `REFUND_REVERSED`, `TRANSFER` |
//! | `test` | `TEST`, with what a purchase in the sandbox has |
//!
//! What they know and we do not is absent or `null`: experiments, the metadata of their own web purchases. `renewal_number` counts the
//! uninterrupted periods, the trial included; `updated_at_ms` of an attribute is when the customer was last heard of.

mod kind;
mod period;
mod reason;
mod render;
mod standing;
mod store;

pub(crate) use kind::{EVENTS, types};
pub(crate) use render::render;
