//! What nodes tell each other: that something was written, and who does what has to be done once.

use crate::codec::failed;
use jiff::SignedDuration;
use ledger::Result;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

const CHANNEL: &str = "tidings";
/// At most so often, however much is written.
const BREATH: Duration = Duration::from_millis(100);
/// Before listening is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells and hears that something was written. Whoever hears nothing looks by himself, later.
#[derive(Debug, Clone)]
pub(crate) struct News {
    written: Arc<Notify>,
    heard: watch::Sender<u64>,
}

impl News {
    pub(crate) fn start(primary: watch::Receiver<PgConnectOptions>, hot: &PgPool) -> Self {
        let news = Self {
            written: Arc::default(),
            heard: watch::Sender::new(0),
        };
        // Both end with the ledger: the pool is closed, or nobody holds what they hold weakly.
        tokio::spawn(tell(news.alive(), hot.clone()));
        tokio::spawn(listen(primary, news.heard.clone()));
        news
    }

    /// Tells the other nodes, soon.
    pub(crate) fn spread(&self) {
        self.written.notify_one();
    }

    /// Gone with the ledger.
    pub(crate) fn alive(&self) -> std::sync::Weak<Notify> {
        Arc::downgrade(&self.written)
    }

    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }
}

async fn tell(written: std::sync::Weak<Notify>, pool: PgPool) {
    loop {
        let Some(notify) = written.upgrade() else {
            return;
        };
        notify.notified().await;
        drop(notify);
        // A statement of its own: it never holds up a transaction that writes.
        if let Err(error) = sqlx::query!("select pg_notify($1, '')", CHANNEL)
            .execute(&pool)
            .await
        {
            tracing::debug!(%error, "other nodes were not told; they look by themselves");
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn listen(mut primary: watch::Receiver<PgConnectOptions>, heard: watch::Sender<u64>) {
    loop {
        let options = primary.borrow_and_update().clone();
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        match PgListener::connect_with(&pool).await {
            Ok(mut listener) => {
                if listener.listen(CHANNEL).await.is_ok() {
                    loop {
                        tokio::select! {
                            told = listener.recv() => match told {
                                Ok(_) => heard.send_modify(|times| *times += 1),
                                Err(_) => break,
                            },
                            // Another server is the primary now.
                            Ok(()) = primary.changed() => break,
                        }
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "cannot listen; looking by the clock meanwhile"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes or keeps a lease, by the clock of the database. `false` while another holder's has not run out.
pub(crate) async fn hold(
    pool: &PgPool,
    name: &str,
    holder: Uuid,
    lasts: SignedDuration,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into leases (name, holder, until) values ($1, $2, now() + make_interval(secs => $3))
         on conflict (name) do update set holder = excluded.holder, until = excluded.until
         where leases.holder = excluded.holder or leases.until <= now()",
        name, holder, lasts.as_secs_f64()
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// Says that a node is there, by the clock of the database; answers how many are.
pub(crate) async fn attend(pool: &PgPool, node: Uuid, lasts: SignedDuration) -> Result<NonZeroU32> {
    sqlx::query!(
        "insert into nodes (id, seen) values ($1, now()) on conflict (id) do update set seen = excluded.seen",
        node
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    let others = sqlx::query_scalar!(
        r#"select count(*) as "count!" from nodes where id <> $1 and seen > now() - make_interval(secs => $2)"#,
        node,
        lasts.as_secs_f64()
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(NonZeroU32::MIN.saturating_add(u32::try_from(others).unwrap_or_default()))
}

/// A node is leaving; with it, those are forgotten that have not been seen for a day.
pub(crate) async fn leave(pool: &PgPool, node: Uuid) -> Result<()> {
    sqlx::query!(
        "delete from nodes where id = $1 or seen < now() - interval '1 day'",
        node
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}
