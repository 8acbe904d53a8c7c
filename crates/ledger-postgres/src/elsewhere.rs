//! References to what may lie on another machine, where tables are divided: such tables cannot be joined, so rows are read page by page, and what they refer
//! to is looked up. Each statement reads one divided table, and has a shape that is taken there (`tests/shapes.rs`).
//!
//! No snapshot spans machines: what seems to refer to nothing is looked at once more, and counts where it does so twice.

use crate::codec::failed;
use ledger::Result;
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Rows read at once.
const PAGE: i64 = 2_000;

/// Rows of one table, each with what it refers to.
trait Referring {
    /// What a row is known by: pages are in its order.
    type Key: Ord + Clone + Send;
    /// What a row of the other table is known by.
    type To: Ord + Clone + Send + Sync;
    /// Less than every key.
    fn before_all() -> Self::Key;
    /// The rows after a key, at most [`PAGE`].
    async fn page(pool: &PgPool, after: &Self::Key) -> sqlx::Result<Vec<(Self::Key, Self::To)>>;
    /// Which of these there are.
    async fn there(pool: &PgPool, wanted: Vec<Self::To>) -> sqlx::Result<Vec<Self::To>>;
}

/// Every reference of this kind: the table, the other one, and how many rows of the first refer to nothing in it.
pub(crate) async fn dangling(pool: &PgPool) -> Result<Vec<(&'static str, &'static str, usize)>> {
    Ok(vec![
        ("purchases", "chains", count::<PurchaseChain>(pool).await?),
        ("chains", "customers", count::<ChainOwner>(pool).await?),
        ("aliases", "customers", count::<AliasOwner>(pool).await?),
        ("feed", "events", count::<FeedEvent>(pool).await?),
        ("feed_queue", "events", count::<QueuedEvent>(pool).await?),
    ])
}

async fn count<R: Referring>(pool: &PgPool) -> Result<usize> {
    let (mut after, mut counted) = (R::before_all(), 0);
    loop {
        let rows = R::page(pool, &after).await.map_err(failed)?;
        let Some((last, _)) = rows.last().cloned() else {
            return Ok(counted);
        };
        let nowhere = nowhere::<R>(pool, rows).await.map_err(failed)?;
        if !nowhere.is_empty() {
            let rows = R::page(pool, &after).await.map_err(failed)?;
            let again = self::nowhere::<R>(pool, rows).await.map_err(failed)?;
            counted += nowhere.intersection(&again).count();
        }
        after = last;
    }
}

/// The keys of those that refer to nothing.
async fn nowhere<R: Referring>(
    pool: &PgPool,
    rows: Vec<(R::Key, R::To)>,
) -> sqlx::Result<BTreeSet<R::Key>> {
    let wanted: BTreeSet<R::To> = rows.iter().map(|(_, to)| to.clone()).collect();
    let there = R::there(pool, wanted.into_iter().collect()).await?;
    let there: BTreeSet<R::To> = there.into_iter().collect();
    let rows = rows.into_iter();
    Ok(rows
        .filter(|(_, to)| !there.contains(to))
        .map(|(key, _)| key)
        .collect())
}

/// An app, an environment, and the id of a chain.
type Chain = (Uuid, String, String);

/// A purchase has a chain that leads to it.
struct PurchaseChain;

impl Referring for PurchaseChain {
    type Key = (Uuid, Uuid, String, String);
    type To = Chain;
    fn before_all() -> Self::Key {
        (Uuid::nil(), Uuid::nil(), String::new(), String::new())
    }
    async fn page(pool: &PgPool, after: &Self::Key) -> sqlx::Result<Vec<(Self::Key, Chain)>> {
        let (customer, app, environment, chain) = after;
        let rows = sqlx::query!(
            "select customer, app, environment, chain from purchases where (customer, app, environment, chain) > ($1, $2, $3, $4)
             order by customer, app, environment, chain limit $5",
            customer,
            app,
            environment,
            chain,
            PAGE
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| {
                let to = (row.app, row.environment, row.chain);
                ((row.customer, to.0, to.1.clone(), to.2.clone()), to)
            })
            .collect())
    }
    async fn there(pool: &PgPool, wanted: Vec<Chain>) -> sqlx::Result<Vec<Chain>> {
        let (mut apps, mut environments, mut chains) = (Vec::new(), Vec::new(), Vec::new());
        for (app, environment, chain) in wanted {
            apps.push(app);
            environments.push(environment);
            chains.push(chain);
        }
        let rows = sqlx::query!(
            "select c.app, c.environment, c.chain from unnest($1::uuid[], $2::text[], $3::text[]) as n(app, environment, chain)
             join chains c on c.app = n.app and c.environment = n.environment and c.chain = n.chain",
            &apps,
            &environments,
            &chains
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| (row.app, row.environment, row.chain))
            .collect())
    }
}

/// Which of these customers there are.
async fn customers(pool: &PgPool, wanted: Vec<Uuid>) -> sqlx::Result<Vec<Uuid>> {
    let there = sqlx::query_scalar!("select id from customers where id = any($1)", &wanted);
    there.fetch_all(pool).await
}

/// A chain has an owner.
struct ChainOwner;

impl Referring for ChainOwner {
    type Key = Chain;
    type To = Uuid;
    fn before_all() -> Chain {
        (Uuid::nil(), String::new(), String::new())
    }
    async fn page(pool: &PgPool, after: &Chain) -> sqlx::Result<Vec<(Chain, Uuid)>> {
        let (app, environment, id) = after;
        let rows = sqlx::query!(
            "select app, environment, id, customer from chains where (app, environment, id) > ($1, $2, $3) order by app, environment, id limit $4",
            app,
            environment,
            id,
            PAGE
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| ((row.app, row.environment, row.id), row.customer))
            .collect())
    }
    async fn there(pool: &PgPool, wanted: Vec<Uuid>) -> sqlx::Result<Vec<Uuid>> {
        customers(pool, wanted).await
    }
}

/// A name is somebody's.
struct AliasOwner;

impl Referring for AliasOwner {
    type Key = (Uuid, String);
    type To = Uuid;
    fn before_all() -> Self::Key {
        (Uuid::nil(), String::new())
    }
    async fn page(pool: &PgPool, after: &Self::Key) -> sqlx::Result<Vec<(Self::Key, Uuid)>> {
        let (project, name) = after;
        let rows = sqlx::query!(
            "select project, app_user_id, customer from aliases where (project, app_user_id) > ($1, $2) order by project, app_user_id limit $3",
            project,
            name,
            PAGE
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| ((row.project, row.app_user_id), row.customer))
            .collect())
    }
    async fn there(pool: &PgPool, wanted: Vec<Uuid>) -> sqlx::Result<Vec<Uuid>> {
        customers(pool, wanted).await
    }
}

/// A customer, and an event of it.
type Told = (Uuid, Uuid);

/// Which of these events there are.
async fn events(pool: &PgPool, wanted: Vec<Told>) -> sqlx::Result<Vec<Told>> {
    let (customers, events): (Vec<Uuid>, Vec<Uuid>) = wanted.into_iter().unzip();
    let rows = sqlx::query!(
        "select e.customer, e.id from unnest($1::uuid[], $2::uuid[]) as n(customer, id)
         join events e on e.customer = n.customer and e.id = n.id",
        &customers,
        &events
    );
    let rows = rows.fetch_all(pool).await?.into_iter();
    Ok(rows.map(|row| (row.customer, row.id)).collect())
}

/// A place in the feed is that of an event.
struct FeedEvent;

impl Referring for FeedEvent {
    type Key = i64;
    type To = Told;
    fn before_all() -> i64 {
        i64::MIN
    }
    async fn page(pool: &PgPool, after: &i64) -> sqlx::Result<Vec<(i64, Told)>> {
        let rows = sqlx::query!(
            "select position, customer, event from feed where position > $1 order by position limit $2",
            after,
            PAGE
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| (row.position, (row.customer, row.event)))
            .collect())
    }
    async fn there(pool: &PgPool, wanted: Vec<Told>) -> sqlx::Result<Vec<Told>> {
        events(pool, wanted).await
    }
}

/// What waits for its place is one, too.
struct QueuedEvent;

impl Referring for QueuedEvent {
    type Key = i64;
    type To = Told;
    fn before_all() -> i64 {
        i64::MIN
    }
    async fn page(pool: &PgPool, after: &i64) -> sqlx::Result<Vec<(i64, Told)>> {
        let rows = sqlx::query!(
            "select arrived, customer, event from feed_queue where arrived > $1 order by arrived limit $2",
            after,
            PAGE
        );
        let rows = rows.fetch_all(pool).await?.into_iter();
        Ok(rows
            .map(|row| (row.arrived, (row.customer, row.event)))
            .collect())
    }
    async fn there(pool: &PgPool, wanted: Vec<Told>) -> sqlx::Result<Vec<Told>> {
        events(pool, wanted).await
    }
}
