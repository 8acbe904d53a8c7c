//! Tokens that somebody else gives, which a request needs: who is asked for one, and with what.

use crate::{check_url, encode};
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
/// How long that of a client counts. Source: Segment, "OAuth 2.0": under a minute.
const CLIENT_ASSERTED_FOR: i64 = 55;

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
        /// For whom it is, where who gives it wants to know.
        subject: Option<String>,
    },
    /// For what a client signs with a key of its own. Source: RFC 7523, 2.2.
    SignedClient(SignedClient),
    /// For what a service account signs. Source: RFC 7523, 2.1; Google, "Using OAuth 2.0 for Server to Server Applications".
    ServiceAccount(ServiceAccount),
}

impl Grant {
    /// Who gives it.
    pub fn url(&self) -> &str {
        match self {
            Self::ClientCredentials { url, .. } => url,
            Self::SignedClient(client) => &client.url,
            Self::ServiceAccount(account) => &account.url,
        }
    }
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

/// A client whose public key is known to who gives the token, and what the token is for.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedClient {
    /// Who gives the token.
    pub url: String,
    /// Whom the assertion is for, as it is called there.
    pub audience: String,
    /// The client.
    pub id: String,
    /// Its private key, in PEM.
    pub key: Secret,
    /// The id of that key.
    pub key_id: String,
    /// What the token is for.
    pub scope: &'static str,
}

impl SignedClient {
    /// What it says of itself, signed: the same at the same moment.
    pub(crate) fn assertion(&self, at: Timestamp) -> Result<String, String> {
        let second = at.as_second();
        // Nobody else says it at this moment.
        let once = encode::sha256(format!("{} {at}", self.id));
        let claims = serde_json::json!({ "iss": self.id, "sub": self.id, "aud": self.audience, "iat": second, "exp": second + CLIENT_ASSERTED_FOR, "jti": once });
        signed(&self.key_id, &claims, &pair(&self.key)?)
    }
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
        let mut problems = Vec::new();
        check_url("token_uri", Some(&account.url), &mut problems);
        if let Some(invalid) = problems.pop() {
            return Err(format!("has a token_uri that {}", invalid.problem));
        }
        pair(&account.key).map_err(|problem| format!("has a private_key that {problem}"))?;
        Ok(account)
    }

    /// What it says of itself, signed: the same at the same second.
    pub(crate) fn assertion(&self, at: Timestamp) -> Result<String, String> {
        let second = at.as_second();
        let claims = serde_json::json!({ "iss": self.email, "scope": self.scope, "aud": self.url, "iat": second, "exp": second + ASSERTED_FOR });
        signed(&self.key_id, &claims, &pair(&self.key)?)
    }
}

/// Reads a private key; the error says what is wrong with it.
pub(crate) fn pair(key: &Secret) -> Result<RsaKeyPair, String> {
    let wrong = || "is no RSA key in PEM".to_owned();
    let lines = key.expose().lines().map(str::trim);
    let body: String = lines.filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).map_err(|_| wrong())?;
    // PKCS #8, or what openssl wrote before it.
    let read = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
    read.map_err(|_| wrong())
}

/// Claims as a JSON Web Token. Source: RFC 7519; RFC 7518, 3.3.
fn signed(key_id: &str, claims: &serde_json::Value, pair: &RsaKeyPair) -> Result<String, String> {
    let mut header = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
    if !key_id.is_empty() {
        header["kid"] = key_id.into();
    }
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let said = format!("{}.{}", part(&header), part(claims));
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

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, of) = match self {
            Self::ClientCredentials { id, .. } => ("ClientCredentials", id),
            Self::SignedClient(client) => ("SignedClient", &client.id),
            Self::ServiceAccount(account) => ("ServiceAccount", &account.email),
        };
        f.debug_tuple(kind).field(of).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../tests/settings/service_account.json");
    const SCOPE: &str = "https://www.googleapis.com/auth/pubsub";

    /// Source: RFC 7515 and RFC 7519 for the text, written by hand; its signature was made with `openssl dgst -sha256 -sign`, and the key with
    /// `openssl genpkey -algorithm RSA`.
    #[test]
    fn an_assertion_is_signed_as_openssl_signs_it() {
        let account = ServiceAccount::read(FILE, SCOPE).unwrap();
        let assertion = account.assertion("2026-11-20T09:30:02.7Z".parse().unwrap());
        let assertion = assertion.unwrap();
        let mut parts = assertion.split('.');
        let mut part = || parts.next().unwrap();
        let json = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(
            json(part()),
            r#"{"alg":"RS256","kid":"5f2c9d0e1b3a47c8","typ":"JWT"}"#
        );
        assert_eq!(
            json(part()),
            r#"{"aud":"https://oauth2.googleapis.com/token","exp":1795170602,"iat":1795167002,"iss":"tidings@p1.iam.gserviceaccount.com","scope":"https://www.googleapis.com/auth/pubsub"}"#
        );
        assert_eq!(
            part(),
            "DLE9eXTKAAEQNdzlR_lKzQftdGyzMG1fHobwAhv8EfnhAmNbIeA7aIYE_oDAlINk6RZNHpajfYNihz8MKUcRB_aVK2xVOSmD8098yClzzCfbMnFKfS2lEl2l1ffUK58xs79jy2LlOZ0RolfsTjrm1FD78jioyY8oGnN2_NNNakTxs8sCSn492Ld_fETVfksZrnJVg2voBcjj8w8GEe9W2JXpWsTv9wSz3o05lpaBSmDe7MkK5r1ZJUwIdUZi18xuEkiQRoSBSEj7bb4arR4rZLYp35lWM6mOpZcHnVzInxJEQ3lOP7ccAYN5reG0ImUUj6590Qfz1L9JE_BEHAVpBg"
        );
    }

    /// Source: RFC 7523, 3; Segment docs, "OAuth 2.0". Its signature verifies with the public half of the key, by another library.
    #[test]
    fn a_client_says_who_it_is_for_less_than_a_minute_and_once() {
        let file: serde_json::Value = serde_json::from_str(FILE).unwrap();
        let client = SignedClient {
            url: "https://oauth2.segment.io/token".into(),
            audience: "https://oauth2.segment.io".into(),
            id: "app_1".into(),
            key: Secret::new(file["private_key"].as_str().unwrap()),
            key_id: "k1".into(),
            scope: "tracking_api:write",
        };
        let said = |at: &str| {
            let assertion = client.assertion(at.parse().unwrap()).unwrap();
            let claims = assertion.split('.').nth(1).unwrap();
            let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
            serde_json::from_slice::<serde_json::Value>(&claims).unwrap()
        };
        let claims = said("2026-11-20T09:30:02.7Z");
        for (name, value) in [
            ("iss", "app_1"),
            ("sub", "app_1"),
            ("aud", "https://oauth2.segment.io"),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
        let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!(lasts < 60, "{lasts}");
        assert_ne!(claims["jti"], said("2026-11-20T09:30:02.8Z")["jti"]);
    }

    #[test]
    fn what_is_no_key_of_an_account_is_refused() {
        let key = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut file: serde_json::Value = serde_json::from_str(FILE).unwrap();
            change(&mut file);
            let read = ServiceAccount::read(&file.to_string(), SCOPE);
            read.err().unwrap_or_default()
        };
        assert_eq!(key(&|_| {}), "");
        assert!(
            key(&|file| file["private_key"] = "MAA=".into())
                .contains("a private_key that is no RSA key")
        );
        assert!(key(&|file| file["client_email"] = 1.into()).contains("is not the JSON key"));
        let elsewhere = key(&|file| file["token_uri"] = "file:///etc/passwd".into());
        assert!(elsewhere.contains("token_uri that must begin with https://"));
    }
}
