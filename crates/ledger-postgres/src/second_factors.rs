//! Second factors of members.

use crate::{
    PostgresLedger,
    codec::{failed, micros, signed},
};
use async_trait::async_trait;
use domain::UserId;
use ledger::{FactorCode, Result, SecondFactor, SecondFactors, codec::Stored};
use sqlx::{PgConnection, PgPool};

#[async_trait]
impl SecondFactors for PostgresLedger {
    async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>> {
        find(&self.reads, user).await
    }
    async fn second_factors(&self) -> Result<Vec<UserId>> {
        let owners = sqlx::query_scalar!("select owner from second_factors order by owner")
            .fetch_all(&self.reads)
            .await
            .map_err(failed)?;
        Ok(owners.into_iter().map(UserId::new).collect())
    }
    async fn put_second_factor(&self, factor: SecondFactor, codes: Vec<String>) -> Result<bool> {
        put(&self.reads, &factor, &codes).await
    }
    async fn remove_second_factor(&self, user: UserId) -> Result<bool> {
        let mut tx = self.reads.begin().await.map_err(failed)?;
        hold(&mut tx, user).await?;
        let was_there = remove(&mut tx, user).await?;
        tx.commit().await.map_err(failed)?;
        Ok(was_there)
    }
    async fn give_up_second_factor(&self, user: UserId, code: FactorCode) -> Result<bool> {
        let mut tx = self.reads.begin().await.map_err(failed)?;
        hold(&mut tx, user).await?;
        let is_given_up = use_up(&mut tx, user, &code).await? && remove(&mut tx, user).await?;
        if is_given_up {
            tx.commit().await.map_err(failed)?;
        }
        Ok(is_given_up)
    }
}

async fn find(pool: &PgPool, user: UserId) -> Result<Option<SecondFactor>> {
    let row = sqlx::query!(
        r#"select secret, step, made_at, (select count(*) from recovery_codes where recovery_codes.owner = second_factors.owner) as "codes!"
           from second_factors where owner = $1"#,
        user.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let of = Stored::new("second_factors", &user);
    Ok(Some(SecondFactor {
        user,
        step: of.number("step", row.step)?,
        made_at: of.time("made_at", row.made_at)?,
        recovery_codes: of.number("recovery_codes", row.codes)?,
        secret: row.secret,
    }))
}

/// Has whoever else changes the account, its factor or its sessions wait until this transaction is over.
async fn hold(on: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query_scalar!("select id from users where id = $1 for update", user.uuid())
        .fetch_optional(on)
        .await
        .map(|_| ())
        .map_err(failed)
}

/// Whether a member has one.
pub(crate) async fn is_there(on: &mut PgConnection, user: UserId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "select owner from second_factors where owner = $1",
        user.uuid()
    )
    .fetch_optional(on)
    .await
    .map_err(failed)?;
    Ok(found.is_some())
}

/// Uses a code up; whether it was good.
pub(crate) async fn use_up(on: &mut PgConnection, user: UserId, code: &FactorCode) -> Result<bool> {
    let used = match code {
        FactorCode::Step { step, made_at } => sqlx::query!(
            "update second_factors set step = $2 where owner = $1 and step < $2 and made_at = $3",
            user.uuid(),
            signed(*step),
            micros(*made_at)
        )
        .execute(on)
        .await
        .map_err(failed)?,
        FactorCode::Recovery(digest) => sqlx::query!(
            "delete from recovery_codes where owner = $1 and digest = $2",
            user.uuid(),
            digest
        )
        .execute(on)
        .await
        .map_err(failed)?,
    };
    Ok(used.rows_affected() == 1)
}

async fn put(pool: &PgPool, factor: &SecondFactor, codes: &[String]) -> Result<bool> {
    let mut tx = pool.begin().await.map_err(failed)?;
    // Whoever is being let in without one is in before, and seen by whoever ends sessions after this; or comes after, and is asked for a code.
    hold(&mut tx, factor.user).await?;
    let given = sqlx::query!(
        "insert into second_factors (owner, secret, step, made_at) values ($1, $2, $3, $4) on conflict (owner) do nothing",
        factor.user.uuid(),
        factor.secret,
        signed(factor.step),
        micros(factor.made_at)
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if given.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into recovery_codes (owner, digest) select $1, * from unnest($2::text[])",
        factor.user.uuid(),
        codes
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// Takes a member's away, with its codes; whether there was one.
pub(crate) async fn remove(on: &mut PgConnection, user: UserId) -> Result<bool> {
    sqlx::query!("delete from recovery_codes where owner = $1", user.uuid())
        .execute(&mut *on)
        .await
        .map_err(failed)?;
    let gone = sqlx::query!("delete from second_factors where owner = $1", user.uuid())
        .execute(&mut *on)
        .await
        .map_err(failed)?;
    Ok(gone.rows_affected() == 1)
}
