//! Scripted lives played against a project's sandbox, and what they lead to as it happens.

use super::{Row, Shell, done, exact, html};
use crate::{
    Dashboard, filters,
    form::Sent,
    simulator::{
        Life, Lives,
        script::{self, Cast},
    },
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use domain::{Currency, Money};
use jiff::SignedDuration;
use ledger::{EventFilter, Page};
use std::sync::Arc;
use web::{
    App,
    access::Access,
    body,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
    view,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/simulator", Page, "", simulator),
        Route::new(Post, "/projects/{project}/simulator", Form, "", play),
        Route::new(
            Post,
            "/projects/{project}/simulator/{id}/stop",
            Form,
            "",
            stop,
        ),
    ]
}

/// Events of the newest life shown.
const SHOWN: usize = 50;
/// Lives shown.
const LIVES: usize = 10;
/// What a month may last, in seconds, and how that is said.
const PACES: [(i64, &str); 4] = [
    (10, "10 seconds"),
    (30, "30 seconds"),
    (120, "2 minutes"),
    (600, "10 minutes"),
];
/// The product of a project that lists none.
const PRODUCT: &str = "simulated_monthly";

struct StepLine {
    title: &'static str,
    at: String,
    color: &'static str,
    state: String,
}

struct LifeLine {
    id: String,
    title: &'static str,
    customer: String,
    product: String,
    is_over: bool,
    steps: Vec<StepLine>,
}

/// What the form holds.
struct Draft {
    script: String,
    customer: String,
    product: String,
    price: String,
    currency: String,
    month: String,
}

#[derive(Template)]
#[template(path = "simulator.html")]
struct SimulatorTemplate {
    shell: Shell,
    scripts: Vec<(&'static str, &'static str)>,
    paces: [(i64, &'static str); 4],
    products: Vec<String>,
    draft: Draft,
    problems: Vec<String>,
    lives: Vec<LifeLine>,
    rows: Vec<Row>,
}

fn line(life: Life) -> LifeLine {
    let is_over = life.is_over;
    let step = |step: crate::simulator::Step| {
        let (color, state) = match &step.told {
            Some(Ok(0)) => ("grey", "told nothing new".to_owned()),
            Some(Ok(1)) => ("green", "1 event".to_owned()),
            Some(Ok(events)) => ("green", format!("{events} events")),
            Some(Err(why)) => ("red", why.clone()),
            None if is_over => ("grey", "did not happen".to_owned()),
            None => ("blue", "to come".to_owned()),
        };
        StepLine {
            title: step.beat.title(),
            at: exact(step.at),
            color,
            state,
        }
    };
    LifeLine {
        id: life.id,
        title: life.title,
        customer: life.cast.app_user_id,
        product: life.cast.product,
        is_over,
        steps: life.steps.into_iter().map(step).collect(),
    }
}

async fn page(
    (app, lives): (&App, &Arc<Lives>),
    project: &InProject,
    uri: &Uri,
    draft: Draft,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let lives: Vec<Life> = lives.of(project.id).into_iter().take(LIVES).collect();
    let mut rows = Vec::new();
    if let Some(newest) = lives.first() {
        let ledger = app.engine.ledger();
        let customer = ledger
            .customer(project.id, &newest.cast.app_user_id)
            .await?;
        if let Some(record) = customer {
            let filter = EventFilter {
                project: Some(project.id),
                customer: Some(record.customer.id),
                ..EventFilter::default()
            };
            rows = ledger.events(&filter, Page::Before(None, SHOWN)).await?;
        }
    }
    let products = project
        .setup
        .configuration
        .products
        .iter()
        .filter(|row| row.project == project.id);
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = html(&SimulatorTemplate {
        shell: Shell::load(app, project, "simulator", uri).await?,
        scripts: script::ALL
            .iter()
            .map(|script| (script.key, script.title))
            .collect(),
        paces: PACES,
        products: products.map(|row| row.id.clone()).collect(),
        draft,
        problems,
        lives: lives.into_iter().map(line).collect(),
        rows: rows
            .into_iter()
            .map(|row| Row::of(&project.key, view::event(&project.setup, row)))
            .collect(),
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/simulator`.
pub(crate) async fn simulator(
    State(app): State<App>,
    State(lives): State<Arc<Lives>>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let product = project
        .setup
        .configuration
        .products
        .iter()
        .find(|row| row.project == project.id && !row.entitlements.is_empty());
    let draft = Draft {
        script: script::ALL[0].key.into(),
        customer: String::new(),
        product: product.map_or(PRODUCT, |row| &row.id).to_owned(),
        price: "9.99".into(),
        currency: "USD".into(),
        month: PACES[1].0.to_string(),
    };
    page((&app, &lives), &project, &uri, draft, Vec::new()).await
}

/// `POST /projects/{project}/simulator`.
pub(crate) async fn play(
    State(app): State<App>,
    State(lives): State<Arc<Lives>>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let text = |name: &str| sent.text(name).to_owned();
    let draft = Draft {
        script: text("script"),
        customer: text("customer"),
        product: text("product"),
        price: text("price"),
        currency: text("currency").to_uppercase(),
        month: text("month"),
    };
    let mut problems = Vec::new();
    let found = script::ALL.iter().find(|script| script.key == draft.script);
    if found.is_none() {
        problems.push(format!("script: there is no script {:?}", draft.script));
    }
    let pace = draft.month.parse::<i64>().ok();
    let pace = pace.filter(|seconds| PACES.iter().any(|(known, _)| known == seconds));
    if pace.is_none() {
        problems.push(format!(
            "month: {:?} is none of 10, 30, 120, 600 seconds",
            draft.month
        ));
    }
    if draft.product.is_empty() {
        problems.push("product: is empty; it is a product id".into());
    }
    match Currency::try_from(draft.currency.as_str()) {
        Err(error) => problems.push(format!("currency: {error}")),
        Ok(currency) => {
            let price = Money::parse_decimal(&draft.price, currency);
            if price.is_none_or(|price| price.micros <= 0) {
                let problem = format!("price: {:?} is no amount such as 9.99", draft.price);
                problems.push(problem);
            }
        }
    }
    let simulator = project.setup.simulator(project.id);
    if let (Some(found), Some(seconds), Some(simulator), true) =
        (found, pace, simulator, problems.is_empty())
    {
        let system = app.engine.system();
        let unique = system.uuid().simple().to_string();
        let customer = if draft.customer.is_empty() {
            let short: String = unique.chars().skip(24).collect();
            format!("simulated-{short}")
        } else {
            draft.customer.clone()
        };
        let cast = Cast {
            app_user_id: customer,
            product: draft.product.clone(),
            price: (draft.price.clone(), draft.currency.clone()),
            chain: format!("sim_{unique}"),
            start: system.now(),
            day: SignedDuration::from_millis(seconds * 1000 / 30),
        };
        let ids = (project.id, simulator.row.id);
        if lives.play(&app.engine, ids, found, cast).is_some() {
            project.did(&app, "simulate", found.key).await?;
            let path = format!("/projects/{}/simulator#lives", project.key);
            return Ok(done(&path, "simulated"));
        }
        problems.push("Five lives are under way. Wait for one to end, or stop it.".into());
    }
    page((&app, &lives), &project, &uri, draft, problems).await
}

/// `POST /projects/{project}/simulator/{id}/stop`.
pub(crate) async fn stop(
    State(app): State<App>,
    State(lives): State<Arc<Lives>>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    if lives.stop(project.id, &id) {
        project.did(&app, "stop simulated life", &id).await?;
    }
    let path = format!("/projects/{}/simulator#lives", project.key);
    Ok(done(&path, "stopped"))
}
