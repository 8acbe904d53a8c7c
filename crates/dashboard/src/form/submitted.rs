//! A form of settings on its way: what it shows, what was sent, and saving that. Apps and integrations are set up by it alike.

use super::{
    field::Field,
    given::{settings, shown_again},
    problems::wrong,
    sent::Sent,
    unknown::is_known,
};
use crate::{respond::done, text::encode};
use axum::response::Response;
use configuration::{Given, Settings};
use domain::EventKind;
use serde_json::Value;
use web::{
    App,
    configure::{Named, put},
    problem::Problem,
    project::InProject,
};

/// What a form holds: as it is stored, or as it was sent and not taken.
pub(crate) struct Draft {
    pub(crate) key: String,
    pub(crate) name: String,
    /// Secrets masked.
    pub(crate) settings: Value,
    pub(crate) problems: Vec<configuration::Problem>,
}

/// What is set up: an app of a store, or an integration of a destination.
#[derive(Clone, Copy)]
pub(crate) struct Described {
    /// `app` or `integration`: it begins the names of the fields that every one has.
    pub(crate) what: &'static str,
    pub(crate) fields: &'static [destinations::Field],
    /// Kinds of events that it is told, if any.
    pub(crate) events: &'static [EventKind],
    /// Fields of its form that are no settings.
    pub(crate) others: &'static [&'static str],
}

/// What a form said.
pub(crate) struct Submitted {
    described: Described,
    is_new: bool,
    pub(crate) key: String,
    typed_name: Option<String>,
    pub(crate) settings: Settings,
    /// What is stored, secrets masked.
    known: Value,
    pub(crate) problems: Vec<configuration::Problem>,
}

impl Submitted {
    /// Reads what was sent for the one with this key, or for a new one, which says its own; `known` is what is stored, secrets
    /// masked.
    pub(crate) fn read(
        described: Described,
        sent: &Sent,
        (key, known): (Option<&str>, Value),
    ) -> Self {
        let fields = Field::all(described.fields);
        let (settings, unreadable) = settings(&fields, sent, &known, described.events);
        let unreadable = unreadable.iter();
        let named = |part: &str| format!("{}.{part}", described.what);
        // What is there keeps its key.
        let is_own = |name: &str| {
            name == named("name")
                || (key.is_none() && name == named("key"))
                || described.others.contains(&name)
        };
        let unknown = sent
            .names()
            .filter(|name| !is_own(name) && !is_known(name, &fields, described.events));
        let typed_name = sent.all(&named("name")).first();
        Self {
            described,
            is_new: key.is_none(),
            key: key.map_or_else(|| sent.text(&named("key")).to_owned(), str::to_owned),
            typed_name: typed_name.map(|name| name.trim().to_owned()),
            settings,
            known,
            problems: unreadable
                .map(|(field, message)| wrong(field, message))
                .chain(unknown.map(|name| wrong(name, "is no field of this form")))
                .collect(),
        }
    }

    /// What it is called: its default where the field was emptied.
    pub(crate) fn name(&self) -> Given<String> {
        match self.typed_name.as_deref() {
            None => Given::Keep,
            Some("") => Given::Default,
            Some(name) => Given::Set(name.to_owned()),
        }
    }

    /// What is new takes no key that is taken.
    pub(crate) fn refuse_taken(&mut self, is_taken: impl Fn(&str) -> bool) {
        if self.is_new && is_taken(&self.key) {
            let message = format!("there is an {} {:?} already", self.described.what, self.key);
            self.problems.push(wrong("key", message));
        }
    }

    /// Saves it as a part of the project and leads to its page below `section`; `None` when something is wrong, as the problems
    /// then say.
    pub(crate) async fn save(
        &mut self,
        app: &App,
        (project, section): (&InProject, &str),
        wanted: impl Named,
    ) -> Result<Option<Response>, Problem> {
        match put(app, project, [(self.key.clone(), wanted)]).await? {
            Ok(_) => {
                let notice = if self.is_new { "added" } else { "saved" };
                let key = encode(&self.key);
                let path = format!("/projects/{}/{section}/{key}", project.key);
                Ok(Some(done(&path, notice)))
            }
            Err(problems) => {
                self.problems = problems;
                Ok(None)
            }
        }
    }

    /// As it is shown again.
    pub(crate) fn draft(self) -> Draft {
        let fields = Field::all(self.described.fields);
        Draft {
            key: self.key,
            name: self.typed_name.unwrap_or_default(),
            settings: shown_again(&fields, &self.settings, &self.known),
            problems: self.problems,
        }
    }
}
