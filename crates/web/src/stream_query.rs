//! Query strings of streams: the filters of lists, without their pages.

use crate::query::{DeliveryQuery, EventQuery};
use domain::{AppId, Environment, Store};
use ledger::DeliveryState;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which events a stream tells, and from where on; all optional.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventStreamQuery {
    /// Kinds of events, separated by commas.
    pub kind: Option<String>,
    /// Any of the customer's names.
    pub customer: Option<String>,
    /// Id of an app.
    #[param(inline, value_type = Option<AppId>)]
    pub app: Option<String>,
    /// Id of a store: all apps of it.
    #[param(inline, value_type = Option<Store>)]
    pub store: Option<String>,
    /// `production` or `sandbox`.
    #[param(inline, value_type = Option<Environment>)]
    pub environment: Option<String>,
    /// Key of an integration; together with `state`.
    pub integration: Option<String>,
    /// `pending`, `delivered` or `failed`.
    #[param(inline, value_type = Option<DeliveryState>)]
    pub state: Option<String>,
    /// From here on.
    pub since: Option<jiff::Timestamp>,
    /// Up to here.
    pub until: Option<jiff::Timestamp>,
    /// After this cursor; what happens from now on when absent.
    pub after: Option<u64>,
}

impl From<EventStreamQuery> for EventQuery {
    fn from(query: EventStreamQuery) -> Self {
        Self {
            kind: query.kind,
            customer: query.customer,
            app: query.app,
            store: query.store,
            environment: query.environment,
            integration: query.integration,
            state: query.state,
            since: query.since,
            until: query.until,
            after: query.after,
            ..Self::default()
        }
    }
}

/// Which deliveries a stream tells; all optional.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryStreamQuery {
    /// Key of an integration.
    pub integration: Option<String>,
    /// `pending`, `delivered` or `failed`.
    #[param(inline, value_type = Option<DeliveryState>)]
    pub state: Option<String>,
}

impl From<DeliveryStreamQuery> for DeliveryQuery {
    fn from(query: DeliveryStreamQuery) -> Self {
        Self {
            integration: query.integration,
            state: query.state,
            ..Self::default()
        }
    }
}
