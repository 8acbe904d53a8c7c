//! Configuration as rows, rates and marks.

use super::{
    MemoryLedger, State, absent,
    rows::{Content, Key, values},
};
use async_trait::async_trait;
use domain::{AppId, rates::Rate};
use jiff::Timestamp;
use ledger::{
    Configuration, ConfigurationChange, LedgerError, Requeue, Result, Settings,
    configuration::{Kept, Row, Table},
};

#[async_trait]
impl Settings for MemoryLedger {
    async fn configuration(&self) -> Result<Configuration> {
        let state = self.state();
        let rows = state.rows.iter().map(|(table, rows)| {
            let kept = |(key, row): (&Key, &Content)| Kept {
                key: format!("{key:?}"),
                body: row.body.clone(),
            };
            (*table, rows.iter().map(kept).collect())
        });
        Configuration::of(state.revision, &rows.collect())
    }

    async fn configuration_revision(&self) -> Result<u64> {
        Ok(self.state().revision)
    }

    async fn configure_and_requeue(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        again: Vec<Requeue>,
        _: &str,
        _: Timestamp,
    ) -> Result<bool> {
        if !again.is_empty() {
            return absent("delivery");
        }
        self.state().configure(revision, &changes)
    }

    async fn rates(&self) -> Result<Vec<Rate>> {
        Ok(self.state().rates.values().copied().collect())
    }

    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()> {
        let mut state = self.state();
        for rate in rates {
            state
                .rates
                .insert((rate.date, rate.currency.code().to_owned()), rate);
        }
        Ok(())
    }

    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>> {
        let state = self.state();
        Ok(state.marks.get(&(app, name.to_owned())).copied())
    }

    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()> {
        self.state().marks.insert((app, name.to_owned()), at);
        Ok(())
    }

    async fn replaced_key(&self) -> Result<Option<u64>> {
        Ok(None)
    }
    async fn replace_key(&self, _: u64, _: &str, _: Timestamp) -> Result<()> {
        absent("key")
    }
}

impl State {
    fn configure(&mut self, revision: u64, changes: &[ConfigurationChange]) -> Result<bool> {
        if self.revision != revision {
            return Ok(false);
        }
        let mut rows = self.rows.clone();
        for change in changes {
            let row = Row::of(change)?;
            let table = row.table;
            let (key, others) = (values(&row, table.key()), values(&row, table.others()));
            let of_table = rows.entry(table).or_default();
            let before = of_table.get(&key).map(|known| known.body.clone());
            let Some(body) = row.upon(change, before.as_deref())?.body else {
                of_table.remove(&key);
                continue;
            };
            let is_there = before.is_some() && !table.is_replaced();
            let is_named = of_table
                .iter()
                .any(|(known, row)| *known != key && !others.is_empty() && row.others == others);
            // An address is unique among those with the same reach.
            if is_there || (is_named && table != Table::Users) {
                let problem = format!("{} has {others:?} already", table.name());
                return Err(LedgerError::Refused(problem));
            }
            of_table.insert(key, Content { others, body });
        }
        self.rows = rows;
        self.revision += 1;
        Ok(true)
    }
}
