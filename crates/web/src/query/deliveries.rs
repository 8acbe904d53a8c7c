//! Which deliveries: of a list, and of a stream.

use super::{before, both::list_and_stream, present, rows, state};
use crate::{problem::Problem, project::InProject};
use domain::DeliveryId;
use ledger::{DeliveryFilter, DeliveryState};
use serde::Deserialize;
use utoipa::IntoParams;

list_and_stream! {
    /// Which deliveries, and which page of them; all optional.
    list DeliveryQuery {
        /// Newest first, before this cursor.
        before: String,
        /// Most rows; 50 when absent, and never more than 200.
        limit: usize,
    }
    /// Which deliveries a stream tells; all optional.
    stream DeliveryStreamQuery {}
    filters {
        /// Key of an integration.
        integration: String,
        /// `pending`, `delivered` or `failed`.
        #[param(inline, value_type = Option<DeliveryState>)]
        state: String,
    }
}

impl DeliveryQuery {
    /// The deliveries asked for.
    pub fn filter(&self, project: &InProject) -> Result<DeliveryFilter, Problem> {
        let integration = present(self.integration.as_ref())
            .map(|key| project.integration(key).map(|active| active.row.id))
            .transpose()?;
        Ok(DeliveryFilter {
            project: Some(project.id),
            integration,
            state: state(self.state.as_ref())?,
        })
    }

    /// Before which.
    pub fn before(&self) -> Result<Option<DeliveryId>, Problem> {
        before(self.before.as_ref())
    }

    /// Rows of a page.
    pub fn limit(&self) -> usize {
        rows(self.limit)
    }
}
