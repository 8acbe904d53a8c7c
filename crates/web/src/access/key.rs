//! API keys, secret and public, and how a request brings one.

use super::Caller;
use crate::{
    App,
    problem::{Code, Problem},
};
use aws_lc_rs::digest as sha;
use axum::http::{header, request::Parts};
use domain::{ApiKeyId, ProjectId, Store};
use engine::System;
use ledger::{ApiKey, LedgerError, Scope};

/// SHA-256 of a key or token, in hexadecimal: all that is ever stored of it.
pub fn digest(secret: &str) -> String {
    sha::digest(&sha::SHA256, secret.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// 256 bits, in hexadecimal.
pub fn random_text(system: &dyn System) -> String {
    (0..4)
        .map(|_| format!("{:016x}", system.entropy()))
        .collect()
}

/// Makes an API key. The text is shown once and never stored.
///
/// Errors: what is wrong with its name.
pub fn new_api_key(
    system: &dyn System,
    project: Option<ProjectId>,
    name: &str,
    scope: Scope,
) -> Result<(String, ApiKey), String> {
    if let Some(problem) = domain::name::problem(name) {
        return Err(problem);
    }
    let text = format!("tid_sk_{}", random_text(system));
    let key = ApiKey {
        id: ApiKeyId::new(system.uuid()),
        project,
        name: name.to_owned(),
        app: None,
        digest: digest(&text),
        scope,
        created_at: system.now(),
    };
    Ok((text, key))
}

/// Makes the public key of an app, for its clients. Its beginning is what their SDKs expect for the store.
pub fn new_client_key(system: &dyn System, app: &ledger::App) -> (String, ApiKey) {
    let prefix = match app.store() {
        Store::AppStore => "appl",
        Store::PlayStore => "goog",
        Store::Stripe => "strp",
        Store::External | Store::Promotional => "rcb",
    };
    let random = random_text(system);
    let text = format!("{prefix}_{}", random.get(..32).unwrap_or(&random));
    let key = ApiKey {
        id: ApiKeyId::new(system.uuid()),
        project: Some(app.project),
        app: Some(app.id),
        name: format!("clients of {}", app.key),
        digest: digest(&text),
        scope: Scope::Client,
        created_at: system.now(),
    };
    (text, key)
}

impl App {
    /// A key made a moment ago by another process is good at once.
    pub async fn learn_key(&self, key: &str) -> Result<(), LedgerError> {
        if self.engine.setup().api_key(&digest(key)).is_none() {
            self.engine.reload().await?;
        }
        Ok(())
    }
}

fn bearer(head: &Parts) -> Option<&str> {
    let value = head.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    // Old SDKs send the key alone.
    let is_v1 = head.uri.path().starts_with("/v1/");
    value
        .strip_prefix("Bearer ")
        .or_else(|| Some(value).filter(|_| is_v1))
        .map(str::trim)
}

/// Who holds the key a request brings; nobody when it brings none. A key made a moment ago by another process is good at
/// once.
pub(super) async fn by_key(app: &App, head: &Parts) -> Result<Option<Caller>, Problem> {
    if !head.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let key = bearer(head).ok_or_else(|| {
        Problem::new(
            Code::UnknownKey,
            "send the key as `Authorization: Bearer tid_sk_...`",
        )
    })?;
    app.learn_key(key).await?;
    let setup = app.engine.setup();
    let known = setup
        .api_key(&digest(key))
        .ok_or_else(|| Problem::new(Code::UnknownKey, "the key was revoked or never existed"))?;
    Ok(Some(Caller::of_key(known)))
}
