//! Customers of a batch of commits, their names, and what passes from one to another.

use super::verdicts::Verdicts;
use crate::{Tx, batch::Stop, codec::signed};
use ledger::{Committed, CustomerWrite, PassingChain, codec::Prepared};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Raises the versions. Answers what a commit that is alone ends with, if it ends here.
pub(super) async fn write(
    tx: &mut Tx,
    verdicts: &mut Verdicts<'_>,
) -> Result<Option<Committed>, Stop> {
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for (number, work) in verdicts.going() {
        if let (Some(write), Some(body)) = (&work.commit.customer, &work.customer) {
            let row = Row {
                number,
                write,
                body,
                project: work.commit.project.uuid(),
            };
            if write.loaded_version.is_some() {
                known.push(row);
            } else {
                new.push(row);
            }
        }
    }
    if !known.is_empty() {
        raise(tx, verdicts, known).await?;
    }
    if !new.is_empty()
        && let Some(ended) = make(tx, verdicts, new).await?
    {
        return Ok(Some(ended));
    }
    name(tx, verdicts).await?;
    if let [work] = verdicts.works
        && verdicts.stopped[0].is_none()
        && work.commit.handover.is_some()
        && !hand_over(tx, work).await?
    {
        return Ok(Some(Committed::Conflict));
    }
    // A commit that is alone and ends here wrote nothing that is kept.
    Ok(match &mut verdicts.stopped[..] {
        [only] => only.take(),
        _ => None,
    })
}

/// A customer to write.
struct Row<'a> {
    /// Of its commit.
    number: usize,
    write: &'a CustomerWrite,
    body: &'a String,
    project: Uuid,
}

/// Raises the versions of those that are known.
async fn raise(
    tx: &mut Tx,
    verdicts: &mut Verdicts<'_>,
    mut known: Vec<Row<'_>>,
) -> Result<(), Stop> {
    // In the order of their ids, so that two nodes do not wait for each other.
    known.sort_by_key(|row| row.write.customer.id);
    let ids: Vec<Uuid> = known
        .iter()
        .map(|row| row.write.customer.id.uuid())
        .collect();
    let versions: Vec<i64> = known
        .iter()
        .map(|row| signed(row.write.loaded_version.unwrap_or_default()))
        .collect();
    let seqs: Vec<i64> = known.iter().map(|row| signed(row.write.seq)).collect();
    let bodies: Vec<String> = known.iter().map(|row| row.body.clone()).collect();
    let current: BTreeSet<Uuid> = sqlx::query_scalar!(
        "update customers c set version = c.version + 1, seq = n.seq, body = n.body
             from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) as n(id, version, seq, body)
             where c.id = n.id and c.version = n.version returning c.id",
        &ids, &versions, &seqs, &bodies
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    for row in &known {
        if !current.contains(&row.write.customer.id.uuid()) {
            verdicts.stopped[row.number] = Some(Committed::Conflict);
        }
    }
    Ok(())
}

/// Makes those that are new, each under the name that it was committed with. Answers what a commit ends with that cannot be undone alone.
async fn make(
    tx: &mut Tx,
    verdicts: &mut Verdicts<'_>,
    mut new: Vec<Row<'_>>,
) -> Result<Option<Committed>, Stop> {
    new.sort_by_key(|row| row.write.customer.id);
    let names: Vec<String> = new
        .iter()
        .map(|row| row.write.customer.app_user_id.clone())
        .collect();
    let ids: Vec<Uuid> = new.iter().map(|row| row.write.customer.id.uuid()).collect();
    let projects: Vec<Uuid> = new.iter().map(|row| row.project).collect();
    let named: BTreeSet<Uuid> = sqlx::query_scalar!(
        "insert into aliases (project, app_user_id, customer) select * from unnest($1::uuid[], $2::text[], $3::uuid[])
             on conflict do nothing returning customer",
        &projects, &names, &ids
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    new.retain(|row| {
        let is_new = named.contains(&row.write.customer.id.uuid());
        if !is_new {
            verdicts.stopped[row.number] = Some(Committed::Conflict);
        }
        is_new
    });
    let ids: Vec<Uuid> = new.iter().map(|row| row.write.customer.id.uuid()).collect();
    let projects: Vec<Uuid> = new.iter().map(|row| row.project).collect();
    let seqs: Vec<i64> = new.iter().map(|row| signed(row.write.seq)).collect();
    let bodies: Vec<String> = new.iter().map(|row| row.body.clone()).collect();
    let made = sqlx::query!(
        "insert into customers (id, project, version, seq, body)
             select id, project, 1, seq, body from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) as n(id, project, seq, body)
             on conflict do nothing",
        &ids, &projects, &seqs, &bodies
    )
    .execute(&mut **tx)
    .await?;
    if made.rows_affected() < ids.len() as u64 {
        return verdicts.undo(Committed::Conflict).map(Some);
    }
    Ok(None)
}

/// Writes all their other names.
async fn name(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut projects, mut names, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for (_, work) in verdicts.going() {
        if let Some(write) = &work.commit.customer {
            for alias in &write.customer.aliases {
                projects.push(work.commit.project.uuid());
                names.push(alias.clone());
                ids.push(write.customer.id.uuid());
            }
        }
    }
    if !names.is_empty() {
        sqlx::query!(
            "insert into aliases (project, app_user_id, customer) select * from unnest($1::uuid[], $2::text[], $3::uuid[]) on conflict do nothing",
            &projects, &names, &ids
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Moves purchases, and perhaps names, from one customer to another. `false` when the other changed meanwhile.
async fn hand_over(tx: &mut Tx, work: &Prepared) -> Result<bool, Stop> {
    let (Some(handover), Some(body), Some(write)) =
        (&work.commit.handover, &work.from, &work.commit.customer)
    else {
        return Ok(true);
    };
    let (from, to) = (handover.from.customer.id.uuid(), write.customer.id.uuid());
    let current = sqlx::query!(
        "update customers set version = version + 1, seq = $3, body = $4, merged_into = $5 where id = $1 and version = $2",
        from,
        handover.from.loaded_version.map(signed),
        signed(handover.from.seq),
        body,
        handover.absorbed.then_some(to)
    )
    .execute(&mut **tx)
    .await?;
    if current.rows_affected() == 0 {
        return Ok(false);
    }
    for chain in &handover.chains {
        pass(tx, &handover.from, to, chain).await?;
    }
    if handover.absorbed {
        sqlx::query!(
            "update aliases set customer = $2 where customer = $1",
            from,
            to
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "update customers set merged_into = $2 where merged_into = $1",
            from,
            to
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(true)
}

/// Moves one purchase with what belongs to it.
async fn pass(
    tx: &mut Tx,
    former: &CustomerWrite,
    to: Uuid,
    PassingChain { app, key: chain }: &PassingChain,
) -> Result<(), Stop> {
    let from = former.customer.id.uuid();
    let (app, environment) = (app.uuid(), chain.environment.id());
    sqlx::query!(
        "update chains set customer = $5 where customer = $1 and app = $2 and environment = $3 and chain = $4",
        from, app, environment, chain.id, to
    )
    .execute(&mut **tx)
    .await?;
    // Keys hold the customer, and a row does not change its key where tables are distributed: it is made anew.
    sqlx::query!(
        "with gone as (delete from transactions where customer = $1 and app = $2 and environment = $3 and chain = $4 returning *)
             insert into transactions (customer, app, environment, chain, id, body) select $5, app, environment, chain, id, body from gone",
        from, app, environment, chain.id, to
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "with gone as (delete from purchases where customer = $1 and app = $2 and environment = $3 and chain = $4 returning *)
             insert into purchases (customer, app, environment, chain, store, project, unlocking, snapshot, terms, formers, check_at)
             select $5, app, environment, chain, store, project, unlocking, snapshot, terms, (formers::jsonb || to_jsonb($6::text))::text, check_at from gone",
        from, app, environment, chain.id, to, former.customer.id.to_string()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
