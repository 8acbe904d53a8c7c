//! Raw messages, and those that wait.

use super::{Fate, MemoryLedger, Message, State};
use async_trait::async_trait;
use domain::{AppId, InboxId, ProjectId};
use jiff::Timestamp;
use ledger::{Archived, Inbox, InboxMessage, InboxRecord, Origin, Parked, ParkedCount, Result};
use std::{cmp::Reverse, collections::BTreeMap};

#[async_trait]
impl Inbox for MemoryLedger {
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool> {
        Ok(self.state().park(message, reason, retry_at))
    }

    async fn due_parked(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<Parked>> {
        let state = self.state();
        let due = state.waiting.iter().take_while(|(at, _)| *at <= now);
        let due = due.filter_map(|(_, id)| state.messages.get(id)?.parked());
        let due = due.filter(|parked| !except.contains(&parked.message.app));
        Ok(due.take(limit).collect())
    }

    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>> {
        let state = self.state();
        let place = |message: &InboxMessage| (message.received_at, message.id);
        let mut all: Vec<_> = state.parked_of(project, app).collect();
        all.sort_by_key(|parked| Reverse(place(&parked.message)));
        if let Some(before) = before {
            let known = state.messages.get(&before).map(|known| &known.message);
            let known = known.filter(|known| known.project == project).map(place);
            all.retain(|parked| known.is_some_and(|known| place(&parked.message) < known));
        }
        all.truncate(limit);
        Ok(all)
    }

    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>> {
        let state = self.state();
        let mut counts = BTreeMap::new();
        for parked in state.parked_of(project, None) {
            if !parked.is_under_way(now) {
                *counts.entry(parked.message.app).or_default() += 1;
            }
        }
        let counts = counts.into_iter();
        Ok(counts
            .map(|(app, count)| ParkedCount { app, count })
            .collect())
    }

    async fn count_waiting_receipts(
        &self,
        app: AppId,
        before: Timestamp,
        most: u64,
    ) -> Result<u64> {
        let state = self.state();
        let sooner = state.waiting.iter().take_while(|(at, _)| *at < before);
        let receipts = sooner.filter(|(_, id)| {
            let known = state.messages.get(id).map(|known| &known.message);
            known.is_some_and(|known| known.app == app && known.origin == Origin::Receipt)
        });
        Ok(most.min(receipts.count() as u64))
    }

    async fn unpark(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        id: Option<InboxId>,
        now: Timestamp,
    ) -> Result<u64> {
        let mut state = self.state();
        let mut found: Vec<_> = state.parked_of(project, app).collect();
        found.retain(|parked| id.is_none_or(|id| parked.message.id == id));
        for parked in &found {
            state.retry(parked, now);
        }
        Ok(found.len() as u64)
    }

    async fn archive(&self, project: ProjectId, after: u64, limit: usize) -> Result<Vec<Archived>> {
        let state = self.state();
        let later = state.archived(project, after);
        Ok(later.take(limit).collect())
    }

    async fn processed(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Archived>> {
        let state = self.state();
        let all = state.archived(project, 0).rev();
        let earlier = all.filter(|known| before.is_none_or(|before| known.position < before));
        Ok(earlier.take(limit).collect())
    }

    async fn seen(&self, id: InboxId) -> Result<bool> {
        let state = self.state();
        let known = state.messages.get(&id);
        Ok(known.is_some_and(|known| matches!(known.fate, Fate::Processed)))
    }

    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>> {
        let state = self.state();
        Ok(state.messages.get(&id).map(|known| InboxRecord {
            message: known.message.clone(),
            parked: known.parked().map(|parked| parked.reason),
        }))
    }
}

impl Message {
    /// As one that waits, if it does.
    fn parked(&self) -> Option<Parked> {
        match &self.fate {
            Fate::Processed => None,
            Fate::Waits {
                reason,
                tries,
                retry_at,
            } => Some(Parked {
                message: self.message.clone(),
                reason: reason.clone(),
                tries: *tries,
                retry_at: *retry_at,
            }),
        }
    }
}

impl State {
    fn park(&mut self, message: InboxMessage, reason: String, retry_at: Timestamp) -> bool {
        let id = message.id;
        let known = self.messages.get(&id).map(|known| &known.fate);
        let tries = match known {
            Some(Fate::Processed) => return false,
            Some(Fate::Waits {
                tries, retry_at, ..
            }) => {
                self.waiting.remove(&(*retry_at, id));
                tries + 1
            }
            None => 0,
        };
        self.waiting.insert((retry_at, id));
        let fate = Fate::Waits {
            reason,
            tries,
            retry_at,
        };
        let first = Message { message, fate };
        match self.messages.get_mut(&id) {
            // It stays as it first came.
            Some(known) => known.fate = first.fate,
            None => {
                self.messages.insert(id, first);
            }
        }
        true
    }

    fn parked_of(&self, project: ProjectId, app: Option<AppId>) -> impl Iterator<Item = Parked> {
        let waiting = self.waiting.iter();
        let all = waiting.filter_map(|(_, id)| self.messages.get(id)?.parked());
        let is_of = move |message: &InboxMessage| {
            message.project == project && app.is_none_or(|app| message.app == app)
        };
        all.filter(move |parked| is_of(&parked.message))
    }

    /// Has a message that waits tried at another time.
    fn retry(&mut self, parked: &Parked, at: Timestamp) {
        let id = parked.message.id;
        self.waiting.remove(&(parked.retry_at, id));
        self.waiting.insert((at, id));
        let known = self.messages.get_mut(&id).map(|known| &mut known.fate);
        if let Some(Fate::Waits { retry_at, .. }) = known {
            *retry_at = at;
        }
    }

    /// Messages that were processed after a place of the archive.
    fn archived(
        &self,
        project: ProjectId,
        after: u64,
    ) -> impl DoubleEndedIterator<Item = Archived> {
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let later = self.archive.iter().enumerate().skip(from);
        later.filter_map(move |(index, id)| {
            let message = &self.messages.get(id)?.message;
            (message.project == project).then(|| Archived {
                position: index as u64 + 1,
                message: message.clone(),
            })
        })
    }
}
