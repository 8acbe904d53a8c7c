//! What of the configuration nobody changes until a transaction ends.

use crate::codec::failed;
use domain::IntegrationId;
use ledger::{Integration, Result, codec::Stored};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Integrations as they are stored, which nobody changes until the transaction ends.
pub(crate) async fn integrations_held(
    on: &mut PgConnection,
    ids: BTreeSet<Uuid>,
) -> Result<BTreeMap<IntegrationId, Integration>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    // Whoever changes the configuration begins with this row.
    sqlx::query!("select value from meta where name = 'configuration_revision' for share")
        .fetch_one(&mut *on)
        .await
        .map_err(failed)?;
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let found = sqlx::query!("select id, body from integrations where id = any($1)", &ids)
        .fetch_all(&mut *on)
        .await
        .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let of = Stored::new("integrations", &row.id);
            let stored: Integration = of.json("body", row.body.as_bytes())?;
            Ok((IntegrationId::new(row.id), stored))
        })
        .collect()
}
