//! What nodes tell each other: that something was written.

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

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
