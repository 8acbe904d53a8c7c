//! A form of settings on its way: what it shows, what was sent, and saving that. Apps and integrations are set up by it alike.

use super::{
    field::{Field, Told},
    given::{settings, shown_again},
    problems::{Placed, wrong},
    sent::Sent,
    shown::Grouped,
    unknown::is_known,
};
use crate::{respond::done, text::encode};
use axum::{body::Body, http::Request, response::Response};
use configuration::{Given, Settings};
use domain::secret::Secret;
use serde_json::Value;
use std::mem;
use web::{
    App, body,
    configure::{Named, put_unless},
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

impl Draft {
    /// Its fields as a page shows them, each with what is wrong with it, and all of that once more.
    pub(crate) fn filled(&mut self, of: Described) -> Filled {
        let problems = mem::take(&mut self.problems).into_iter();
        let (of_key, problems): (Vec<_>, Vec<_>) =
            problems.partition(|problem| self.is_of_key(&problem.path));
        let fields = Field::all(of.fields);
        let placed = Placed::of(problems, &fields);
        let shown = fields.iter().map(|field| {
            let problem = placed.beside(field.name);
            field.show(&self.settings, &fields, &of.events, problem)
        });
        let shown: Vec<_> = shown.collect();
        let of_key: Vec<_> = of_key.into_iter().map(|problem| problem.message).collect();
        let of_key = of_key.join("; ");
        let in_its_field = shown.iter().map(|field| Wrong {
            field: field.name,
            title: field.title.clone(),
            problem: field.problem.clone(),
        });
        let besides = placed.above.into_iter().map(|problem| Wrong {
            field: "",
            title: String::new(),
            problem,
        });
        let in_key = Wrong {
            field: "key",
            title: "Key".into(),
            problem: of_key.clone(),
        };
        let all = besides.chain([in_key]).chain(in_its_field);
        let refused = all.filter(|wrong| !wrong.problem.is_empty()).collect();
        Filled {
            refused,
            groups: Grouped::of(shown),
            key_problem: of_key,
        }
    }

    /// Whether a problem is about the key of what is new: the form says so, and the plan by the key itself.
    fn is_of_key(&self, path: &[String]) -> bool {
        match path {
            [only] => only == "key",
            [_, key] => *key == self.key,
            _ => false,
        }
    }
}

/// A form as a page shows it.
pub(crate) struct Filled {
    pub(crate) groups: Vec<Grouped>,
    /// What is wrong with the key of what is new.
    pub(crate) key_problem: String,
    /// All that is wrong, in the order of the page: what is about no field first.
    pub(crate) refused: Vec<Wrong>,
}

/// Something wrong with a form, as it stands at the top of its page.
pub(crate) struct Wrong {
    /// The field that it leads to; empty where it is about none.
    pub(crate) field: &'static str,
    pub(crate) title: String,
    pub(crate) problem: String,
}

/// A part of a project that is set up by a form: an app of a store, or an integration of a destination; one that is there, or a new one.
pub(crate) trait Part {
    /// As a document has it.
    type Wanted: Named;
    /// The section of its pages.
    const SECTION: &'static str;

    /// What its form has.
    fn described(&self) -> Described;
    /// The key of one that is there.
    fn key(&self) -> Option<&str>;
    /// The stored settings, secrets masked.
    fn stored(&self, app: &App) -> Value;
    /// Whether there is one with this key.
    fn is_taken(project: &InProject, key: &str) -> bool;
    /// As it should be, by what its form says.
    fn wanted(&self, given: &Submitted) -> Self::Wanted;

    /// What its form says.
    fn read(&self, app: &App, sent: &Sent) -> Submitted {
        Submitted::read(self.described(), sent, (self.key(), self.stored(app)))
    }
}

/// What became of a form that was sent.
pub(crate) enum Saved {
    /// It is in effect: the way on, and what it was made with that is shown once.
    Done(Response, Option<MadeFor>),
    /// Something is wrong with it: it is shown again.
    Again(Draft),
}

/// A secret that was made for what has this key.
pub(crate) struct MadeFor {
    pub(crate) key: String,
    pub(crate) secret: Secret,
}

/// Saves what a form says of a part of a project.
pub(crate) async fn save<P: Part>(
    app: &App,
    project: &InProject,
    part: &P,
    request: Request<Body>,
) -> Result<Saved, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let mut given = part.read(app, &sent);
    let refusals = |given: &Submitted, project: &InProject| {
        let refusal = given.refusal(P::is_taken(project, &given.key));
        Vec::from_iter(refusal)
    };
    let refused = refusals(&given, project);
    given.problems.extend(refused);
    if !given.problems.is_empty() {
        return Ok(Saved::Again(given.draft()));
    }
    let thing = (given.key.clone(), part.wanted(&given));
    match put_unless(app, project, [thing], |project| refusals(&given, project)).await? {
        Ok(steps) => {
            let notice = if given.is_new { "added" } else { "saved" };
            let (project, section, key) = (&project.key, P::SECTION, encode(&given.key));
            let path = format!("/projects/{project}/{section}/{key}");
            let made = steps.into_iter().find_map(|step| step.made);
            let key = given.key;
            let made = made.map(|secret| MadeFor { key, secret });
            Ok(Saved::Done(done(&path, notice), made))
        }
        Err(problems) => {
            given.problems = problems;
            Ok(Saved::Again(given.draft()))
        }
    }
}

/// What its form has.
#[derive(Clone)]
pub(crate) struct Described {
    /// `app` or `integration`: it begins the names of the fields that every one has.
    pub(crate) what: &'static str,
    pub(crate) fields: &'static [destinations::Field],
    /// Kinds of events that it is told, if any.
    pub(crate) events: Vec<Told>,
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
    fn read(described: Described, sent: &Sent, (key, known): (Option<&str>, Value)) -> Self {
        let fields = Field::all(described.fields);
        let (settings, unreadable) = settings(&fields, sent, &known, &described.events);
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
            .filter(|name| !is_own(name) && !is_known(name, &fields, &described.events));
        let typed_name = sent.all(&named("name")).first();
        let problems = unreadable
            .map(|(field, message)| wrong(field, message))
            .chain(unknown.map(|name| wrong(name, "is no field of this form")))
            .collect();
        let key_typed = || sent.text(&named("key")).to_owned();
        Self {
            is_new: key.is_none(),
            key: key.map_or_else(key_typed, str::to_owned),
            typed_name: typed_name.map(|name| name.trim().to_owned()),
            settings,
            known,
            problems,
            described,
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

    /// What is new takes no key that is taken, and what is gone does not come back by being changed.
    fn refusal(&self, is_taken: bool) -> Option<configuration::Problem> {
        let (what, key) = (self.described.what, &self.key);
        match (self.is_new, is_taken) {
            (true, true) => Some(wrong("key", format!("there is an {what} {key:?} already"))),
            (false, false) => Some(configuration::Problem {
                path: Vec::new(),
                message: format!("the {what} {key:?} was removed meanwhile"),
            }),
            (true, false) | (false, true) => None,
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
