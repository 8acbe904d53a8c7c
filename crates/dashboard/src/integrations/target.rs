//! What a page is about: an integration that is there, or a new one of a destination.

use crate::form::{Described, Draft, Part, Submitted, Told};
use configuration::{DesiredIntegration, Given, Stored, masked};
use destinations::{Context, Destination, Spec};
use domain::EventKind;
use engine::ActiveIntegration;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{App, problem::Problem, project::InProject};

/// The field that says for which event a preview is shown.
pub(crate) const PREVIEWED: &str = "preview.event";

/// An integration that is there, or a new one of a destination.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) spec: &'static Spec,
    pub(crate) active: Option<&'a ActiveIntegration>,
}

/// What an address names: the key of an integration, or the destination of a new one.
#[derive(Deserialize)]
pub(crate) struct Names {
    key: Option<String>,
    destination: Option<String>,
}

impl Names {
    /// One that is there.
    pub(crate) fn of(key: String) -> Self {
        Self {
            key: Some(key),
            destination: None,
        }
    }

    pub(crate) fn target<'a>(&self, project: &'a InProject) -> Result<Target<'a>, Problem> {
        let active = self.key.as_deref().map(|key| project.integration(key));
        if let Some(active) = active.transpose()? {
            return Ok(Target {
                spec: active.spec,
                active: Some(active),
            });
        }
        let named = self.destination.as_deref().unwrap_or_default();
        let spec = destinations::find(named).map(Destination::spec);
        Ok(Target {
            spec: spec.ok_or_else(|| Problem::not_found("destination", named))?,
            active: None,
        })
    }
}

impl Part for Target<'_> {
    type Wanted = DesiredIntegration;
    const SECTION: &'static str = "integrations";

    fn described(&self) -> Described {
        Described {
            what: "integration",
            fields: self.spec.fields,
            events: self.told(),
            others: &[PREVIEWED],
        }
    }

    fn key(&self) -> Option<&str> {
        self.active.map(|active| active.row.key.as_str())
    }

    fn stored(&self, app: &App) -> Value {
        match self.active {
            Some(_) => masked(self.spec.fields, &self.opened(app).settings).into(),
            None => json!({}),
        }
    }

    fn is_taken(project: &InProject, key: &str) -> bool {
        project.integration(key).is_ok()
    }

    fn wanted(&self, given: &Submitted) -> DesiredIntegration {
        DesiredIntegration {
            name: given.name(),
            destination: Given::Set(self.spec.key.into()),
            paused: Given::Keep,
            settings: Given::Set(given.settings.clone()),
        }
    }
}

impl Target<'_> {
    /// The kinds that it can be told of, each as it is by itself: as it is set up, or as it would be with nothing set.
    fn told(&self) -> Vec<Told> {
        let stored = self
            .active
            .and_then(|active| active.configured.clone().ok());
        let destination = destinations::find(self.spec.key);
        let empty = destination.and_then(|of| of.configure(&json!({}), &Context::default()).ok());
        let usual = |kind: EventKind| match (&stored, &empty) {
            (Some(configured), _) => configured.usual(kind),
            (None, Some(configured)) => configured.usual(kind),
            (None, None) => Some(kind.id()),
        };
        let kinds = self.spec.events.iter();
        kinds
            .map(|kind| Told {
                kind: *kind,
                usual: usual(*kind),
            })
            .collect()
    }

    /// Where its forms go.
    pub(crate) fn action(&self, project: &InProject) -> String {
        let base = format!("/projects/{}/integrations", project.key);
        match self.active {
            Some(active) => format!("{base}/{}", active.row.key),
            None => format!("{base}/new/{}", self.spec.key),
        }
    }

    /// What is stored, secrets included.
    pub(crate) fn opened(&self, app: &App) -> Stored {
        self.active.map_or_else(Stored::default, |active| {
            Stored::of_integration(app.engine.vault(), &active.row)
        })
    }

    /// What its form holds before anybody touched it.
    pub(crate) fn draft(&self, app: &App, project: &InProject) -> Draft {
        let (key, name) = match self.active {
            Some(active) => (active.row.key.clone(), active.row.name.clone()),
            None => (free_key(self.spec, project), self.spec.title.to_owned()),
        };
        Draft {
            key,
            name,
            settings: self.stored(app),
            problems: Vec::new(),
        }
    }
}

/// `slack`, or `slack-2` where that is taken.
fn free_key(spec: &Spec, project: &InProject) -> String {
    let mut key = spec.key.to_owned();
    let mut number = 1;
    while project.integration(&key).is_ok() {
        number += 1;
        key = format!("{}-{number}", spec.key);
    }
    key
}

#[cfg(test)]
mod tests {
    use crate::form::Field;
    use serde_json::json;

    #[test]
    fn every_destination_can_be_set_up_by_form() {
        for destination in destinations::ALL {
            let spec = destination.spec();
            let all = Field::all(spec.fields);
            for field in &all {
                let shown = field.show(&json!({}), &all, &[], String::new());
                assert!(
                    !shown.title.is_empty() && !shown.help.is_empty(),
                    "{}",
                    field.name
                );
            }
        }
    }
}
