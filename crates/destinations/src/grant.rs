//! Tokens that somebody else gives, which a request needs: who is asked for one, and with what.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::secret::Secret;
use jiff::Timestamp;
use serde::Deserialize;

/// How long an assertion counts. Source: Google, "Using OAuth 2.0 for Server to Server Applications": at most an hour.
const ASSERTED_FOR: i64 = 3_600;

/// A token that a request needs.
#[derive(Clone, PartialEq, Eq)]
pub enum Grant {
    /// With a name and a secret. Source: RFC 6749, 4.4.
    ClientCredentials {
        /// Who gives it.
        url: String,
        /// The name.
        id: String,
        /// The secret.
        secret: Secret,
        /// What it is for.
        scope: Option<String>,
    },
    /// For what a service account signs. Source: RFC 7523, 2.1; Google, "Using OAuth 2.0 for Server to Server Applications".
    ServiceAccount(ServiceAccount),
}

/// A service account of Google's, and what its token is for.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Who gives the token.
    pub url: String,
    /// The account.
    pub email: String,
    /// Its private key, in PEM.
    pub key: Secret,
    /// The id of that key.
    pub key_id: String,
    /// What the token is for.
    pub scope: &'static str,
}

#[derive(Deserialize)]
struct AccountFile {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Reads the JSON file of a service account; the error says what is wrong with it.
    pub fn read(file: &str, scope: &'static str) -> Result<Self, String> {
        let read: AccountFile = serde_json::from_str(file).map_err(|_| {
            "is not the JSON key of a service account, with client_email and private_key".to_owned()
        })?;
        let account = Self {
            url: read
                .token_uri
                .unwrap_or_else(|| "https://oauth2.googleapis.com/token".into()),
            email: read.client_email,
            key: Secret::new(read.private_key),
            key_id: read.private_key_id,
            scope,
        };
        account.pair()?;
        Ok(account)
    }

    fn pair(&self) -> Result<RsaKeyPair, String> {
        let wrong = || "has a private_key that is no RSA key in PEM (PKCS #8)".to_owned();
        let body: String = self
            .key
            .expose()
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(body.trim()).map_err(|_| wrong())?;
        RsaKeyPair::from_pkcs8(&der).map_err(|_| wrong())
    }

    /// What it says of itself, signed: the same at the same second.
    pub(crate) fn assertion(&self, at: Timestamp) -> Result<String, String> {
        let second = at.as_second();
        let header = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let claims = serde_json::json!({ "iss": self.email, "scope": self.scope, "aud": self.url, "iat": second, "exp": second + ASSERTED_FOR });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", part(&header), part(&claims));
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            said.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| "could not be signed".to_owned())?;
        Ok(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, of) = match self {
            Self::ClientCredentials { id, .. } => ("ClientCredentials", id),
            Self::ServiceAccount(account) => ("ServiceAccount", &account.email),
        };
        f.debug_tuple(kind).field(of).finish()
    }
}
