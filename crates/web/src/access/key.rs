//! API keys, secret and public.

use aws_lc_rs::digest as sha;
use domain::{ApiKeyId, ProjectId, Store};
use engine::System;
use ledger::{ApiKey, Scope};

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
