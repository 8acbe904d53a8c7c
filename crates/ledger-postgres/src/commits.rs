//! Messages, state, events and deliveries: many commits, one transaction.

use crate::{
    batch::{Stop, Work},
    codec::{failed, micros, signed},
    deliveries,
};
use domain::{DeliveryId, fact::TransactionKind};
use ledger::{Committed, LedgerError, Result, codec::Prepared};
use sqlx::{PgPool, Postgres, Transaction};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use uuid::Uuid;

type Tx = Transaction<'static, Postgres>;

impl Work for Prepared {
    type Outcome = Committed;
    fn touches(&self) -> Vec<Uuid> {
        let commit = &self.commit;
        let named = |namespace: Uuid, name: &str| Uuid::new_v5(&namespace, name.as_bytes());
        let mut all: Vec<Uuid> = commit
            .inbox
            .iter()
            .map(|message| message.id.uuid())
            .collect();
        if let Some(write) = &commit.customer {
            all.push(write.customer.id.uuid());
            let names = std::iter::once(&write.customer.app_user_id).chain(&write.customer.aliases);
            all.extend(names.map(|name| named(commit.project.uuid(), name)));
        }
        all.extend(
            commit
                .handover
                .iter()
                .map(|handover| handover.from.customer.id.uuid()),
        );
        if let Some(chain) = &commit.chain {
            let links = std::iter::once(&chain.key.id).chain(&chain.links);
            let app = named(chain.app.uuid(), chain.key.environment.id());
            all.extend(links.map(|link| named(app, link)));
        }
        all.extend(commit.events.iter().map(|new| new.event.id.uuid()));
        all
    }
}

/// What becomes of each commit of a batch.
struct Verdicts<'a> {
    works: &'a [Prepared],
    stopped: Vec<Option<Committed>>,
}

impl<'a> Verdicts<'a> {
    /// Those that are still to be written.
    fn going(&self) -> impl Iterator<Item = (usize, &'a Prepared)> {
        let stopped: Vec<bool> = self.stopped.iter().map(Option::is_some).collect();
        let works = self.works.iter().enumerate();
        works.filter(move |(number, _)| !stopped[*number])
    }

    /// Ends one that has written something already: alone it is undone and answered, among others all are done apart.
    fn undo(&self, verdict: Committed) -> Result<Committed, Stop> {
        if self.works.len() == 1 {
            Ok(verdict)
        } else {
            Err(Stop::Apart)
        }
    }
}

/// Deliveries that wait for one outside their commit, and what each commit has ready.
struct Queued {
    ready: Vec<Vec<DeliveryId>>,
    waiting: Vec<deliveries::Waiting>,
}

/// Writes a batch, durably.
pub(crate) async fn write(
    pool: &PgPool,
    node: i16,
    works: Arc<Vec<Prepared>>,
) -> Result<Vec<Committed>, Stop> {
    let has_handover = works.iter().any(|work| work.commit.handover.is_some());
    if works.len() > 1 && has_handover {
        return Err(Stop::Apart);
    }
    let mut tx = pool.begin().await?;
    let mut verdicts = Verdicts {
        works: &works,
        stopped: works.iter().map(|_| None).collect(),
    };
    duplicates(&mut tx, &mut verdicts).await?;
    if let Some(stopped) = customers(&mut tx, &mut verdicts).await? {
        tx.rollback().await?;
        return Ok(vec![stopped]);
    }
    let mut stopped = inbox(&mut tx, &verdicts).await?;
    if stopped.is_none() {
        stopped = chains(&mut tx, &verdicts).await?;
    }
    if let Some(stopped) = stopped {
        tx.rollback().await?;
        return Ok(vec![stopped]);
    }
    purchases(&mut tx, &verdicts).await?;
    events(&mut tx, node, &verdicts).await?;
    let mut queued = deliveries(&mut tx, &verdicts).await?;
    tx.commit().await?;
    // What a delivery waits for may have been settled while this was written: then neither saw the other.
    let released = deliveries::release_late(pool, &queued.waiting).await?;
    for (number, work) in works.iter().enumerate() {
        let own = work.commit.deliveries.iter().map(|delivery| delivery.id);
        queued.ready[number].extend(own.filter(|id| released.contains(&id.uuid())));
    }
    let stopped = std::mem::take(&mut verdicts.stopped);
    Ok(stopped
        .into_iter()
        .zip(queued.ready)
        .map(|(stopped, ready)| stopped.unwrap_or(Committed::Done { ready }))
        .collect())
}

async fn duplicates(tx: &mut Tx, verdicts: &mut Verdicts<'_>) -> Result<(), Stop> {
    let ids: Vec<Uuid> = verdicts
        .works
        .iter()
        .filter_map(|work| Some(work.commit.inbox.as_ref()?.id.uuid()))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<Uuid> = sqlx::query_scalar!(
        "select id from inbox where id = any($1) and parked is null",
        &ids
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    for (number, work) in verdicts.works.iter().enumerate() {
        let message = work.commit.inbox.as_ref();
        if message.is_some_and(|message| known.contains(&message.id.uuid())) {
            verdicts.stopped[number] = Some(Committed::Duplicate);
        }
    }
    Ok(())
}

/// Raises the versions. Answers what a commit that is alone ends with, if it ends here.
async fn customers(tx: &mut Tx, verdicts: &mut Verdicts<'_>) -> Result<Option<Committed>, Stop> {
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for (number, work) in verdicts.going() {
        if let (Some(write), Some(body)) = (&work.commit.customer, &work.customer) {
            let row = (number, write, body, work.commit.project.uuid());
            if write.loaded_version.is_some() {
                known.push(row);
            } else {
                new.push(row);
            }
        }
    }
    if !known.is_empty() {
        // In the order of their ids, so that two nodes do not wait for each other.
        known.sort_by_key(|(_, write, ..)| write.customer.id);
        let ids: Vec<Uuid> = known.iter().map(|row| row.1.customer.id.uuid()).collect();
        let versions: Vec<i64> = known
            .iter()
            .map(|row| signed(row.1.loaded_version.unwrap_or_default()))
            .collect();
        let seqs: Vec<i64> = known.iter().map(|row| signed(row.1.seq)).collect();
        let bodies: Vec<String> = known.iter().map(|row| row.2.clone()).collect();
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
        for (number, write, ..) in &known {
            if !current.contains(&write.customer.id.uuid()) {
                verdicts.stopped[*number] = Some(Committed::Conflict);
            }
        }
    }
    if !new.is_empty() {
        new.sort_by_key(|(_, write, ..)| write.customer.id);
        let names: Vec<String> = new
            .iter()
            .map(|row| row.1.customer.app_user_id.clone())
            .collect();
        let ids: Vec<Uuid> = new.iter().map(|row| row.1.customer.id.uuid()).collect();
        let projects: Vec<Uuid> = new.iter().map(|row| row.3).collect();
        let named: BTreeSet<Uuid> = sqlx::query_scalar!(
            "insert into aliases (project, app_user_id, customer) select * from unnest($1::uuid[], $2::text[], $3::uuid[])
             on conflict do nothing returning customer",
            &projects, &names, &ids
        )
        .fetch_all(&mut **tx)
        .await?
        .into_iter()
        .collect();
        new.retain(|(number, write, ..)| {
            let is_new = named.contains(&write.customer.id.uuid());
            if !is_new {
                verdicts.stopped[*number] = Some(Committed::Conflict);
            }
            is_new
        });
        let ids: Vec<Uuid> = new.iter().map(|row| row.1.customer.id.uuid()).collect();
        let projects: Vec<Uuid> = new.iter().map(|row| row.3).collect();
        let seqs: Vec<i64> = new.iter().map(|row| signed(row.1.seq)).collect();
        let bodies: Vec<String> = new.iter().map(|row| row.2.clone()).collect();
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
    }
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
    for (app, chain) in &handover.chains {
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
            from, app, environment, chain.id, to, handover.from.customer.id.to_string()
        )
        .execute(&mut **tx)
        .await?;
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

async fn inbox(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<Option<Committed>, Stop> {
    let (mut ids, mut projects, mut apps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sources, mut keys, mut titles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut received, mut bodies) = (Vec::new(), Vec::new());
    for (_, work) in verdicts.going() {
        if let (Some(message), Some(body)) = (&work.commit.inbox, &work.inbox_body) {
            ids.push(message.id.uuid());
            projects.push(message.project.uuid());
            apps.push(message.app.uuid());
            sources.push(message.source.clone());
            keys.push(message.key.clone());
            titles.push(message.title.clone());
            received.push(micros(message.received_at));
            bodies.push(body.clone());
        }
    }
    if ids.is_empty() {
        return Ok(None);
    }
    // A parked message may be processed later; one that was processed meanwhile is a duplicate.
    let written = sqlx::query!(
        "insert into inbox (id, project, app, source, key, title, received_at, body, processed)
         select *, nextval('inbox_processed') from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[])
         on conflict (id) do update set parked = null, retry_at = null, processed = excluded.processed where inbox.parked is not null",
        &ids, &projects, &apps, &sources, &keys, &titles, &received, &bodies
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() < ids.len() as u64 {
        return verdicts.undo(Committed::Duplicate).map(Some);
    }
    Ok(None)
}

async fn chains(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<Option<Committed>, Stop> {
    let (mut apps, mut environments, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let (mut stored, mut owners) = (Vec::new(), Vec::new());
    for (_, work) in verdicts.going() {
        if let (Some(write), Some(chain)) = (&work.commit.customer, &work.commit.chain) {
            let links: BTreeSet<&String> =
                std::iter::once(&chain.key.id).chain(&chain.links).collect();
            for link in links {
                apps.push(chain.app.uuid());
                environments.push(chain.key.environment.id().to_owned());
                ids.push(link.clone());
                stored.push(chain.key.id.clone());
                owners.push(write.customer.id.uuid());
            }
        }
    }
    if ids.is_empty() {
        return Ok(None);
    }
    let made = sqlx::query!(
        "insert into chains (app, environment, id, chain, customer) select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
         on conflict do nothing",
        &apps, &environments, &ids, &stored, &owners
    )
    .execute(&mut **tx)
    .await?;
    if made.rows_affected() == ids.len() as u64 {
        return Ok(None);
    }
    // A link may lead to an older chain that somebody else owns; the chain itself may not.
    let taken = sqlx::query_scalar!(
        r#"select exists (select 1 from chains c join unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[]) as n(app, environment, id, chain, customer)
           on c.app = n.app and c.environment = n.environment and c.id = n.id where n.id = n.chain and c.customer <> n.customer) as "taken!""#,
        &apps, &environments, &ids, &stored, &owners
    )
    .fetch_one(&mut **tx)
    .await?;
    if taken {
        return verdicts.undo(Committed::Conflict).map(Some);
    }
    Ok(None)
}

async fn purchases(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut customers, mut apps, mut environments, mut chains) = (vec![], vec![], vec![], vec![]);
    let (mut stores, mut projects, mut unlocking) = (vec![], vec![], vec![]);
    let (mut snapshots, mut terms, mut checks) = (vec![], vec![], Vec::<Option<i64>>::new());
    let (mut owners, mut of_apps, mut of_environments, mut of_chains) =
        (vec![], vec![], vec![], vec![]);
    let (mut ids, mut bodies) = (vec![], vec![]);
    for (_, work) in verdicts.going() {
        let (Some(write), Some(chain), Some((snapshot, chain_terms))) =
            (&work.commit.customer, &work.commit.chain, &work.snapshot)
        else {
            continue;
        };
        let (customer, app) = (write.customer.id.uuid(), chain.app.uuid());
        let environment = chain.key.environment.id();
        customers.push(customer);
        apps.push(app);
        environments.push(environment.to_owned());
        chains.push(chain.key.id.clone());
        stores.push(chain.key.store.id().to_owned());
        projects.push(work.commit.project.uuid());
        unlocking.push(chain.snapshot.kind != TransactionKind::Consumable);
        snapshots.push(snapshot.clone());
        terms.push(chain_terms.clone());
        checks.push(chain.check_at.map(micros));
        for (id, body) in &work.transactions {
            owners.push(customer);
            of_apps.push(app);
            of_environments.push(environment.to_owned());
            of_chains.push(chain.key.id.clone());
            ids.push(id.clone());
            bodies.push(body.clone());
        }
    }
    if customers.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into purchases (customer, app, environment, chain, store, project, unlocking, snapshot, terms, check_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::boolean[], $8::text[], $9::text[], $10::bigint[])
         on conflict (customer, app, environment, chain)
         do update set snapshot = excluded.snapshot, terms = excluded.terms, check_at = excluded.check_at, unlocking = excluded.unlocking",
        &customers, &apps, &environments, &chains, &stores, &projects, &unlocking, &snapshots, &terms, &checks as _
    )
    .execute(&mut **tx)
    .await?;
    if !ids.is_empty() {
        sqlx::query!(
            "insert into transactions (customer, app, environment, chain, id, body)
             select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
             on conflict (customer, app, environment, chain, id) do update set body = excluded.body",
            &owners, &of_apps, &of_environments, &of_chains, &ids, &bodies
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn events(tx: &mut Tx, node: i16, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut customers, mut ids, mut projects, mut keys) = (vec![], vec![], vec![], vec![]);
    let (mut kinds, mut recorded, mut bodies, mut not_sent) = (vec![], vec![], vec![], vec![]);
    let (mut apps, mut environments) = (Vec::<Option<Uuid>>::new(), vec![]);
    let mut tallies: BTreeMap<(Uuid, i64, &str, &str), (i64, i64)> = BTreeMap::new();
    for (_, work) in verdicts.going() {
        for (new, (body, refused)) in work.commit.events.iter().zip(&work.events) {
            let event = &new.event;
            customers.push(event.customer.id.uuid());
            ids.push(event.id.uuid());
            projects.push(event.project.uuid());
            keys.push(event.key.clone());
            kinds.push(event.kind.id().to_owned());
            recorded.push(micros(event.recorded_at));
            bodies.push(body.clone());
            not_sent.push(refused.clone());
            apps.push(event.app.as_ref().map(|app| app.id.uuid()));
            environments.push(event.environment.id().to_owned());
            let hour = event.recorded_at.as_second() / 3600;
            let of = (
                event.project.uuid(),
                hour,
                event.environment.id(),
                event.kind.id(),
            );
            let tally = tallies.entry(of).or_default();
            tally.0 += 1;
            tally.1 += event.revenue_usd_micros();
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into event_keys (customer, key) select * from unnest($1::uuid[], $2::text[])",
        &customers,
        &keys
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into events (customer, id, project, key, kind, recorded_at, body, not_sent)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[])",
        &customers, &ids, &projects, &keys, &kinds, &recorded, &bodies, &not_sent
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into feed_queue (event, customer, project, kind, app, environment, recorded_at)
         select event, customer, project, kind, app, environment, recorded_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[])
         with ordinality as n(event, customer, project, kind, app, environment, recorded_at, number) order by number",
        &ids, &customers, &projects, &kinds, &apps as _, &environments, &recorded
    )
    .execute(&mut **tx)
    .await?;
    let (mut projects, mut hours, mut environments, mut kinds) = (vec![], vec![], vec![], vec![]);
    let (mut counts, mut money) = (vec![], vec![]);
    for ((project, hour, environment, kind), (count, usd_micros)) in tallies {
        projects.push(project);
        hours.push(hour);
        environments.push(environment.to_owned());
        kinds.push(kind.to_owned());
        counts.push(count);
        money.push(usd_micros);
    }
    sqlx::query!(
        "insert into tallies (project, hour, environment, kind, node, count, usd_micros)
         select project, hour, environment, kind, $7, count, usd_micros
         from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as n(project, hour, environment, kind, count, usd_micros)
         on conflict (project, hour, environment, kind, node)
         do update set count = tallies.count + excluded.count, usd_micros = tallies.usd_micros + excluded.usd_micros",
        &projects, &hours, &environments, &kinds, &counts, &money, node
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn deliveries(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<Queued, Stop> {
    let mut queued = Queued {
        ready: verdicts.works.iter().map(|_| Vec::new()).collect(),
        waiting: Vec::new(),
    };
    // A customer that is new has nothing that could be waited for.
    let ordered: BTreeSet<Uuid> = verdicts
        .going()
        .filter(|(_, work)| {
            let write = work.commit.customer.as_ref();
            work.commit.handover.is_some()
                || write.is_none_or(|write| write.loaded_version.is_some())
        })
        .flat_map(|(_, work)| &work.commit.deliveries)
        .filter(|delivery| delivery.waits_until.is_some())
        .map(|delivery| delivery.customer.uuid())
        .collect();
    let mut last = deliveries::open(tx, &ordered.into_iter().collect::<Vec<_>>())
        .await
        .map_err(failed)?;
    let mut rows = deliveries::Rows::default();
    let mut outside = BTreeSet::new();
    outside.extend(last.values().copied());
    for (number, work) in verdicts.going() {
        let seqs: BTreeMap<_, _> = work
            .commit
            .events
            .iter()
            .map(|new| (new.event.id, new.event.customer_seq))
            .collect();
        for (delivery, message) in work.commit.deliveries.iter().zip(&work.messages) {
            let seq = seqs.get(&delivery.event).ok_or_else(|| {
                let problem = format!("delivery {} is of no event of its commit", delivery.id);
                LedgerError::Refused(problem)
            })?;
            let line = (delivery.customer.uuid(), delivery.integration.uuid());
            let waits = delivery
                .waits_until
                .and_then(|until| Some((*last.get(&line)?, until)));
            if delivery.waits_until.is_some() {
                last.insert(line, delivery.id.uuid());
            }
            match waits {
                None => queued.ready[number].push(delivery.id),
                Some((before, _)) if outside.contains(&before) => {
                    queued.waiting.push(deliveries::Waiting {
                        customer: delivery.customer.uuid(),
                        id: delivery.id.uuid(),
                        before,
                        until: micros(delivery.due_at),
                    });
                }
                Some(_) => {}
            }
            let due_at = waits.map_or(delivery.due_at, |(_, until)| until);
            rows.push(
                delivery,
                message.clone(),
                *seq,
                due_at,
                waits.map(|(before, _)| before),
            );
        }
    }
    rows.insert(tx).await.map_err(failed)?;
    Ok(queued)
}

/// Kept so that a message that cannot be understood yet is not lost.
pub(crate) async fn park(
    pool: &PgPool,
    message: &ledger::InboxMessage,
    reason: &str,
    retry_at: jiff::Timestamp,
) -> Result<bool> {
    let body = ledger::codec::pack(&message.body);
    sqlx::query!(
        "insert into inbox (id, project, app, source, key, title, received_at, body, parked, retry_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update set parked = excluded.parked, retry_at = excluded.retry_at, tries = inbox.tries + 1 where inbox.parked is not null",
        message.id.uuid(), message.project.uuid(), message.app.uuid(), message.source, message.key, message.title,
        micros(message.received_at), body, reason, micros(retry_at)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected() > 0)
    .map_err(failed)
}
