//! Apps: how each hears its store, and whether that works.
//!
//! Tests: `crates/api/tests/resources/apps.rs`.

use super::answer::{Answer, Configured, List, list, put};
use axum::extract::{Path, State};
use configuration::DesiredApp;
use domain::{AppId, Environment, ProjectId};
use ledger::{
    AppEnvironment, AppSettings, AppStoreSettings, Commission, ExternalSettings, PlayStoreSettings,
    StripeOwner, StripeSettings,
};
use serde::Serialize;
use sources::{Probe, ProbeOutcome};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::AdditionalProperties},
};
use web::{
    App,
    access::Access,
    audit::Effect,
    body::Json,
    callback_path,
    problem::Problem,
    project::InProject,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::{Configures, Nothing};
    use Method::{Get, Post, Put};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/apps",
            Read,
            "Apps with their callback URLs",
            apps,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/apps/{key}",
            Write,
            "Creates or changes an app",
            put_app,
        ),
        Route::operation(
            Post(Nothing("asks the store whether the settings work")),
            "/api/v1/projects/{project}/apps/{app}/check",
            Write,
            "Asks the store whether an app's settings work",
            check,
        ),
    ]
}

/// An app with its callback URL. Which secrets it has, never what they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppView {
    callback_url: Option<String>,
    commission: Option<CommissionView>,
    id: AppId,
    key: String,
    name: String,
    /// Why its settings cannot be used.
    problem: Option<String>,
    project: ProjectId,
    secrets: Vec<String>,
    settings: SettingsView,
}

/// Settings of an app, of which the document says that nothing else is among them: no derive says that of an enum.
#[derive(Serialize)]
#[serde(transparent)]
struct SettingsView(OfStore);

impl PartialSchema for SettingsView {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::OneOf(mut stores)) = OfStore::schema() else {
            return OfStore::schema();
        };
        for settings in &mut stores.items {
            if let RefOr::T(Schema::Object(settings)) = settings {
                let nothing = AdditionalProperties::<Schema>::FreeForm(false);
                settings.additional_properties = Some(Box::new(nothing));
            }
        }
        Schema::OneOf(stores).into()
    }
}

impl ToSchema for SettingsView {
    fn name() -> Cow<'static, str> {
        "AppSettings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        OfStore::schemas(schemas);
    }
}

/// Settings of an app, by store. None of them is secret.
#[derive(Serialize, ToSchema)]
#[serde(tag = "store", rename_all = "snake_case")]
enum OfStore {
    /// What an App Store app accepts, and how its store is asked.
    AppStore {
        /// Its bundle id.
        bundle_id: String,
        /// Its Apple id, a number; required for production.
        app_apple_id: Option<i64>,
        /// Environments it accepts; production and sandbox when absent.
        #[schema(required = false)]
        environments: Vec<AppEnvironment>,
        /// Root certificates, base64 DER, for Xcode and local testing only.
        #[schema(required = false)]
        local_roots: Vec<String>,
        /// Ask Apple's OCSP responder whether signing certificates were revoked.
        #[schema(required = false)]
        check_revocation: bool,
        /// Issuer id of the App Store Server API key.
        api_issuer: Option<String>,
        /// Id of the key.
        api_key_id: Option<String>,
        /// Where the API is, when it is not Apple's.
        api_url: Option<String>,
    },
    /// How a Google Play app is heard and asked.
    PlayStore {
        /// Its package name.
        package: String,
        /// E-mail of the service account that the Pub/Sub subscription authenticates with.
        push_service_account: Option<String>,
        /// Audience set on the subscription; the callback URL when absent.
        push_audience: Option<String>,
        /// Where the keys are that sign push tokens, when they are not Google's.
        push_keys_url: Option<String>,
        /// Believe pushes without a token. For development only.
        #[schema(required = false)]
        push_unauthenticated: bool,
        /// Acknowledge new purchases; off where the app does it.
        #[schema(required = false)]
        acknowledge: bool,
        /// Where the API is, when it is not Google's.
        api_url: Option<String>,
    },
    /// How a Stripe account is heard and asked.
    Stripe {
        /// Metadata key that holds the app's name for a customer.
        #[schema(required = false)]
        owner_key: String,
        /// Where the name is looked for; the first found wins.
        #[schema(required = false)]
        owner_sources: Vec<StripeOwner>,
        /// Keep access while Stripe retries a failed charge.
        #[schema(required = false)]
        past_due_access: bool,
        /// Take payments made without Checkout for purchases.
        #[schema(required = false)]
        bare_payments: bool,
        /// How many seconds old a signature may be.
        #[schema(required = false)]
        tolerance_seconds: u32,
        /// Where the API is, when it is not Stripe's.
        api_url: Option<String>,
    },
    /// A store of one's own.
    External {
        /// What it is called in payloads: `paddle`, `amazon`, `my_shop`.
        store_name: String,
    },
    /// Access given by hand; every project has one such app, which is not stored.
    Promotional,
}

impl From<AppSettings> for OfStore {
    fn from(settings: AppSettings) -> Self {
        match settings {
            AppSettings::AppStore(of) => Self::app_store(of),
            AppSettings::PlayStore(of) => Self::play_store(of),
            AppSettings::Stripe(of) => Self::stripe(of),
            AppSettings::External(ExternalSettings { store_name }) => Self::External { store_name },
            AppSettings::Promotional => Self::Promotional,
        }
    }
}

impl OfStore {
    fn app_store(of: AppStoreSettings) -> Self {
        Self::AppStore {
            bundle_id: of.bundle_id,
            app_apple_id: of.app_apple_id,
            environments: of.environments,
            local_roots: of.local_roots,
            check_revocation: of.check_revocation,
            api_issuer: of.api_issuer,
            api_key_id: of.api_key_id,
            api_url: of.api_url,
        }
    }

    fn play_store(of: PlayStoreSettings) -> Self {
        Self::PlayStore {
            package: of.package,
            push_service_account: of.push_service_account,
            push_audience: of.push_audience,
            push_keys_url: of.push_keys_url,
            push_unauthenticated: of.push_unauthenticated,
            acknowledge: of.acknowledge,
            api_url: of.api_url,
        }
    }

    fn stripe(of: StripeSettings) -> Self {
        Self::Stripe {
            owner_key: of.owner_key,
            owner_sources: of.owner_sources,
            past_due_access: of.past_due_access,
            bare_payments: of.bare_payments,
            tolerance_seconds: of.tolerance_seconds,
            api_url: of.api_url,
        }
    }
}

/// What a store keeps of each sale.
#[derive(Serialize, ToSchema)]
#[schema(as = Commission)]
#[serde(rename_all = "snake_case")]
enum CommissionView {
    /// The store's standard terms.
    Standard,
    /// Its programme for small businesses.
    SmallBusiness,
    /// A share of one's own, in hundredths of a percent.
    BasisPoints(u32),
}

impl From<Commission> for CommissionView {
    fn from(commission: Commission) -> Self {
        match commission {
            Commission::Standard => Self::Standard,
            Commission::SmallBusiness => Self::SmallBusiness,
            Commission::BasisPoints(points) => Self::BasisPoints(points),
        }
    }
}

pub(crate) async fn apps(
    State(app): State<App>,
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<AppView>> {
    let setup = &project.setup;
    let of_project = setup
        .configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id);
    let shown = of_project.map(|row| AppView {
        callback_url: callback_path(row).map(|path| format!("{}{path}", app.engine.public_url())),
        commission: row.commission.map(CommissionView::from),
        id: row.id,
        key: row.key.clone(),
        name: row.name.clone(),
        problem: setup
            .app(row.id)
            .and_then(|app| app.source.as_ref().err().cloned()),
        project: row.project,
        secrets: setup.secret_names(app.engine.vault(), row),
        settings: SettingsView(row.settings.clone().into()),
    });
    Ok(list(shown, None))
}

pub(crate) async fn put_app(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredApp>,
) -> Configured {
    put(&app, &project, key, body).await
}

/// What came of asking a store.
#[derive(Serialize, ToSchema)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
}

#[derive(Serialize, ToSchema)]
struct Finding {
    asked: &'static str,
    code: Option<&'static str>,
    detail: String,
    environment: Option<Environment>,
    /// `works`, `waiting` or `fails`.
    outcome: &'static str,
}

impl From<Probe> for Finding {
    fn from(probe: Probe) -> Self {
        let (outcome, code, detail) = match probe.outcome {
            ProbeOutcome::Works(seen) => ("works", None, seen),
            ProbeOutcome::Waiting(_) => (
                "waiting",
                None,
                "the store has not said yet how it went; ask again in a minute".to_owned(),
            ),
            ProbeOutcome::Fails { code, detail } => ("fails", Some(code), detail),
        };
        Self {
            asked: probe.asked,
            code,
            detail,
            environment: probe.environment,
            outcome,
        }
    }
}

/// `POST .../apps/{app}/check`: asks the store whether the app's settings work. Takes some seconds for the App Store, which
/// answers by sending a test notification.
pub(crate) async fn check(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer<Findings> {
    let found = project
        .setup
        .apps()
        .find(|found| found.row.project == project.id && found.row.key == key)
        .ok_or_else(|| Problem::not_found("app", &key))?;
    let probes = app.engine.intake().probe(found.row.id).await?;
    let findings = probes.into_iter().map(Finding::from).collect();
    Ok(Json(Findings { findings }))
}
