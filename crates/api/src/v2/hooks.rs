//! Webhook integrations, as far as version 2 has words for them.
//!
//! Tests: `crates/api/tests/resources/v2/hooks.rs`.

use super::{
    answer::{Page, Pages},
    error::Failure,
};
use axum::extract::{Path, State};
use configuration::{Stored, masked};
use domain::ProjectId;
use engine::ActiveIntegration;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    project::InProject,
    query::Filters,
    route::{Method, Route},
};

/// The destination that a webhook is.
const WEBHOOK: &str = "webhook";

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/v2/projects/{project}/integrations/webhooks",
            Read,
            "Webhook integrations; RevenueCat v2 shape",
            hooks,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/integrations/webhooks/{key}",
            Read,
            "One webhook integration; RevenueCat v2 shape",
            hook,
        ),
    ]
}

/// A webhook integration. What is secret of it is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::WebhookIntegration)]
pub(crate) struct HookView {
    /// Always null: it hears of every app.
    app_id: Option<String>,
    /// `production` or `sandbox` where it hears of one of them only.
    environment: Option<&'static str>,
    id: String,
    name: String,
    object: &'static str,
    project_id: ProjectId,
    url: Option<String>,
}

fn shown(app: &App, project: &InProject, active: &ActiveIntegration) -> HookView {
    let row = &active.row;
    let stored = Stored::of_integration(app.engine.vault(), row);
    let settings = masked(active.spec.fields, &stored.settings);
    let url = |name: &str| {
        let url = settings.get(name).and_then(Value::as_str);
        url.map(str::to_owned)
    };
    let (production, sandbox) = (url("production_url"), url("sandbox_url"));
    HookView {
        app_id: None,
        environment: match (&production, &sandbox) {
            (Some(_), None) => Some("production"),
            (None, Some(_)) => Some("sandbox"),
            _ => None,
        },
        id: row.key.clone(),
        name: row.name.clone(),
        object: "webhook_integration",
        project_id: project.id,
        url: production.or(sandbox),
    }
}

/// `GET .../integrations/webhooks`.
pub(crate) async fn hooks(
    State(app): State<App>,
    project: InProject,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<HookView>>, Failure> {
    let rows = project.integrations()?.iter();
    let rows = rows.filter(|active| active.row.destination == WEBHOOK);
    let rows = rows.map(|active| shown(&app, &project, active)).collect();
    let path = format!("/v2/projects/{}/integrations/webhooks", project.key);
    let id = |row: &HookView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../integrations/webhooks/{key}`.
pub(crate) async fn hook(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<HookView>, Failure> {
    let active = project.integration(&key)?;
    if active.row.destination != WEBHOOK {
        return Err(Failure::missing("webhook integration", &key));
    }
    Ok(Json(shown(&app, &project, active)))
}
