//! Who asks, where, and what an error means.

use super::super::{App, AppEnvironment};
use crate::{Call, Purpose, Reply, Trouble, Web, jwt::SigningKey, web};
use domain::{Environment, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

pub(super) const WHO: &str = "the App Store Server API";
/// How long a bearer token is good for.
const TOKEN_SECONDS: i64 = 300;

/// An In-App Purchase key of App Store Connect.
#[derive(Debug)]
pub struct ApiKey {
    issuer: String,
    key_id: String,
    key: SigningKey,
}

impl ApiKey {
    /// `key` is the content of the `.p8` file.
    pub fn new(issuer: &str, key_id: &str, key: &Secret) -> Result<Self, String> {
        Ok(Self {
            issuer: issuer.to_owned(),
            key_id: key_id.to_owned(),
            key: SigningKey::elliptic(key.expose())?,
        })
    }

    /// What App Store Connect calls it.
    pub(super) fn id(&self) -> &str {
        &self.key_id
    }

    /// Signs bytes: the two numbers of the signature, one after the other.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        self.key.sign_bytes(message)
    }
}

/// Where the API is.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// For real purchases.
    pub production: String,
    /// For all others.
    pub sandbox: String,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            production: "https://api.storekit.apple.com".into(),
            sandbox: "https://api.storekit-sandbox.apple.com".into(),
        }
    }
}

#[derive(Debug)]
pub(in crate::apple) struct Api {
    pub(super) key: ApiKey,
    pub(super) bundle_id: String,
    pub(super) hosts: Vec<(Environment, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    error_code: Option<i64>,
    #[serde(default)]
    error_message: String,
}

impl Api {
    pub(in crate::apple) fn new(key: ApiKey, hosts: Hosts, app: &App) -> Self {
        let is_production = app.environments.contains(&AppEnvironment::Production);
        let is_other = app
            .environments
            .iter()
            .any(|environment| *environment != AppEnvironment::Production);
        let production = is_production.then_some((Environment::Production, hosts.production));
        let sandbox = is_other.then_some((Environment::Sandbox, hosts.sandbox));
        Self {
            key,
            bundle_id: app.bundle_id.clone(),
            hosts: production.into_iter().chain(sandbox).collect(),
        }
    }

    pub(in crate::apple) fn environments(&self) -> Vec<Environment> {
        self.hosts
            .iter()
            .map(|(environment, _)| *environment)
            .collect()
    }

    fn token(&self, now: Timestamp) -> Result<String, Trouble> {
        let second = now.as_second();
        let claims = json!({
            "iss": self.key.issuer, "iat": second, "exp": second + TOKEN_SECONDS,
            "aud": "appstoreconnect-v1", "bid": self.bundle_id,
        });
        self.key
            .key
            .sign(&self.key.key_id, &claims)
            .map_err(Trouble::Credentials)
    }

    pub(super) async fn call(
        &self,
        mut call: Call,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Reply, Trouble> {
        call.headers
            .push("authorization", format!("Bearer {}", self.token(now)?));
        let reply = web::call(web, &call, WHO).await?;
        if reply.status < 400 {
            return reply.check(WHO, now);
        }
        let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
        let code = problem.as_ref().and_then(|problem| problem.error_code);
        let detail = || {
            let message = problem
                .as_ref()
                .map_or("", |problem| &problem.error_message);
            format!(
                "{WHO} answered {} {}: {message}",
                reply.status,
                code.unwrap_or_default()
            )
        };
        match code {
            // Not found just now, Apple says: worth another try.
            Some(4_040_002 | 4_040_004 | 4_040_006) => Err(Trouble::Unavailable {
                detail: detail(),
                again_at: None,
            }),
            // No such transaction; one of a family member, or of a later period, of which this cannot be asked.
            Some(4_000_006 | 4_000_008 | 4_000_185 | 4_000_187) => Err(Trouble::Unknown(detail())),
            _ => reply.check(WHO, now),
        }
    }

    pub(super) async fn get(
        &self,
        url: String,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Reply, Trouble> {
        self.call(Call::get(Purpose::Store, url, None), web, now)
            .await
    }
}
