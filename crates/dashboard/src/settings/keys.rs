//! API keys: made, which shows the key once, and revoked.
//!
//! Tests: `crates/dashboard/tests/sections/settings.rs`.

use super::page::page;
use crate::{
    form::{Form, FormId, Ticked, Trimmed},
    once::Once,
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use domain::ApiKeyId;
use ledger::{ConfigurationChange, Scope};
use serde::Deserialize;
use web::{
    App,
    access::{Access, new_api_key},
    audit::Effect,
    configure::decide_in,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Manage;
    use Effect::Configures;
    use Method::Post;
    vec![
        Route::page(
            Post(Configures),
            "/projects/{project}/settings/keys",
            Manage,
            make,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/settings/keys/{key}/revoke",
            Manage,
            revoke,
        ),
    ]
}

/// The form of a new key.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct KeyForm {
    name: Trimmed,
    /// Whether it may change something.
    write: Ticked,
    form: FormId,
}

/// `POST /projects/{project}/settings/keys`: answers with the page that shows the key once.
async fn make(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<KeyForm>,
) -> Result<Response, Problem> {
    let scope = if sent.write.0 {
        Scope::Write
    } else {
        Scope::Read
    };
    let made = new_api_key(app.engine.system(), Some(project.id), &sent.name, scope);
    let (text, mut key) = match made {
        Ok(made) => made,
        Err(problem) => {
            // The page has another name, that of the project: this is of none of its fields.
            let problem = configuration::Problem {
                path: Vec::new(),
                message: format!("the name of the key {problem}"),
            };
            return page(
                &app,
                Place::of(&project, &uri),
                String::new(),
                vec![problem],
            )
            .await;
        }
    };
    if let Some(id) = sent.form.key(project.id) {
        key.id = id;
    }
    // Pressed twice, the first press was answered to nobody: its key opens nothing, and this one takes its place.
    decide_in(&app, &project, |project| {
        let mut known = project.setup.configuration.api_keys.iter();
        let unseen = known.find(|known| known.id == key.id);
        let unseen = unseen.map(|known| ConfigurationChange::RemoveApiKey(known.id));
        let put = ConfigurationChange::PutApiKey(key.clone());
        Ok((unseen.into_iter().chain([put]).collect(), ()))
    })
    .await?;
    let once = Once {
        title: "The new key".into(),
        hint: "Copy it now: only a digest of it is kept, and it is not shown again.",
        secret: text.clone(),
        back: format!("/projects/{}/settings", project.key),
    };
    let page = page(&app, Place::of(&project, &uri), text, Vec::new());
    Ok(once.shown_on(page).await)
}

/// `POST /projects/{project}/settings/keys/{key}/revoke`.
async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: ApiKeyId = parse("key", &id)?;
    decide_in(&app, &project, |project| {
        let known = project.setup.configuration.api_keys.iter();
        let is_known = known
            .filter(|key| key.project.is_none_or(|only| only == project.id))
            .any(|key| key.id == id && (key.project.is_some() || project.caller.project.is_none()));
        if !is_known {
            return Err(Problem::not_found("key", &id.to_string()));
        }
        Ok((vec![ConfigurationChange::RemoveApiKey(id)], ()))
    })
    .await?;
    Ok(done(
        &format!("/projects/{}/settings", project.key),
        "removed",
    ))
}
