//! Bringing in one line.

use super::{
    entry::{Bought, Entry, Line, Shop},
    report::{IMPORTED, Outcome},
};
use domain::{AppId, ProjectId, attribute::Write, customer::is_anonymous};
use engine::{Engine, Imported, Setup, WriteError};
use sources::{Receipt, Sender};

/// Where lines go, and how.
#[derive(Clone, Copy)]
pub(super) struct Project<'a> {
    pub(super) engine: &'a Engine,
    pub(super) setup: &'a Setup,
    pub(super) id: ProjectId,
    pub(super) tell_events: bool,
}

impl Project<'_> {
    /// Brings in one line, or says why not. What is not taken of one that is taken is told beside it.
    pub(super) async fn bring(self, line: Line) -> Outcome {
        let (app_user_id, imported) = match line.entry {
            Ok(entry) => (entry.app_user_id.clone(), self.import(entry).await),
            Err(problem) => (String::new(), Err(problem)),
        };
        let (outcome, detail) = match imported {
            Ok(left_out) => (IMPORTED, left_out.join("; ")),
            Err(problem) => ("failed", problem),
        };
        Outcome {
            line: line.number,
            app_user_id,
            outcome: outcome.into(),
            detail,
        }
    }

    /// What was left out of it.
    async fn import(self, entry: Entry) -> Result<Vec<String>, String> {
        let mut left_out = Vec::new();
        let name = entry.app_user_id;
        if let Some(bought) = entry.purchase {
            let imported = self.purchase(&name, bought).await?;
            if matches!(imported, Imported::Nothing) {
                left_out.push("the store knows it, but nothing was paid yet".to_owned());
            }
        } else {
            let customers = self.engine.customers();
            let made = customers.profile(self.id, &name).await;
            made.map_err(|error| error.to_string())?;
        }
        for other in &entry.names {
            left_out.extend(self.also_called(&name, other).await?);
        }
        if !entry.attributes.is_empty() {
            left_out.extend(self.write(&name, &entry.attributes).await?);
        }
        Ok(left_out)
    }

    async fn purchase(self, name: &str, bought: Bought) -> Result<Imported, String> {
        let app = self.app(&bought.shop)?;
        let receipt = Receipt {
            offering: None,
            claimed_price: None,
            token: bought.token,
            product: None,
            app_user_id: name.to_owned(),
            sender: Sender::Project,
        };
        let intake = self.engine.intake();
        let imported = intake.import(app, &receipt, self.tell_events).await;
        imported.map_err(|error| error.to_string())
    }

    fn app(self, shop: &Shop) -> Result<AppId, String> {
        let apps = self.setup.apps().map(|app| &app.row);
        let mut apps = apps.filter(|app| app.project == self.id);
        match shop {
            Shop::App(key) => {
                let app = apps.find(|app| app.key == *key);
                app.map(|app| app.id)
                    .ok_or_else(|| format!("the project has no app {key:?}"))
            }
            Shop::Of(store) => {
                let of_store: Vec<_> = apps.filter(|app| app.store() == *store).collect();
                match of_store.as_slice() {
                    [app] => Ok(app.id),
                    [] => Err(format!("the project has no app of {}", store.id())),
                    _ => Err(format!(
                        "the project has several apps of {}: name the one in rows of `tidings import`",
                        store.id()
                    )),
                }
            }
        }
    }

    /// An anonymous name becomes another name of the customer; any other is somebody of their own, which is told.
    async fn also_called(self, name: &str, other: &str) -> Result<Option<String>, String> {
        let left_out = || Some(format!("the name {other:?} stays that of another customer"));
        if !is_anonymous(other) {
            return Ok(left_out());
        }
        let customers = self.engine.customers();
        let merged = customers.identify(self.id, other, name).await;
        let merged = merged.map_err(|error| error.to_string())?;
        Ok(if merged.is_alias { None } else { left_out() })
    }

    async fn write(
        self,
        name: &str,
        attributes: &[(String, String)],
    ) -> Result<Vec<String>, String> {
        let write = |(key, value): &(String, String)| Write {
            key: key.clone(),
            value: Some(value.clone()),
            written_at: None,
        };
        let writes: Vec<_> = attributes.iter().map(write).collect();
        let customers = self.engine.customers();
        match customers.write_attributes(self.id, name, &writes).await {
            Ok(()) => Ok(Vec::new()),
            Err(WriteError::Refused(refused)) => {
                let refused = refused.into_iter();
                Ok(refused
                    .map(|one| format!("attribute {}: {}", one.key, one.problem))
                    .collect())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
