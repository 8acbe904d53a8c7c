//! What a page is about: an app that is there, or a new one of a store.

use crate::form::{Described, Draft, Part, Submitted};
use configuration::{AppSpec, DesiredApp, Given, Stored, app_spec, masked};
use domain::Store;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{App, problem::Problem, project::InProject};

/// An app that is there, or a new one of a store.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) spec: &'static AppSpec,
    pub(crate) row: Option<&'a ledger::App>,
}

/// What an address names: the key of an app, or the store of a new one.
#[derive(Deserialize)]
pub(crate) struct Names {
    key: Option<String>,
    store: Option<String>,
}

impl Names {
    pub(crate) fn target<'a>(&self, project: &'a InProject) -> Result<Target<'a>, Problem> {
        let row = self.key.as_deref().map(|key| find(project, key));
        let row = row.transpose()?;
        let named = self.store.as_deref().unwrap_or_default();
        let store = row.map_or_else(|| Store::from_id(named), |row| Some(row.store()));
        let spec = store
            .and_then(app_spec)
            .ok_or_else(|| Problem::not_found("store", named))?;
        Ok(Target { spec, row })
    }
}

/// An app of the project, by its key.
pub(crate) fn find<'a>(project: &'a InProject, key: &str) -> Result<&'a ledger::App, Problem> {
    project
        .apps()
        .find(|row| row.key == key)
        .ok_or_else(|| Problem::not_found("app", key))
}

impl Part for Target<'_> {
    type Wanted = DesiredApp;
    const SECTION: &'static str = "apps";

    fn described(&self) -> Described {
        Described {
            what: "app",
            fields: self.spec.fields,
            events: Vec::new(),
            others: &[],
        }
    }

    fn key(&self) -> Option<&str> {
        self.row.map(|row| row.key.as_str())
    }

    fn stored(&self, app: &App) -> Value {
        self.row.map_or(json!({}), |row| {
            let stored = Stored::of_app(app.engine.vault(), row);
            masked(self.spec.fields, &stored.settings).into()
        })
    }

    fn is_taken(project: &InProject, key: &str) -> bool {
        find(project, key).is_ok()
    }

    fn wanted(&self, given: &Submitted) -> DesiredApp {
        DesiredApp {
            name: given.name(),
            store: Given::Set(self.spec.store.id().into()),
            settings: given.settings.clone(),
        }
    }
}

impl Target<'_> {
    /// Where its forms go.
    pub(crate) fn action(&self, project: &InProject) -> String {
        let base = format!("/projects/{}/apps", project.key);
        match self.row {
            Some(row) => format!("{base}/{}", row.key),
            None => format!("{base}/new/{}", self.spec.store.id()),
        }
    }

    /// What its form holds before anybody touched it.
    pub(crate) fn draft(&self, app: &App) -> Draft {
        let store = self.spec.store;
        let (key, name) = match self.row {
            Some(row) => (row.key.as_str(), row.name.as_str()),
            None => (usual_key(store), ""),
        };
        let settings = match (self.row, store) {
            (None, Store::AppStore) => json!({ "environments": ["production", "sandbox"] }),
            _ => self.stored(app),
        };
        Draft {
            key: key.to_owned(),
            name: name.to_owned(),
            settings,
            problems: Vec::new(),
        }
    }
}

fn usual_key(store: Store) -> &'static str {
    match store {
        Store::AppStore => "ios",
        Store::PlayStore => "android",
        Store::Stripe => "web",
        Store::External | Store::Promotional => "shop",
    }
}
