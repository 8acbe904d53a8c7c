//! How a request brings a key.

use super::{Caller, key::digest};
use crate::{
    App,
    problem::{Code, Problem},
};
use axum::http::{header, request::Parts};
use ledger::LedgerError;

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
