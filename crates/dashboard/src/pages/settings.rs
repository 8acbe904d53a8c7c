//! A project's own settings, its API keys, and the log of what was done.

use super::{Shell, clock, done, exact, html};
use crate::{
    Dashboard,
    form::{self, Field, Kind, Placed, Sent},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::{IntoResponse, Response},
};
use configuration::{self as desired, Desired, DesiredProject};
use domain::ApiKeyId;
use ledger::{ConfigurationChange, Scope, TransferBehaviour};
use serde_json::json;
use web::{
    App,
    access::{Access, new_api_key},
    body,
    configure::configure,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Manage, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/settings", Page, "", settings),
        Route::new(
            Post,
            "/projects/{project}/settings",
            Form,
            "",
            save_settings,
        ),
        Route::new(
            Post,
            "/projects/{project}/settings/keys",
            Manage,
            "",
            make_key,
        ),
        Route::new(
            Post,
            "/projects/{project}/settings/keys/{key}/revoke",
            Manage,
            "",
            revoke_key,
        ),
        Route::new(Get, "/projects/{project}/audit", Page, "", audit),
    ]
}

const SHOWN: usize = 100;
/// Transfer behaviours and what each does.
const BEHAVIOURS: [(&str, &str); 4] = [
    ("transfer", "It moves to whoever sends it in"),
    (
        "transfer_if_inactive",
        "It moves, unless it is an active subscription",
    ),
    ("keep", "It stays, and the other is refused"),
    ("share", "The two become one customer"),
];

const fn text(name: &'static str) -> Field {
    Field {
        name,
        kind: Kind::Text,
        help: "",
    }
}

/// Fields of the project's form, for the problems beside them.
const FIELDS: [Field; 4] = [
    text("name"),
    text("window"),
    text("transfer"),
    text("sandbox_transfer"),
];

struct KeyLine {
    id: String,
    name: String,
    scope: &'static str,
    reach: String,
    since: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsTemplate {
    shell: Shell,
    window: u32,
    transfer: String,
    sandbox_transfer: String,
    behaviours: [(&'static str, &'static str); 4],
    keys: Vec<KeyLine>,
    may_manage: bool,
    /// A key that was made just now. It is shown once.
    made: String,
    rates: String,
    placed: Placed,
}

fn word(behaviour: TransferBehaviour) -> String {
    json!(behaviour).as_str().unwrap_or_default().to_owned()
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    made: String,
    problems: Vec<desired::Problem>,
) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let compiled = setup
        .project(project.id)
        .ok_or_else(|| Problem::not_found("project", &project.key))?;
    let row = &compiled.row;
    let reached = setup
        .configuration
        .api_keys
        .iter()
        .filter(|key| key.project.is_none_or(|only| only == project.id));
    let keys = reached.map(|key| KeyLine {
        id: key.id.to_string(),
        name: key.name.clone(),
        scope: match key.scope {
            Scope::Client => "public, for clients",
            Scope::Read => "read",
            Scope::Write => "read and write",
        },
        reach: if key.project.is_some() {
            "this project"
        } else {
            "all projects"
        }
        .into(),
        since: exact(key.created_at),
    });
    let newest = app.engine.rates().newest();
    let placed = Placed::of(problems, &FIELDS);
    let status = placed.status();
    let html = html(&SettingsTemplate {
        shell: Shell::load(app, project, "settings", uri).await?,
        window: row.historical_window_hours,
        transfer: word(row.transfer_behaviour),
        sandbox_transfer: row.sandbox_transfer_behaviour.map(word).unwrap_or_default(),
        behaviours: BEHAVIOURS,
        keys: keys.collect(),
        may_manage: project.caller.may_manage(),
        made,
        rates: newest.map(|day| day.to_string()).unwrap_or_default(),
        placed,
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/settings`.
pub(crate) async fn settings(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, &project, &uri, String::new(), Vec::new()).await
}

/// `POST /projects/{project}/settings`.
pub(crate) async fn save_settings(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let wanted = match given(&project.key, &sent) {
        Ok(wanted) => wanted,
        Err(problems) => return page(&app, &project, &uri, String::new(), problems).await,
    };
    let desired = Desired {
        project: wanted,
        ..Desired::default()
    };
    match configure(&app, &project.caller, &desired).await? {
        Ok(_) => Ok(done(
            &format!("/projects/{}/settings", project.key),
            "saved",
        )),
        Err(problems) => page(&app, &project, &uri, String::new(), problems).await,
    }
}

/// What the form says of a project, or what is wrong with it, by field.
fn given(key: &str, sent: &Sent) -> Result<DesiredProject, Vec<desired::Problem>> {
    let behaviour = |text: &str| {
        let words = BEHAVIOURS.map(|(word, _)| word).join(", ");
        let read = serde_json::from_value(json!(text));
        read.map_err(|_| format!("{text:?} is none of {words}"))
    };
    let hours = |text: &str| {
        let read = text.parse();
        read.map_err(|_| format!("{text:?} is not a number of hours"))
    };
    let mut problems = Vec::new();
    let wanted = DesiredProject {
        key: key.to_owned(),
        name: form::name(sent, "name"),
        historical_window_hours: form::parsed(sent, "window", hours, &mut problems),
        transfer_behaviour: form::parsed(sent, "transfer", behaviour, &mut problems),
        sandbox_transfer_behaviour: form::parsed(
            sent,
            "sandbox_transfer",
            behaviour,
            &mut problems,
        ),
    };
    if problems.is_empty() {
        Ok(wanted)
    } else {
        Err(problems)
    }
}

/// `POST /projects/{project}/settings/keys`: answers with the page that shows the key once.
pub(crate) async fn make_key(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let name = sent.text("name");
    if name.is_empty() {
        let problem = desired::Problem {
            path: Vec::new(),
            message: "the key needs a name, so that you know later what it was for".into(),
        };
        return page(&app, &project, &uri, String::new(), vec![problem]).await;
    }
    let scope = if sent.is_on("write") {
        Scope::Write
    } else {
        Scope::Read
    };
    let (text, key) = new_api_key(app.engine.system(), Some(project.id), name, scope);
    let changes = vec![ConfigurationChange::PutApiKey(key)];
    if !app.engine.configure(changes, &project.caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    page(&app, &project, &uri, text, Vec::new()).await
}

/// `POST /projects/{project}/settings/keys/{key}/revoke`.
pub(crate) async fn revoke_key(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: ApiKeyId = parse("key", &id)?;
    let setup = app.engine.setup();
    let known = setup.configuration.api_keys.iter();
    let is_known = known
        .filter(|key| key.project.is_none_or(|only| only == project.id))
        .any(|key| key.id == id && (key.project.is_some() || project.caller.project.is_none()));
    if !is_known {
        return Err(Problem::not_found("key", &id.to_string()));
    }
    let changes = vec![ConfigurationChange::RemoveApiKey(id)];
    if !app.engine.configure(changes, &project.caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(done(
        &format!("/projects/{}/settings", project.key),
        "removed",
    ))
}

struct Deed {
    at: String,
    at_short: String,
    who: String,
    what: String,
    subject: String,
    /// Field, before, after.
    changes: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditTemplate {
    shell: Shell,
    deeds: Vec<Deed>,
    older: Option<String>,
}

/// Fields that differ, one level deep.
fn differences(before: &str, after: &str) -> Vec<(String, String, String)> {
    let read = |text: &str| {
        let value = serde_json::from_str::<serde_json::Value>(text).ok();
        value
            .and_then(|value| value.as_object().cloned())
            .unwrap_or_default()
    };
    let (before, after) = (read(before), read(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => "–".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            (
                name.clone(),
                shown(before.get(name)),
                shown(after.get(name)),
            )
        })
        .collect()
}

/// `GET /projects/{project}/audit`.
pub(crate) async fn audit(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let before = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "before")
        .and_then(|(_, value)| value.parse().ok());
    let entries = app.engine.ledger().audit(project.id, before, SHOWN).await?;
    let older = (entries.len() == SHOWN)
        .then(|| entries.last().map(|last| last.position))
        .flatten();
    let deeds = entries.into_iter().map(|entry| Deed {
        at: exact(entry.at),
        at_short: clock(entry.at),
        changes: differences(&entry.before, &entry.after),
        who: entry.who,
        what: entry.what,
        subject: entry.subject,
    });
    Ok(html(&AuditTemplate {
        shell: Shell::load(&app, &project, "audit", &uri).await?,
        deeds: deeds.collect(),
        older: older.map(|position| format!("/projects/{}/audit?before={position}", project.key)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use configuration::Given;

    #[test]
    fn the_form_of_a_project_keeps_sets_and_gives_defaults() {
        let read = |body: &str| given("acme", &Sent::read(body.as_bytes()));
        let said = read("name=&window=24&transfer=keep&sandbox_transfer=").unwrap();
        assert_eq!(said.name, Given::Default);
        assert_eq!(said.historical_window_hours, Given::Set(24));
        assert_eq!(said.transfer_behaviour, Given::Set(TransferBehaviour::Keep));
        assert_eq!(
            said.sandbox_transfer_behaviour,
            Given::Default,
            "as in production"
        );
        assert_eq!(read("").unwrap().sandbox_transfer_behaviour, Given::Keep);
        for (body, field) in [
            ("window=soon", "window"),
            ("window=-1", "window"),
            ("transfer=give", "transfer"),
            ("sandbox_transfer=as_in_production", "sandbox_transfer"),
        ] {
            let problems = read(body).unwrap_err();
            assert_eq!(problems.len(), 1, "{body}");
            assert_eq!(problems[0].path, [field], "{body}");
        }
    }

    #[test]
    fn the_log_names_what_differs() {
        let told = differences(
            r#"{"name":"A","paused":false,"same":1}"#,
            r#"{"name":"B","paused":false,"same":1,"new":[1]}"#,
        );
        let line = |name: &str, before: &str, after: &str| {
            (name.to_owned(), before.to_owned(), after.to_owned())
        };
        assert_eq!(told, [line("name", "A", "B"), line("new", "–", "[1]")]);
        assert!(differences("", "").is_empty());
    }
}
