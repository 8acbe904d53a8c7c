//! The service account's key, and the bearer token it is exchanged for. Source: Google, "Using OAuth 2.0 for
//! Server to Server Applications".

use crate::{Call, Purpose, Trouble, Web, jwt::SigningKey, web};
use domain::{
    secret::Secret,
    time::{after, before},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

const SCOPE: &str = "https://www.googleapis.com/auth/androidpublisher";
/// A token is renewed this long before it ends.
const RENEW_EARLY: SignedDuration = SignedDuration::from_mins(5);

/// A service account's key.
#[derive(Debug)]
pub struct Credentials {
    email: String,
    key_id: String,
    token_url: String,
    key: SigningKey,
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    #[serde(default)]
    private_key_id: String,
    private_key: String,
    token_uri: String,
}

impl Credentials {
    /// Reads the JSON key file of a service account. The error says what is wrong with it and never quotes it.
    pub fn from_key_file(json: &Secret) -> Result<Self, String> {
        let file: KeyFile = serde_json::from_str(json.expose()).map_err(|error| {
            format!(
                "expected the JSON key file of a service account, with client_email, private_key and token_uri ({:?} at column {})",
                error.classify(),
                error.column()
            )
        })?;
        Ok(Self {
            key: SigningKey::rsa(&file.private_key)
                .map_err(|problem| format!("private_key: {problem}"))?,
            email: file.client_email,
            key_id: file.private_key_id,
            token_url: file.token_uri,
        })
    }
}

#[derive(Debug)]
struct Token {
    text: String,
    good_until: Timestamp,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: Option<i64>,
}

/// Bearer tokens of one service account.
#[derive(Debug)]
pub(super) struct Tokens {
    credentials: Credentials,
    held: Mutex<Option<Token>>,
}

impl Tokens {
    pub(super) fn of(credentials: Credentials) -> Self {
        Self {
            credentials,
            held: Mutex::new(None),
        }
    }

    /// The service account, for people.
    pub(super) fn account(&self) -> &str {
        &self.credentials.email
    }

    /// The next call asks for another.
    pub(super) async fn forget(&self) {
        self.held.lock().await.take();
    }

    /// One token at a time is asked for; everybody waits for it.
    pub(super) async fn get(&self, web: &dyn Web, now: Timestamp) -> Result<String, Trouble> {
        let mut token = self.held.lock().await;
        if let Some(token) = token.as_ref().filter(|token| now < token.good_until) {
            return Ok(token.text.clone());
        }
        let credentials = &self.credentials;
        let claims = json!({
            "iss": credentials.email, "scope": SCOPE, "aud": credentials.token_url,
            "iat": now.as_second(), "exp": now.as_second() + 3600,
        });
        let assertion = credentials
            .key
            .sign(&credentials.key_id, &claims)
            .map_err(Trouble::Credentials)?;
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let call = Call::post(
            Purpose::Store,
            credentials.token_url.clone(),
            None,
            "application/x-www-form-urlencoded",
            form.into_bytes(),
        );
        let reply = web::call(web, &call, "Google's token server").await?;
        // A refused assertion is a 400 here.
        if reply.status == 400 {
            return Err(Trouble::Credentials(format!(
                "Google's token server refused the service account: {}",
                reply.excerpt()
            )));
        }
        let reply = reply.check("Google's token server", now)?;
        let reply: TokenReply = reply.json("Google's token server")?;
        let lasts = SignedDuration::from_secs(reply.expires_in.unwrap_or(3600));
        *token = Some(Token {
            text: reply.access_token.clone(),
            good_until: before(after(now, lasts), RENEW_EARLY),
        });
        Ok(reply.access_token)
    }
}
