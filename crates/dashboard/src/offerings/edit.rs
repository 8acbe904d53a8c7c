//! Saving an offering.
//!
//! Tests: `crates/dashboard/tests/sections/offerings.rs`.

use super::page::page;
use crate::{
    form::{Form, Trimmed, given, parsed, wrong},
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use configuration::{DesiredAudience, DesiredOffering, DesiredPackage, Given};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::put,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/offerings";
    vec![Route::page(
        Method::Post(Effect::Configures),
        path,
        Access::Form,
        save,
    )]
}

/// The form of one offering.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OfferingForm {
    key: Trimmed,
    name: Option<Trimmed>,
    /// A package a line: its id, and its product in each store.
    packages: String,
    /// A JSON object.
    metadata: Option<Trimmed>,
    /// Whether it is for everybody, for some, or for nobody in particular.
    meant: Trimmed,
    countries: Trimmed,
    platforms: Trimmed,
    from_version: Trimmed,
    to_version: Trimmed,
    rank: Trimmed,
}

/// A package of a line: `$rc_monthly app_store=com.example.monthly play_store=gold:p1m`.
fn package(line: &str) -> Result<DesiredPackage, String> {
    let mut words = line.split_whitespace();
    let mut package = DesiredPackage {
        id: words.next().unwrap_or_default().to_owned(),
        ..DesiredPackage::default()
    };
    for word in words {
        let (store, product) = word
            .split_once('=')
            .ok_or_else(|| format!("{word:?} should be a store, = and a product"))?;
        let place = match store {
            "app_store" => &mut package.app_store,
            "play_store" => &mut package.play_store,
            "stripe" => &mut package.stripe,
            "external" => &mut package.external,
            other => {
                return Err(format!(
                    "{other:?} is none of app_store, play_store, stripe, external"
                ));
            }
        };
        *place = Some(product.to_owned());
    }
    Ok(package)
}

fn list(text: &str) -> Vec<String> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn release(text: Trimmed) -> Option<String> {
    Some(String::from(text)).filter(|text| !text.is_empty())
}

impl OfferingForm {
    /// What it says of the offering, or what is wrong with it, by field.
    fn read(self) -> Result<(String, DesiredOffering), Vec<configuration::Problem>> {
        let mut problems = Vec::new();
        let lines = self.packages.lines().filter(|line| !line.trim().is_empty());
        let packages = lines.filter_map(|line| {
            let read = package(line);
            read.map_err(|why| problems.push(wrong("packages", why)))
                .ok()
        });
        let packages = Given::Set(packages.collect());
        let object = |text: &str| {
            serde_json::from_str(text).map_err(|error| format!("is no JSON object: {error}"))
        };
        let metadata = parsed("metadata", self.metadata, object, &mut problems);
        let rank = if self.rank.is_empty() {
            Ok(0)
        } else {
            self.rank.parse()
        };
        let rank = rank.unwrap_or_else(|_| {
            problems.push(wrong("rank", "is not a number"));
            0
        });
        let audience = if self.meant.is_empty() {
            Given::Default
        } else {
            Given::Set(DesiredAudience {
                countries: list(&self.countries),
                platforms: list(&self.platforms),
                from_version: release(self.from_version),
                to_version: release(self.to_version),
                rank,
            })
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let offering = DesiredOffering {
            name: given(self.name),
            packages,
            metadata,
            audience,
        };
        Ok((self.key.into(), offering))
    }
}

/// `POST /projects/{project}/offerings`.
async fn save(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<OfferingForm>,
) -> Result<Response, Problem> {
    let problems = match sent.read() {
        Ok(offering) => match put(&app, &project, [offering]).await? {
            Ok(_) => {
                let path = format!("/projects/{}/offerings", project.key);
                return Ok(done(&path, "saved"));
            }
            Err(problems) => problems,
        },
        Err(problems) => problems,
    };
    let told = problems
        .into_iter()
        .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
    page(&app, Place::of(&project, &uri), told.collect()).await
}
