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
                subject,
            } => {
                let mut fields = vec![("grant_type", "client_credentials")];
                fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
                fields.extend(subject.as_deref().map(|subject| ("sub", subject)));
                let id = encode::percent(id);
                let password = encode::percent(secret.expose());
                let request = Request::form(url, fields).with_basic(&id, &password);
                Ok(request.redacting(secret))
            }
            Grant::SignedClient(client) => {
                let assertion = client.assertion(at)?;
                let fields = [
                    ("grant_type", "client_credentials"),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion.as_str()),
                    ("scope", client.scope),
                ];
                let request = Request::form(&client.url, fields);
                Ok(request.redacting(&Secret::new(&assertion)))
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
            // Some write the number as a text.
            expires_in: Option<serde_json::Value>,
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
                // Not in the words of who answered: there may be a token among them.
                let given: Given = serde_json::from_slice(&response.body).map_err(|_| {
                    let why = "what was answered when a token was asked for holds none";
                    Outcome::CredentialsRefused(why.into())
                })?;
                let lasts = match given.expires_in {
                    Some(serde_json::Value::String(text)) => text.parse().ok(),
                    Some(number) => number.as_u64(),
                    None => None,
                };
                Ok(Self {
                    value: given.access_token,
                    lasts: Duration::from_secs(lasts.unwrap_or(UNSAID)),
                })
            }
            400..=407 | 409..=428 | 430..=499 => Err(Outcome::CredentialsRefused(said())),
            _ => Err(Outcome::Retry(response.retry_after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Headers;

    fn given(status: u16, body: &str) -> Result<Token, Outcome> {
        Token::given(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
            unread: None,
        })
    }

    /// Source: RFC 6749, 5.1 and 5.2; Microsoft's older endpoint writes `expires_in` as a text.
    #[test]
    fn a_token_lasts_as_long_as_is_said() {
        let lasts = |body: &str| given(200, body).ok().map(|token| token.lasts.as_secs());
        assert_eq!(
            lasts(r#"{"access_token":"a","expires_in":3599,"token_type":"Bearer"}"#),
            Some(3_599)
        );
        assert_eq!(
            lasts(r#"{"access_token":"a","expires_in":"3600"}"#),
            Some(3_600)
        );
        assert_eq!(lasts(r#"{"access_token":"a"}"#), Some(UNSAID));
    }

    #[test]
    fn what_refuses_a_token_says_why_and_shows_none() {
        let refused = given(400, r#"{"error":"invalid_grant"}"#).err().unwrap();
        assert!(
            matches!(&refused, Outcome::CredentialsRefused(why) if why.contains("invalid_grant"))
        );
        let odd = given(200, r#"{"access_token":["quiet-word"]}"#)
            .err()
            .unwrap();
        assert!(matches!(&odd, Outcome::CredentialsRefused(why) if !why.contains("quiet-word")));
        for status in [408, 429, 503] {
            assert!(
                matches!(given(status, "{}"), Err(Outcome::Retry(_))),
                "{status}"
            );
        }
    }
}
