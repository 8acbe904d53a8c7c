//! Chains that time alone may change.

use crate::{
    PostgresLedger,
    codec::{failed, micros, rows},
};
use async_trait::async_trait;
use domain::{AppId, ChainKey, CustomerId, ProjectId};
use jiff::Timestamp;
use ledger::{
    Checks, DueCheck, Result,
    codec::{Stored, readable},
};
use sqlx::PgPool;
use uuid::Uuid;

#[async_trait]
impl Checks for PostgresLedger {
    async fn due_checks(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<DueCheck>> {
        due_checks(&self.reads, now, except, limit).await
    }
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        postpone_check(&self.hot, check, at).await
    }
}

async fn due_checks(
    pool: &PgPool,
    now: Timestamp,
    except: &[AppId],
    limit: usize,
) -> Result<Vec<DueCheck>> {
    let except: Vec<Uuid> = except.iter().map(|app| app.uuid()).collect();
    let due = sqlx::query!(
        r#"select project, app, environment, chain, customer, store, check_at as "check_at!" from purchases
           where check_at is not null and check_at <= $1 and app <> all($3) order by check_at limit $2"#,
        micros(now), rows(limit), &except
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let due = due.into_iter().map(|row| {
        let of = Stored::new("purchases", &row.chain);
        Ok(DueCheck {
            project: ProjectId::new(row.project),
            app: AppId::new(row.app),
            chain: ChainKey {
                store: of.store("store", &row.store)?,
                environment: of.environment("environment", &row.environment)?,
                id: row.chain.clone(),
            },
            customer: CustomerId::new(row.customer),
            check_at: of.time("check_at", row.check_at)?,
        })
    });
    Ok(readable(due))
}

async fn postpone_check(pool: &PgPool, check: &DueCheck, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "update purchases set check_at = $6 where customer = $1 and app = $2 and environment = $3 and chain = $4 and check_at = $5",
        check.customer.uuid(),
        check.app.uuid(),
        check.chain.environment.id(),
        check.chain.id,
        micros(check.check_at),
        micros(at)
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}
