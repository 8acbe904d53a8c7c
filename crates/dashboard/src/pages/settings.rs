//! A project's own settings, its API keys, and the log of what was done.

use super::{Shell, clock, done, exact, html};
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use configuration::{Desired, DesiredProject};
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
    problems: Vec<String>,
}

fn word(behaviour: TransferBehaviour) -> String {
    json!(behaviour).as_str().unwrap_or_default().to_owned()
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    made: String,
    problems: Vec<String>,
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
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
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
        problems,
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
    let behaviour = |name: &str| serde_json::from_value(json!(sent.text(name))).ok();
    let window = sent.text("window").parse();
    let Ok(window) = window else {
        let problem = format!("{:?} is not a number of hours", sent.text("window"));
        return page(&app, &project, &uri, String::new(), vec![problem]).await;
    };
    let desired = Desired {
        project: DesiredProject {
            key: project.key.clone(),
            name: Some(sent.text("name").to_owned()).filter(|name| !name.is_empty()),
            historical_window_hours: Some(window),
            transfer_behaviour: behaviour("transfer"),
            sandbox_transfer_behaviour: behaviour("sandbox_transfer"),
        },
        ..Desired::default()
    };
    match configure(&app, &project.caller, &desired).await? {
        Ok(_) => Ok(done(
            &format!("/projects/{}/settings", project.key),
            "saved",
        )),
        Err(problems) => {
            let told = problems.into_iter().map(|problem| problem.message);
            page(&app, &project, &uri, String::new(), told.collect()).await
        }
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
        let problem = "the key needs a name, so that you know later what it was for".to_owned();
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
