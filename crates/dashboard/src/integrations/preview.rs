//! What settings that are not saved yet would send for a past event.
//!
//! Tests: `crates/dashboard/tests/sections/integrations.rs`.

use super::{
    page::{Also, Preview, Sample, page},
    target::{Names, PREVIEWED, Target},
};
use crate::{
    form::{Part, Sent, wrong},
    shell::Place,
    state::Dashboard,
    text::indented,
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::Response,
};
use configuration::{Settings, merged};
use destinations::{Configured, Context, Invalid, Now};
use domain::{Event, Message};
use serde_json::Value;
use web::{
    App,
    access::Access,
    audit::Effect,
    body,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Nothing;
    use Method::Post;
    vec![
        Route::page(
            Post(Nothing("shows what would be sent")),
            "/projects/{project}/integrations/new/{destination}/preview",
            Form,
            preview,
        ),
        Route::page(
            Post(Nothing("shows what would be sent")),
            "/projects/{project}/integrations/{key}/preview",
            Form,
            preview,
        ),
    ]
}

/// The destination, with these settings on top of what is stored.
fn configured(
    app: &App,
    target: Target<'_>,
    settings: &Settings,
) -> Result<Option<Box<dyn Configured>>, Vec<configuration::Problem>> {
    let told = |invalid: Vec<Invalid>| {
        let problems = invalid.into_iter();
        problems
            .map(|invalid| wrong(&invalid.field, invalid.problem))
            .collect()
    };
    // Nothing is sent, and no secret is shown: each may stay, wherever the preview would have it go.
    let merged = merged(target.spec.fields, &[], &target.opened(app), settings);
    if !merged.problems.is_empty() {
        return Err(told(merged.problems));
    }
    let settings = Value::Object(merged.settings);
    let context = Context {
        public_url: app.engine.public_url().to_owned(),
    };
    destinations::find(target.spec.key)
        .map(|destination| destination.configure(&settings, &context))
        .transpose()
        .map_err(told)
}

/// A message as it would go over the wire, secrets masked, or why it would not.
fn shown(app: &App, configured: &dyn Configured, message: &Message, event: &Event) -> String {
    let at = app.engine.system().now();
    let setup = app.engine.setup();
    let now = Now::of(event, at, setup.facts(event));
    let mut request = match configured.render(message, event, now) {
        Ok(request) => request,
        Err(problem) => return format!("{} {}", problem.reason.text(), problem.detail),
    };
    configured.sign(&mut request, "preview", at);
    let headers = request.shown_headers();
    let headers: String = headers
        .iter()
        .map(|header| format!("{}: {}\n", header.name, header.value))
        .collect();
    let body = indented(&request.shown_body());
    let (verb, url) = (request.verb(), request.shown_url());
    format!("{verb} {url}\n{headers}\n{body}")
}

/// Every message that these settings would send for an event.
fn would_send(
    app: &App,
    target: Target<'_>,
    settings: &Settings,
    event: &Event,
) -> Result<Vec<Sample>, Vec<configuration::Problem>> {
    let Some(configured) = configured(app, target, settings)? else {
        return Ok(Vec::new());
    };
    let messages = match configured.plan(event) {
        Ok(messages) => messages,
        Err(reason) => {
            let (name, request) = ("Not sent".into(), reason.text().into());
            return Ok(vec![Sample { name, request }]);
        }
    };
    let shown = messages.iter().map(|message| Sample {
        name: message.name.clone(),
        request: shown(app, &*configured, message, event),
    });
    Ok(shown.collect())
}

/// `POST /projects/{project}/integrations/{key}/preview`, and
/// `POST /projects/{project}/integrations/new/{destination}/preview`.
async fn preview(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    let sent = Sent::read(&body::read(request).await?);
    let mut given = target.read(&app, &sent);
    let id = sent.text(PREVIEWED).to_owned();
    let row = app
        .engine
        .ledger()
        .event(project.id, parse("event", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    let mut shown = Also::Nothing;
    if given.problems.is_empty() {
        match would_send(&app, target, &given.settings, &row.event) {
            Ok(messages) => {
                shown = Also::Preview(Preview {
                    event: id,
                    messages,
                });
            }
            Err(problems) => given.problems = problems,
        }
    }
    page(
        &app,
        Place::of(&project, &uri),
        target,
        given.draft(),
        shown,
    )
    .await
}
