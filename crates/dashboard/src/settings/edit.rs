//! Saving a project's settings.
//!
//! Tests: `crates/dashboard/tests/sections/settings.rs`.

use super::page::{BEHAVIOURS, page};
use crate::{
    form::{Form, Trimmed, given, parsed},
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use configuration::{Desired, DesiredProject, Given};
use serde::Deserialize;
use serde_json::json;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::configure,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/settings";
    vec![Route::page(
        Method::Post(Effect::Configures),
        path,
        Access::Form,
        save,
    )]
}

/// The form of a project.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ProjectForm {
    name: Option<Trimmed>,
    window: Option<Trimmed>,
    transfer: Option<Trimmed>,
    sandbox_transfer: Option<Trimmed>,
}

impl ProjectForm {
    /// What it says of the project, or what is wrong with it, by field.
    fn read(self, key: &str) -> Result<DesiredProject, Vec<configuration::Problem>> {
        let behaviour = |text: &str| {
            let words = BEHAVIOURS.map(|behaviour| behaviour.word).join(", ");
            let read = serde_json::from_value(json!(text));
            read.map_err(|_| format!("{text:?} is none of {words}"))
        };
        let hours = |text: &str| {
            let read = text.parse();
            read.map_err(|_| format!("{text:?} is not a number of hours"))
        };
        let mut problems = Vec::new();
        let mut transfer = |name: &str, field| parsed(name, field, behaviour, &mut problems);
        let transfer_behaviour = transfer("transfer", self.transfer);
        let sandbox_transfer_behaviour = transfer("sandbox_transfer", self.sandbox_transfer);
        let wanted = DesiredProject {
            key: key.to_owned(),
            name: given(self.name),
            historical_window_hours: parsed("window", self.window, hours, &mut problems),
            transfer_behaviour,
            sandbox_transfer_behaviour,
            current_offering: Given::Keep,
        };
        if problems.is_empty() {
            Ok(wanted)
        } else {
            Err(problems)
        }
    }
}

/// `POST /projects/{project}/settings`.
async fn save(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<ProjectForm>,
) -> Result<Response, Problem> {
    let wanted = match sent.read(&project.key) {
        Ok(wanted) => wanted,
        Err(problems) => {
            return page(&app, Place::of(&project, &uri), String::new(), problems).await;
        }
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
        Err(problems) => page(&app, Place::of(&project, &uri), String::new(), problems).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::TransferBehaviour;

    #[test]
    fn the_form_of_a_project_keeps_sets_and_gives_defaults() {
        let read = |body: &str| {
            let sent: ProjectForm = serde_html_form::from_str(body).unwrap();
            sent.read("acme")
        };
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
}
