//! How a token is asked for, and what is answered.
//!
//! A destination says which token it needs; whoever sends asks for it once, keeps it until shortly before it ends, and drops it when it is
//! refused.

use crate::{
    Outcome, encode,
    grant::Grant,
    request::{Request, Response},
};
use domain::secret::Secret;
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;

/// How long a token is kept whose giver does not say how long it counts.
const UNSAID: u64 = 300;

/// A token that was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// It.
    pub value: Secret,
    /// For how long it counts.
    pub lasts: Duration,
}

impl Token {
    /// The request that asks for one; the error says what is wrong with the credentials.
    pub fn asked(grant: &Grant, at: Timestamp) -> Result<Request, String> {
        match grant {
            Grant::ClientCredentials {
                url,
                id,
                secret,
                scope,
            } => {
                let mut fields = vec![("grant_type", "client_credentials")];
                fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
                let id = encode::percent(id);
                let password = encode::percent(secret.expose());
                let request = Request::form(url, fields).with_basic(&id, &password);
                Ok(request.redacting(secret))
            }
            Grant::ServiceAccount(account) => {
                let assertion = account.assertion(at)?;
                let fields = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion.as_str()),
                ];
                let request = Request::form(&account.url, fields);
                Ok(request.redacting(&Secret::new(&assertion)))
            }
        }
    }

    /// What was answered: the token, or what that means for what needed it.
    pub fn given(response: &Response) -> Result<Self, Outcome> {
        #[derive(Deserialize)]
        struct Given {
            access_token: Secret,
            expires_in: Option<u64>,
        }
        let said = || {
            format!(
                "no token was given: {} {}",
                response.status,
                response.said()
            )
        };
        match response.status {
            200..=299 => {
                let given: Given = serde_json::from_slice(&response.body)
                    .map_err(|_| Outcome::CredentialsRefused(said()))?;
                Ok(Self {
                    value: given.access_token,
                    lasts: Duration::from_secs(given.expires_in.unwrap_or(UNSAID)),
                })
            }
            400..=428 | 430..=499 => Err(Outcome::CredentialsRefused(said())),
            _ => Err(Outcome::Retry(response.retry_after)),
        }
    }
}
