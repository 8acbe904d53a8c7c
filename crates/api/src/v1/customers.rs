//! A customer: found or made, named, forgotten.
//!
//! Tests: `crates/api/tests/resources/v1/customers.rs`.

use super::{
    Client, Error, Platform, Secret,
    body::{Said, Says},
    client::not_a_name,
    error::Code,
    subscriber::{self, Shown},
};
use axum::extract::{Path, State};
use domain::customer::{ANONYMOUS_PREFIX, is_anonymous};
use engine::Profile;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::There,
    at_least::AtLeast,
    audit::{Did, Effect, Known, Noted, Subject},
    body::Json,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Effect::Does;
    use Method::{Delete, GetAnd, Post};
    vec![
        Route::operation(
            GetAnd(Does("make customer", Subject::Customer("id"))),
            "/v1/subscribers/{id}",
            Client,
            "The customer, made when there is none; RevenueCat v1 shape",
            get_subscriber,
        ),
        Route::operation(
            // Whom is what was to be forgotten.
            Delete(Does("forget", Subject::Always("a customer"))),
            "/v1/subscribers/{id}",
            Client,
            "Forgets a customer; takes a secret key",
            delete_subscriber,
        ),
        Route::operation(
            Post(Does("give another name to", Subject::SaidCustomer)),
            "/v1/subscribers/identify",
            Client,
            "Gives a customer another name",
            identify,
        ),
        Route::operation(
            Post(Does("give another name to", Subject::Customer("id"))),
            "/v1/subscribers/{id}/alias",
            Client,
            "The same, as older clients ask",
            alias,
        ),
    ]
}

/// The subscriber, as every successful call answers.
pub(crate) fn shown(app: &App, client: &Client, profile: &Profile, platform: &Platform) -> Shown {
    subscriber::view(
        &app.engine.setup(),
        client.project,
        &profile.record,
        app.engine.system().now(),
        &subscriber::Wanted {
            with_attributes: client.is_secret(),
            store: platform.store(),
        },
    )
}

/// The customer of this name as it is now, as every successful call answers.
pub(crate) async fn current(
    app: &App,
    client: &Client,
    id: &str,
    platform: &Platform,
) -> Result<Json<Shown>, Error> {
    let profile = app.engine.customers().profile(client.project, id).await?;
    Ok(Json(shown(app, client, &profile, platform)))
}

/// A customer that was found, or was made for the request.
fn there(app: &App, client: &Client, profile: &Profile, platform: &Platform) -> There<Shown> {
    let shown = shown(app, client, profile, platform);
    if profile.is_new {
        There::Made(shown)
    } else {
        There::Found(shown)
    }
}

/// `GET /v1/subscribers/{id}`: found, or made; for a key that only reads, and for `HEAD`, as it would be if it were made.
pub(crate) async fn get_subscriber(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    at_least: AtLeast,
) -> Result<Noted<There<Shown>>, Error> {
    let customers = app.engine.customers();
    let known = if client.only_reads {
        customers.known(client.project, &id).await?
    } else {
        client.let_in(&app, &id, Code::TooFast).await?
    };
    let profile = match known {
        Some(record) => Profile {
            record,
            is_new: false,
        },
        None if client.only_reads => Profile {
            record: customers.unmade(client.project, &id),
            is_new: false,
        },
        None => customers.profile(client.project, &id).await?,
    };
    if !at_least.allows(profile.record.seq) {
        return Err(Error::new(Code::NotYet));
    }
    let did = if profile.is_new {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    let there = there(&app, &client, &profile, &platform);
    Ok(Noted::new(did, there))
}

/// That a customer is forgotten.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Deleted)]
pub(crate) struct Deleted {
    app_user_id: String,
    deleted: bool,
}

/// `DELETE /v1/subscribers/{id}`.
pub(crate) async fn delete_subscriber(
    State(app): State<App>,
    Secret(client): Secret,
    Path(id): Path<String>,
) -> Result<Json<Deleted>, Error> {
    app.engine.customers().forget(client.project, &id).await?;
    Ok(Json(Deleted {
        app_user_id: id,
        deleted: true,
    }))
}

/// Gives the customer `old` another name.
async fn named(
    app: &App,
    client: &Client,
    platform: &Platform,
    old: &str,
    new: &str,
) -> Result<There<Shown>, Error> {
    if [old, new].iter().any(|name| name.contains('/')) {
        return Err(not_a_name());
    }
    // No client has such a name: it is made of a purchase, so knowing it would be claiming that.
    if old.starts_with(ANONYMOUS_PREFIX) {
        client.require_secret()?;
    }
    if client.is_public() {
        client.let_in(app, new, Code::TooFast).await?;
        if is_anonymous(old) {
            client.let_in(app, old, Code::TooFast).await?;
        }
    }
    let merged = app
        .engine
        .customers()
        .identify(client.project, old, new)
        .await?;
    Ok(there(app, client, &merged.profile, platform))
}

/// A customer's name, and the one it gets.
#[derive(Deserialize, ToSchema)]
#[schema(as = v1::Identify)]
pub(crate) struct Identify {
    app_user_id: String,
    new_app_user_id: String,
}

impl Says for Identify {}

/// `POST /v1/subscribers/identify`, and the older `POST /v1/subscribers/{id}/alias`.
pub(crate) async fn identify(
    State(app): State<App>,
    client: Client,
    platform: Platform,
    Said(names): Said<Identify>,
) -> Result<Noted<There<Shown>>, Error> {
    let (old, new) = (&names.app_user_id, &names.new_app_user_id);
    let there = named(&app, &client, &platform, old, new).await?;
    Ok(Noted::to(old, there))
}

/// The name a customer gets.
#[derive(Deserialize, ToSchema)]
#[schema(as = v1::Alias)]
pub(crate) struct Alias {
    new_app_user_id: String,
}

impl Says for Alias {}

/// `POST /v1/subscribers/{id}/alias`.
pub(crate) async fn alias(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    Said(names): Said<Alias>,
) -> Result<There<Shown>, Error> {
    named(&app, &client, &platform, &id, &names.new_app_user_id).await
}
