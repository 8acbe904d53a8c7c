//! Chains and purchases of a batch of commits.

use super::verdicts::Verdicts;
use crate::{Tx, batch::Stop, codec::micros};
use domain::fact::TransactionKind;
use ledger::Committed;
use std::collections::BTreeSet;

pub(super) async fn chains(
    tx: &mut Tx,
    verdicts: &Verdicts<'_>,
) -> Result<Option<Committed>, Stop> {
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

pub(super) async fn write(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut customers, mut apps, mut environments, mut chains) = (vec![], vec![], vec![], vec![]);
    let (mut stores, mut projects, mut unlocking) = (vec![], vec![], vec![]);
    let (mut snapshots, mut terms, mut checks) = (vec![], vec![], Vec::<Option<i64>>::new());
    let (mut owners, mut of_apps, mut of_environments, mut of_chains) =
        (vec![], vec![], vec![], vec![]);
    let (mut ids, mut bodies) = (vec![], vec![]);
    for (_, work) in verdicts.going() {
        let (Some(write), Some(chain), Some(texts)) =
            (&work.commit.customer, &work.commit.chain, &work.chain)
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
        snapshots.push(texts.snapshot.clone());
        terms.push(texts.terms.clone());
        checks.push(chain.check_at.map(micros));
        for transaction in &texts.transactions {
            owners.push(customer);
            of_apps.push(app);
            of_environments.push(environment.to_owned());
            of_chains.push(chain.key.id.clone());
            ids.push(transaction.id.clone());
            bodies.push(transaction.body.clone());
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
