//! Beginning a life, and ending one.
//!
//! Tests: `crates/dashboard/tests/sections/simulator.rs`.

use super::{
    cast::Cast,
    lives::Lives,
    page::{Draft, PACES, page},
    script::{self, Script},
};
use crate::{
    form::{Form, Trimmed},
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::{IntoResponse, Response},
};
use domain::{
    Currency, Money,
    customer::{A_CLIENT_NAME, is_client_name},
};
use engine::System;
use jiff::SignedDuration;
use serde::Deserialize;
use std::sync::Arc;
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::page(
            Post(Does("simulate", Subject::Said)),
            "/projects/{project}/simulator",
            Form,
            play,
        ),
        Route::page(
            Post(Does("stop simulated life", Subject::Path("id"))),
            "/projects/{project}/simulator/{id}/stop",
            Form,
            stop,
        ),
    ]
}

/// The form of a life.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LifeForm {
    script: Trimmed,
    customer: Trimmed,
    product: Trimmed,
    price: Trimmed,
    currency: Trimmed,
    /// Seconds that a month lasts.
    month: Trimmed,
}

impl From<LifeForm> for Draft {
    fn from(sent: LifeForm) -> Self {
        Self {
            script: sent.script.into(),
            customer: sent.customer.into(),
            product: sent.product.into(),
            price: sent.price.into(),
            currency: sent.currency.to_uppercase(),
            month: sent.month.into(),
        }
    }
}

impl Draft {
    /// What is to be played and how long a day lasts, or everything that is wrong with it.
    fn read(&self) -> Result<(&'static Script, SignedDuration), Vec<String>> {
        let mut problems = Vec::new();
        let script = script::ALL.iter().find(|script| script.key == self.script);
        if script.is_none() {
            problems.push(format!("script: there is no script {:?}", self.script));
        }
        let pace = self.month.parse::<i64>().ok();
        let pace = pace.filter(|seconds| PACES.iter().any(|pace| pace.seconds == *seconds));
        if pace.is_none() {
            problems.push(format!(
                "month: {:?} is none of 10, 30, 120, 600 seconds",
                self.month
            ));
        }
        if !self.customer.is_empty() && !is_client_name(&self.customer) {
            problems.push(format!("customer: {A_CLIENT_NAME}"));
        }
        if self.product.is_empty() {
            problems.push("product: is empty; it is a product id".into());
        } else if let Some(problem) = domain::name::problem(&self.product) {
            problems.push(format!("product: {problem}"));
        }
        match Currency::try_from(self.currency.as_str()) {
            Err(error) => problems.push(format!("currency: {error}")),
            Ok(currency) => {
                let price = Money::parse_decimal(&self.price, currency);
                if price.is_none_or(|price| price.micros <= 0) {
                    let problem = format!("price: {:?} is no amount such as 9.99", self.price);
                    problems.push(problem);
                }
            }
        }
        match (script, pace) {
            (Some(script), Some(seconds)) if problems.is_empty() => {
                Ok((script, SignedDuration::from_millis(seconds * 1000 / 30)))
            }
            _ => Err(problems),
        }
    }

    /// Who plays it. Whoever has no name gets one that nobody has.
    fn cast(&self, system: &dyn System, day: SignedDuration) -> Cast {
        let unique = system.uuid().simple().to_string();
        let customer = if self.customer.is_empty() {
            let short: String = unique.chars().skip(24).collect();
            format!("simulated-{short}")
        } else {
            self.customer.clone()
        };
        Cast {
            app_user_id: customer,
            product: self.product.clone(),
            price: self.price.clone(),
            currency: self.currency.clone(),
            chain: format!("sim_{unique}"),
            start: system.now(),
            day,
        }
    }
}

/// `POST /projects/{project}/simulator`.
async fn play(
    State(app): State<App>,
    State(lives): State<Arc<Lives>>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<LifeForm>,
) -> Result<Response, Problem> {
    let draft = Draft::from(sent);
    let (script, day) = match draft.read() {
        Ok(wanted) => wanted,
        Err(problems) => {
            return page(&app, &lives, Place::of(&project, &uri), draft, problems).await;
        }
    };
    let mut problems = Vec::new();
    if let Some(simulator) = project.setup.simulator(project.id) {
        let (engine, app_id) = (&app.engine, simulator.row.id);
        let cast = draft.cast(engine.system(), day);
        let begun = lives.play(engine, project.id, app_id, script, cast);
        if begun.is_some() {
            let path = format!("/projects/{}/simulator#lives", project.key);
            return Ok(Noted::to(script.key, done(&path, "simulated")).into_response());
        }
        problems.push("Five lives are under way. Wait for one to end, or stop it.".into());
    }
    page(&app, &lives, Place::of(&project, &uri), draft, problems).await
}

/// `POST /projects/{project}/simulator/{id}/stop`.
async fn stop(
    State(lives): State<Arc<Lives>>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let path = format!("/projects/{}/simulator#lives", project.key);
    let answer = done(&path, "stopped");
    Ok(if lives.stop(project.id, &id) {
        answer
    } else {
        Noted::nothing(answer).into_response()
    })
}
