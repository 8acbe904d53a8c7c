//! Products and what they unlock.

use super::{Shell, done, html};
use crate::{
    Dashboard,
    form::{self, Sent},
};
use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use configuration::{Desired, DesiredEntitlement, DesiredProduct, DesiredProject, Given};
use ledger::{ConfigurationChange, Entitlement, Product};
use std::collections::{BTreeMap, BTreeSet};
use web::{
    App,
    access::Access,
    body,
    configure::configure,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(
            Post,
            "/projects/{project}/catalog/bulk",
            Form,
            "",
            edit_products,
        ),
        Route::new(
            Post,
            "/projects/{project}/catalog/list",
            Form,
            "",
            add_products,
        ),
        Route::new(Get, "/projects/{project}/catalog", Page, "", catalog),
        Route::new(
            Post,
            "/projects/{project}/catalog/products",
            Form,
            "",
            save_product,
        ),
        Route::new(
            Post,
            "/projects/{project}/catalog/entitlements",
            Form,
            "",
            save_entitlement,
        ),
    ]
}

/// Recent purchases looked at for products nobody has listed.
const LOOKED_AT: usize = 500;

#[derive(Template)]
#[template(path = "catalog.html")]
struct CatalogTemplate {
    shell: Shell,
    products: Vec<Product>,
    entitlements: Vec<Entitlement>,
    /// Sold, but not listed: they unlock nothing.
    unknown: Vec<String>,
    problems: Vec<String>,
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let configuration = &setup.configuration;
    let products: Vec<Product> = configuration
        .products
        .iter()
        .filter(|row| row.project == project.id)
        .cloned()
        .collect();
    let filter = ledger::EventFilter {
        project: Some(project.id),
        ..ledger::EventFilter::default()
    };
    let recent = app
        .engine
        .ledger()
        .events(&filter, ledger::Page::Before(None, LOOKED_AT))
        .await?;
    let is_listed = |product: &str| {
        // An entitlement listed for a product covers its plans.
        let base = product.split(':').next().unwrap_or(product);
        products
            .iter()
            .any(|row| row.id == product || row.id == base)
    };
    let unknown: BTreeSet<String> = recent
        .into_iter()
        .filter(|row| {
            row.event
                .app
                .as_ref()
                .is_some_and(|app| app.store != domain::Store::Promotional)
        })
        .filter_map(|row| row.event.product)
        .filter(|product| !is_listed(product))
        .collect();
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = html(&CatalogTemplate {
        shell: Shell::load(app, project, "catalog", uri).await?,
        entitlements: configuration
            .entitlements
            .iter()
            .filter(|row| row.project == project.id)
            .cloned()
            .collect(),
        products,
        unknown: unknown.into_iter().collect(),
        problems,
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/catalog`.
pub(crate) async fn catalog(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, &project, &uri, Vec::new()).await
}

async fn save(
    app: &App,
    project: &InProject,
    uri: &Uri,
    part: Desired,
) -> Result<Response, Problem> {
    let desired = Desired {
        project: DesiredProject {
            key: project.key.clone(),
            ..DesiredProject::default()
        },
        ..part
    };
    match configure(app, &project.caller, &desired).await? {
        Ok(_) => Ok(done(&format!("/projects/{}/catalog", project.key), "saved")),
        Err(problems) => {
            let told = problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
            page(app, project, uri, told.collect()).await
        }
    }
}

/// `POST /projects/{project}/catalog/products`.
pub(crate) async fn save_product(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let product = DesiredProduct {
        name: form::name(&sent, "name"),
        entitlements: Given::Set(sent.all("entitlements").to_vec()),
    };
    let id = sent.text("id").to_owned();
    if id.is_empty() {
        let problem = "id: is empty; it is the product id as the store has it".to_owned();
        return page(&app, &project, &uri, vec![problem]).await;
    }
    let part = Desired {
        products: BTreeMap::from([(id, product)]),
        ..Desired::default()
    };
    save(&app, &project, &uri, part).await
}

/// What is done to every product that was ticked.
enum Bulk {
    Give(String),
    Take(String),
    Remove,
}

/// `POST /projects/{project}/catalog/bulk`: every ticked product gains or loses an entitlement, or goes.
pub(crate) async fn edit_products(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let entitlement = sent.text("entitlement").to_owned();
    let bulk = match sent.text("do") {
        "give" => Some(Bulk::Give(entitlement.clone())),
        "take" => Some(Bulk::Take(entitlement.clone())),
        "remove" => Some(Bulk::Remove),
        _ => None,
    };
    let chosen: BTreeSet<String> = sent.all("products").iter().cloned().collect();
    let setup = app.engine.setup();
    let rows = &setup.configuration;
    let mut problems = Vec::new();
    if chosen.is_empty() {
        problems.push("products: tick at least one".to_owned());
    }
    let is_known = rows
        .entitlements
        .iter()
        .any(|row| row.project == project.id && row.key == entitlement);
    if bulk.is_none() {
        problems.push(format!(
            "do: {:?} is none of give, take, remove",
            sent.text("do")
        ));
    } else if !is_known && !matches!(bulk, Some(Bulk::Remove)) {
        problems.push(format!("entitlement: there is no {entitlement:?}"));
    }
    let Some(bulk) = bulk.filter(|_| problems.is_empty()) else {
        return page(&app, &project, &uri, problems).await;
    };
    let changes = chosen.into_iter().filter_map(|id| {
        let known = rows
            .products
            .iter()
            .find(|row| row.project == project.id && row.id == id);
        if matches!(bulk, Bulk::Remove) {
            return known.map(|_| ConfigurationChange::RemoveProduct(project.id, id));
        }
        // One that was sold and is not listed yet is listed by this.
        let mut row = known.cloned().unwrap_or_else(|| Product {
            project: project.id,
            name: id.clone(),
            id,
            entitlements: Vec::new(),
        });
        match &bulk {
            Bulk::Give(key) if !row.entitlements.contains(key) => {
                row.entitlements.push(key.clone());
            }
            Bulk::Take(key) => row.entitlements.retain(|known| known != key),
            Bulk::Give(_) | Bulk::Remove => {}
        }
        (known != Some(&row)).then_some(ConfigurationChange::PutProduct(row))
    });
    let changes: Vec<_> = changes.collect();
    if !changes.is_empty() && !app.engine.configure(changes, &project.caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(done(&format!("/projects/{}/catalog", project.key), "saved"))
}

/// `POST /projects/{project}/catalog/list`: several products at once, one a line: an id, and what it unlocks.
pub(crate) async fn add_products(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let mut products = BTreeMap::new();
    for line in sent.raw("lines").lines() {
        let mut words = line
            .split([',', ';', ' ', '\t'])
            .filter(|word| !word.is_empty())
            .map(str::to_owned);
        if let Some(id) = words.next() {
            // A list says nothing of names: a product that has one keeps it.
            let product = DesiredProduct {
                name: Given::Keep,
                entitlements: Given::Set(words.collect()),
            };
            products.insert(id, product);
        }
    }
    if products.is_empty() {
        let problem = "lines: is empty; each line is a product id and what it unlocks".to_owned();
        return page(&app, &project, &uri, vec![problem]).await;
    }
    let part = Desired {
        products,
        ..Desired::default()
    };
    save(&app, &project, &uri, part).await
}

/// `POST /projects/{project}/catalog/entitlements`.
pub(crate) async fn save_entitlement(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let entitlement = DesiredEntitlement {
        name: form::name(&sent, "name"),
    };
    let part = Desired {
        entitlements: BTreeMap::from([(sent.text("key").to_owned(), entitlement)]),
        ..Desired::default()
    };
    save(&app, &project, &uri, part).await
}
