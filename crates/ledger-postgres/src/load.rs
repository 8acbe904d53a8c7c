//! What intake reads, and messages that wait.

use crate::codec::{count, environment, failed, micros, rows, signed, store, time, unsigned};
use domain::{AppId, ChainKey, CustomerId, InboxId, ProjectId, Snapshot, fact::Transaction};
use jiff::Timestamp;
use ledger::{
    DueCheck, FIRST_ANSWER, InboxMessage, InboxRecord, Loaded, Parked, ParkedCount, Result,
    StoredChain, VersionedCustomer, Wanted,
    codec::{Terms, corrupt, from_json, unpack},
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) async fn load(pool: &PgPool, wanted: &Wanted) -> Result<Loaded> {
    let (app, environment_id) = (wanted.app.uuid(), wanted.chain.environment.id());
    let ids: Vec<String> = std::iter::once(&wanted.chain.id)
        .chain(&wanted.links)
        .cloned()
        .collect();
    // By its whole key: joined to the ids, every chain of the app may be walked instead.
    let mut known = sqlx::query!(
        "select id, chain, customer from chains where app = $1 and environment = $2 and id = any($3)",
        app, environment_id, &ids
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    known.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    let (chain, owner) = match known.into_iter().next() {
        Some(row) => (row.chain, Some(row.customer)),
        None => (wanted.chain.id.clone(), None),
    };
    let who = match (owner, &wanted.app_user_id) {
        (Some(owner), _) => owner,
        (None, None) => return Ok(Loaded::default()),
        (None, Some(name)) => match named(pool, wanted.project, name).await? {
            Some(who) => who,
            None => return Ok(Loaded::default()),
        },
    };
    // The version comes first: whatever is read after it and is newer makes the commit a conflict.
    let row = sqlx::query!(
        "select body, version, seq from customers where id = $1",
        who
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .ok_or_else(|| {
        let problem = "an alias or chain refers to it, but it does not exist";
        corrupt("customers", who, problem)
    })?;
    let customer = VersionedCustomer {
        customer: from_json(row.body.as_bytes(), "customers", who)?,
        version: unsigned(row.version),
        seq: unsigned(row.seq),
    };
    let found = sqlx::query!(
        "select app, chain, snapshot, terms, store, formers from purchases
         where customer = $1 and environment = $2 and (unlocking or (app = $3 and chain = $4))",
        who,
        environment_id,
        app,
        chain
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let (mut stored, mut others) = (None, Vec::new());
    for row in found {
        let snapshot: Snapshot = from_json(row.snapshot.as_bytes(), "purchases", &row.chain)?;
        let is_it = row.app == app && row.chain == chain;
        let key = ChainKey {
            store: store(&row.store)?,
            environment: wanted.chain.environment,
            id: row.chain,
        };
        if !is_it {
            others.push((key, snapshot));
            continue;
        }
        let terms: Terms<'_> = from_json(row.terms.as_bytes(), "purchases", &key.id)?;
        let charges = transactions(pool, who, app, environment_id, &key.id).await?;
        let stored_chain = StoredChain {
            facts: terms.with(charges),
            snapshot,
            formers: from_json(row.formers.as_bytes(), "purchases", "formers")?,
        };
        stored = Some((key, stored_chain));
    }
    Ok(Loaded {
        customer: Some(customer),
        chain: stored,
        others,
    })
}

pub(crate) async fn named(pool: &PgPool, project: ProjectId, name: &str) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select customer from aliases where project = $1 and app_user_id = $2",
        project.uuid(),
        name
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)
}

pub(crate) async fn transactions(
    pool: &PgPool,
    customer: Uuid,
    app: Uuid,
    environment: &str,
    chain: &str,
) -> Result<BTreeMap<String, Transaction>> {
    let found = sqlx::query!(
        "select id, body from transactions where customer = $1 and app = $2 and environment = $3 and chain = $4",
        customer, app, environment, chain
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let body = from_json(row.body.as_bytes(), "transactions", &row.id)?;
            Ok((row.id, body))
        })
        .collect()
}

pub(crate) async fn known_keys(
    pool: &PgPool,
    customers: &[CustomerId],
    keys: &[String],
) -> Result<Vec<String>> {
    let customers: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    sqlx::query_scalar!(
        "select key from event_keys where customer = any($1) and key = any($2)",
        &customers,
        keys
    )
    .fetch_all(pool)
    .await
    .map_err(failed)
}

struct Row {
    id: Uuid,
    project: Uuid,
    app: Uuid,
    source: String,
    key: String,
    title: String,
    received_at: i64,
    body: Vec<u8>,
    parked: Option<String>,
    tries: i32,
    retry_at: Option<i64>,
    processed: Option<i64>,
}

impl Row {
    fn message(self) -> Result<InboxMessage> {
        let id = InboxId::new(self.id);
        Ok(InboxMessage {
            id,
            project: ProjectId::new(self.project),
            app: AppId::new(self.app),
            source: self.source,
            key: self.key,
            title: self.title,
            received_at: time(self.received_at, "inbox")?,
            body: unpack(&self.body, "inbox", id)?,
        })
    }

    fn parked(mut self) -> Result<Parked> {
        let lacks = |what| corrupt("inbox", self.id, format!("a parked message has no {what}"));
        let reason = self.parked.take().ok_or_else(|| lacks("reason"))?;
        let retry_at = time(self.retry_at.ok_or_else(|| lacks("time"))?, "inbox")?;
        Ok(Parked {
            reason,
            tries: count(self.tries),
            retry_at,
            message: self.message()?,
        })
    }
}

pub(crate) async fn due_parked(pool: &PgPool, now: Timestamp, limit: usize) -> Result<Vec<Parked>> {
    sqlx::query_as!(
        Row,
        "select * from inbox where parked is not null and retry_at <= $1 order by retry_at limit $2",
        micros(now), rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::parked)
    .collect()
}

pub(crate) async fn parked(
    pool: &PgPool,
    project: ProjectId,
    app: Option<AppId>,
    before: Option<InboxId>,
    limit: usize,
) -> Result<Vec<Parked>> {
    let (mut received_at, mut id) = (i64::MAX, Uuid::max());
    if let Some(before) = before {
        let found = sqlx::query_scalar!(
            "select received_at from inbox where id = $1 and project = $2",
            before.uuid(),
            project.uuid()
        )
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
        let Some(found) = found else {
            return Ok(Vec::new());
        };
        (received_at, id) = (found, before.uuid());
    }
    sqlx::query_as!(
        Row,
        "select * from inbox where parked is not null and project = $1 and ($2::uuid is null or app = $2) and (received_at, id) < ($3, $4)
         order by received_at desc, id desc limit $5",
        project.uuid(), app.map(AppId::uuid), received_at, id, rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::parked)
    .collect()
}

pub(crate) async fn count_parked(
    pool: &PgPool,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<ParkedCount>> {
    let first_answer = FIRST_ANSWER.as_secs() * 1_000_000;
    let counts = sqlx::query!(
        r#"select app, count(*) as "count!" from inbox where parked is not null and project = $1
           and (tries > 0 or retry_at <= $2 or retry_at - received_at > $3) group by app"#,
        project.uuid(),
        micros(now),
        first_answer
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(counts
        .into_iter()
        .map(|row| ParkedCount {
            app: AppId::new(row.app),
            count: unsigned(row.count),
        })
        .collect())
}

pub(crate) async fn unpark(
    pool: &PgPool,
    project: ProjectId,
    id: Option<InboxId>,
    now: Timestamp,
) -> Result<u64> {
    sqlx::query!(
        "update inbox set retry_at = $3 where project = $1 and parked is not null and ($2::uuid is null or id = $2)",
        project.uuid(),
        id.map(InboxId::uuid),
        micros(now)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}

pub(crate) async fn archive(
    pool: &PgPool,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, InboxMessage)>> {
    sqlx::query_as!(
        Row,
        "select * from inbox where project = $1 and processed > $2 order by processed limit $3",
        project.uuid(),
        signed(after),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|row| Ok((unsigned(row.processed.unwrap_or_default()), row.message()?)))
    .collect()
}

pub(crate) async fn seen(pool: &PgPool, id: InboxId) -> Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from inbox where id = $1 and parked is null) as "seen!""#,
        id.uuid()
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}

pub(crate) async fn inbox(pool: &PgPool, id: InboxId) -> Result<Option<InboxRecord>> {
    let row = sqlx::query_as!(Row, "select * from inbox where id = $1", id.uuid())
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    row.map(|mut row| {
        Ok(InboxRecord {
            parked: row.parked.take(),
            message: row.message()?,
        })
    })
    .transpose()
}

pub(crate) async fn due_checks(
    pool: &PgPool,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DueCheck>> {
    let due = sqlx::query!(
        r#"select project, app, environment, chain, customer, store, check_at as "check_at!" from purchases
           where check_at is not null and check_at <= $1 order by check_at limit $2"#,
        micros(now), rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    due.into_iter()
        .map(|row| {
            Ok(DueCheck {
                project: ProjectId::new(row.project),
                app: AppId::new(row.app),
                chain: ChainKey {
                    store: store(&row.store)?,
                    environment: environment(&row.environment, "purchases")?,
                    id: row.chain,
                },
                customer: CustomerId::new(row.customer),
                check_at: time(row.check_at, "purchases")?,
            })
        })
        .collect()
}

pub(crate) async fn postpone_check(pool: &PgPool, check: &DueCheck, at: Timestamp) -> Result<()> {
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
