//! What nodes tell each other: that something was written, and who does what has to be done once.

use crate::codec::failed;
use jiff::SignedDuration;
use ledger::Result;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use std::{sync::Arc, time::Duration};
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
    pub(crate) fn start(options: &PgConnectOptions, hot: &PgPool) -> Self {
        let news = Self {
            written: Arc::default(),
            heard: watch::Sender::new(0),
        };
        // Both end with the ledger: the pool is closed, or nobody holds what they hold weakly.
        tokio::spawn(tell(Arc::downgrade(&news.written), hot.clone()));
        tokio::spawn(listen(options.clone(), news.heard.clone()));
        news
    }

    /// Tells the other nodes, soon.
    pub(crate) fn spread(&self) {
        self.written.notify_one();
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

async fn listen(options: PgConnectOptions, heard: watch::Sender<u64>) {
    loop {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options.clone());
        match PgListener::connect_with(&pool).await {
            Ok(mut listener) => {
                if listener.listen(CHANNEL).await.is_ok() {
                    while listener.recv().await.is_ok() {
                        heard.send_modify(|times| *times += 1);
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
