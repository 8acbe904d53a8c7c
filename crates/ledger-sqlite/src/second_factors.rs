//! Second factors of members.

use crate::{
    SqliteLedger,
    codec::{Key, micros, to_json},
    statement::{all, execute, first},
};
use async_trait::async_trait;
use domain::UserId;
use ledger::{FactorCode, Result, SecondFactor, SecondFactors};
use rusqlite::{Connection, params};

#[async_trait]
impl SecondFactors for SqliteLedger {
    async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>> {
        self.read_long(move |connection| find(connection, user))
            .await
    }
    async fn second_factors(&self) -> Result<Vec<UserId>> {
        self.read_long(owners).await
    }
    async fn put_second_factor(&self, factor: SecondFactor, codes: Vec<String>) -> Result<bool> {
        self.writer
            .write(move |connection| put(connection, &factor, &codes))
            .await
    }
    async fn remove_second_factor(&self, user: UserId) -> Result<bool> {
        self.writer
            .write(move |connection| remove(connection, user))
            .await
    }
    async fn give_up_second_factor(&self, user: UserId, code: FactorCode) -> Result<bool> {
        self.writer
            .write(move |connection| {
                Ok(use_up(connection, user, &code)? && remove(connection, user)?)
            })
            .await
    }
}

pub(crate) fn find(connection: &Connection, user: UserId) -> Result<Option<SecondFactor>> {
    first(
        connection,
        "second_factors",
        "SELECT owner, secret, step, made_at, (SELECT count(*) FROM recovery_codes WHERE recovery_codes.owner = second_factors.owner)
         FROM second_factors WHERE owner = ?1",
        params![user.key()],
        |row| {
            Ok(SecondFactor {
                user: row.id(0)?,
                secret: row.get(1)?,
                step: row.get(2)?,
                made_at: row.time(3)?,
                recovery_codes: row.get(4)?,
            })
        },
    )
}

fn owners(connection: &Connection) -> Result<Vec<UserId>> {
    let sql = "SELECT owner FROM second_factors ORDER BY owner";
    all(connection, "second_factors", sql, [], |row| row.id(0))
}

fn put(connection: &Connection, factor: &SecondFactor, codes: &[String]) -> Result<bool> {
    let given = execute(
        connection,
        "INSERT INTO second_factors (owner, secret, step, made_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (owner) DO NOTHING",
        params![
            factor.user.key(),
            factor.secret,
            factor.step,
            micros(factor.made_at)
        ],
    )?;
    if given == 0 {
        return Ok(false);
    }
    execute(
        connection,
        "INSERT INTO recovery_codes (owner, digest) SELECT ?1, value FROM json_each(?2)",
        params![factor.user.key(), to_json(&codes)?],
    )
    .map(|_| true)
}

/// Uses a code up; whether it was good.
pub(crate) fn use_up(connection: &Connection, user: UserId, code: &FactorCode) -> Result<bool> {
    let used = match code {
        FactorCode::Step { step, made_at } => execute(
            connection,
            "UPDATE second_factors SET step = ?2 WHERE owner = ?1 AND step < ?2 AND made_at = ?3",
            params![user.key(), step, micros(*made_at)],
        ),
        FactorCode::Recovery(digest) => execute(
            connection,
            "DELETE FROM recovery_codes WHERE owner = ?1 AND digest = ?2",
            params![user.key(), digest],
        ),
    };
    used.map(|used| used == 1)
}

/// Takes a member's away, with its codes; whether there was one.
pub(crate) fn remove(connection: &Connection, user: UserId) -> Result<bool> {
    let codes = "DELETE FROM recovery_codes WHERE owner = ?1";
    execute(connection, codes, params![user.key()])?;
    let factor = "DELETE FROM second_factors WHERE owner = ?1";
    execute(connection, factor, params![user.key()]).map(|gone| gone == 1)
}
