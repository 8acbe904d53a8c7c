//! What was done in a project, newest first, with the fields that a change made differ.
//!
//! Tests: `crates/dashboard/tests/sections/audit.rs`.

use crate::{
    form::Sent,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
    text::{clock, exact},
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use ledger::AuditFilter;
use serde_json::Value;
use std::collections::BTreeSet;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::before_position,
    route::{Method, Route},
    signed::named,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/audit";
    vec![Route::page(Method::Get, path, Access::Page, audit)]
}

/// Entries of one page.
const SHOWN: usize = 100;

/// Something that was done.
struct Deed {
    at: String,
    at_short: String,
    who: String,
    what: String,
    subject: String,
    changes: Vec<Difference>,
}

/// A field that was changed.
#[cfg_attr(test, derive(Debug, PartialEq))]
struct Difference {
    field: String,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "audit/page.html")]
struct AuditTemplate {
    shell: Shell,
    deeds: Vec<Deed>,
    older: Option<String>,
}

/// Fields that differ, one level deep.
fn differences(before: &str, after: &str) -> Vec<Difference> {
    let read = |text: &str| {
        let value = serde_json::from_str::<Value>(text).ok();
        value
            .and_then(|value| value.as_object().cloned())
            .unwrap_or_default()
    };
    let (before, after) = (read(before), read(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Difference {
            field: name.clone(),
            before: shown(before.get(name)),
            after: shown(after.get(name)),
        })
        .collect()
}

/// `GET /projects/{project}/audit`.
async fn audit(State(app): State<App>, project: InProject, uri: Uri) -> Result<Response, Problem> {
    let before = before_position(Sent::query(&uri).text("before"))?;
    let filter = AuditFilter {
        project: project.id,
        with_common: project.caller.project.is_none(),
    };
    let entries = app.engine.ledger().audit(filter, before, SHOWN).await?;
    let older = (entries.len() == SHOWN)
        .then(|| entries.last().map(|last| last.position))
        .flatten();
    let setup = app.engine.setup();
    let known = || {
        let users = setup.configuration.users.iter();
        users.filter(|user| project.caller.may_know(user.project))
    };
    let deeds = entries.into_iter().map(|entry| Deed {
        at: exact(entry.at),
        at_short: clock(entry.at),
        changes: differences(&entry.before, &entry.after),
        who: named(&entry.who, known()),
        what: entry.what,
        subject: named(&entry.subject, known()),
    });
    Ok(html(&AuditTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "audit").await?,
        deeds: deeds.collect(),
        older: older.map(|position| format!("/projects/{}/audit?before={position}", project.key)),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Difference, differences};

    #[test]
    fn the_log_names_what_differs() {
        let told = differences(
            r#"{"name":"A","paused":false,"same":1}"#,
            r#"{"name":"B","paused":false,"same":1,"new":[1]}"#,
        );
        let line = |field: &str, before: &str, after: &str| Difference {
            field: field.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        assert_eq!(told, [line("name", "A", "B"), line("new", "–", "[1]")]);
        assert!(differences("", "").is_empty());
    }
}
