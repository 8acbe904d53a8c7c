//! The look after attempts were recorded: what another node wrote as waiting in the same moment was not seen, and did not see what is settled.
//!
//! Nothing of it makes what was recorded fail. What it leaves undone, [`line::mend`] finds.

use crate::{
    Layout,
    codec::failed,
    lease::{Following, Leased, hand_back, with_events},
    line::{self, Ended, Released, Waking},
};
use domain::{CustomerId, DeliveryId};
use jiff::Timestamp;
use ledger::{Result, Returned, codec::Stored};
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

/// Lines of which something was settled and nothing released yet, and lines of which something rests.
pub(crate) struct Look {
    pub(crate) ended: Ended,
    pub(crate) waking: Waking,
}

impl Look {
    /// Releases what is next, and wakes what waits. What is leased and not read in time is given back: nobody would send it.
    pub(crate) async fn look(
        mut self,
        pool: &PgPool,
        mut connection: PoolConnection<Postgres>,
        layout: Layout,
    ) -> Vec<Following> {
        let mut leased = Vec::new();
        let found = self.release(&mut connection, layout, &mut leased);
        match line::in_time(found).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "what is next after settled deliveries could not be released");
                // It may be in the midst of an answer.
                drop(connection);
                give_back(pool, leased).await;
                Vec::new()
            }
        }
    }

    async fn release(
        &mut self,
        on: &mut PgConnection,
        layout: Layout,
        leased: &mut Vec<(Returned, Timestamp)>,
    ) -> Result<Vec<Following>> {
        let late = self.ended.release(&mut *on, layout, Released::Any).await;
        let late = late.map_err(failed)?;
        for row in &late {
            leased.extend(self.returned(row)?);
        }
        self.ended.found(&late);
        let following = with_events(&mut *on, late).await?;
        self.waking.write(&mut *on).await.map_err(failed)?;
        self.ended.wake(&mut *on).await.map_err(failed)?;
        Ok(following)
    }

    /// A lease as it is given back, and when it was taken.
    fn returned(&self, row: &Leased) -> Result<Option<(Returned, Timestamp)>> {
        let of = Stored::new("deliveries", &row.id);
        let Some((now, until)) = row.before.and_then(|before| self.ended.lasts(before)) else {
            return Ok(None);
        };
        let returned = Returned {
            customer: CustomerId::new(row.customer),
            delivery: DeliveryId::new(row.id),
            attempts: of.number("attempts", row.attempts)?,
            until: of.time("due_at", until)?,
        };
        Ok(Some((returned, of.time("due_at", now)?)))
    }
}

async fn give_back(pool: &PgPool, leased: Vec<(Returned, Timestamp)>) {
    let Some(now) = leased.iter().map(|(_, at)| *at).max() else {
        return;
    };
    let leased: Vec<_> = leased.into_iter().map(|(lease, _)| lease).collect();
    if let Err(error) = line::in_time(hand_back(pool, &leased, now)).await {
        tracing::warn!(%error, "what was released after settled deliveries is leased to nobody until that runs out");
    }
}
