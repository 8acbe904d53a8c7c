//! Customers, as they are shown: as they are now, and as they were when something happened.

use domain::{
    CustomerId,
    customer::{Attribution, AttributionStatus, Customer},
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A customer as the ledger keeps it.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct CustomerView {
    /// Its id.
    id: CustomerId,
    /// The app's name for the customer, or a generated anonymous one.
    app_user_id: String,
    /// When it was first heard of.
    first_seen: Timestamp,
    /// When it was last heard of.
    last_seen: Timestamp,
    /// Its other names, oldest first.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    /// Attributes; reserved ones begin with `$`.
    #[schema(required = false)]
    attributes: BTreeMap<String, String>,
    /// When each attribute was written or deleted, as its writer says: the last write wins. Not part of events.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    written: BTreeMap<String, Timestamp>,
    /// The customer does not want third parties to hear of it.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    analytics_disabled: bool,
    /// When the app was first installed, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_at: Option<Timestamp>,
    /// Through which campaign it came; the first word stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<AttributionView>,
    /// Key of the offering that clients show to this customer, whatever others are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    offering: Option<String>,
    /// Money charged less money refunded, in millionths of a US dollar, as far as amounts in dollars are known.
    #[schema(required = false)]
    revenue_usd_micros: i64,
}

impl From<Customer> for CustomerView {
    fn from(row: Customer) -> Self {
        Self {
            id: row.id,
            app_user_id: row.app_user_id,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            aliases: row.aliases,
            attributes: row.attributes,
            written: row.written,
            analytics_disabled: row.analytics_disabled,
            installed_at: row.installed_at,
            attribution: row.attribution.map(AttributionView::from),
            offering: row.offering,
            revenue_usd_micros: row.revenue_usd_micros,
        }
    }
}

/// Through which campaign a customer came. Source: Adapty docs, "Webhook event types and fields", attributions.
#[derive(Serialize, ToSchema)]
#[schema(as = Attribution)]
// The document says that nothing else is in it.
#[serde(deny_unknown_fields)]
pub(super) struct AttributionView {
    /// Who says so: `appsflyer`, `adjust`, a name of the team's own.
    source: String,
    /// Whether a campaign brought the customer.
    status: AttributionStatus,
    /// Channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// Campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// Group of ads.
    #[serde(skip_serializing_if = "Option::is_none")]
    ad_group: Option<String>,
    /// Set of ads.
    #[serde(skip_serializing_if = "Option::is_none")]
    ad_set: Option<String>,
    /// Creative.
    #[serde(skip_serializing_if = "Option::is_none")]
    creative: Option<String>,
    /// The source's own id of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_user_id: Option<String>,
    /// When it was told.
    #[schema(required = false)]
    created_at: Timestamp,
}

impl From<Attribution> for AttributionView {
    fn from(told: Attribution) -> Self {
        Self {
            source: told.source,
            status: told.status,
            channel: told.channel,
            campaign: told.campaign,
            ad_group: told.ad_group,
            ad_set: told.ad_set,
            creative: told.creative,
            network_user_id: told.network_user_id,
            created_at: told.created_at,
        }
    }
}
