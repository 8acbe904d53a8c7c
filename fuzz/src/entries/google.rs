//! What Google Play pushes.

use super::{life::at_once, moment::now};
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::secret::Secret;
use serde_json::{Value, json};
use simulator::{Api, ApiRequest, PUSH_ACCOUNT, PlayStore};
use sources::{
    Call, Incoming, Reply, Source, Web,
    google::{self, Credentials, GooglePlay, PushAccess},
};
use std::sync::LazyLock;

const URL: &str = "https://t.example/callbacks";

static PLAY: LazyLock<PlayStore> =
    LazyLock::new(|| PlayStore::new("com.example").expect("keys can be made"));

/// As the store signs a push.
static GENUINE: LazyLock<String> = LazyLock::new(|| {
    let header = PLAY.push_authorization(URL, now());
    header.expect("a token can be signed")
});

fn app() -> google::App {
    google::App {
        package: "com.example".into(),
        push: PushAccess::Oidc {
            audience: None,
            email: PUSH_ACCOUNT.into(),
            keys_url: "https://play.test/certs".into(),
        },
        credentials: None,
        api_url: google::API_URL.into(),
        acknowledge: true,
    }
}

/// One that can ask.
pub(super) static ASKING: LazyLock<GooglePlay> = LazyLock::new(|| {
    let key = Secret::new(PLAY.service_account("https://play.test"));
    let credentials = Credentials::from_key_file(&key).expect("the key is one");
    GooglePlay::new(google::App {
        credentials: Some(credentials),
        ..app()
    })
});

/// Google's key server, which answers as it does or with these bytes.
struct KeyServer<'a>(Option<&'a [u8]>);

#[async_trait]
impl Web for KeyServer<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let request = ApiRequest::of("GET", &call.url, None, Vec::new());
        let body = match self.0 {
            Some(bytes) => bytes.to_vec(),
            None => PLAY.answer(&request, now()).body,
        };
        Ok(Reply {
            status: 200,
            retry_after: None,
            cache_control: None,
            body,
        })
    }
}

/// A pushed message, its token and what one signs, the keys that it is checked with, and what a message holds.
pub(super) fn push(bytes: &[u8]) {
    let source = GooglePlay::new(app());
    let authenticate = |authorization: &str, keys: &KeyServer<'_>| {
        let incoming = Incoming {
            body: bytes,
            authorization: Some(authorization),
            signature: None,
            url: URL,
        };
        drop(at_once(source.authenticate(&incoming, keys, now())));
    };
    authenticate(&GENUINE, &KeyServer(Some(bytes)));
    let text = String::from_utf8_lossy(bytes);
    authenticate(&format!("Bearer {text}"), &KeyServer(None));
    if let Ok(claims @ Value::Object(_)) = serde_json::from_slice(bytes)
        && let Ok(signed) = PLAY.authorization(&claims)
    {
        authenticate(&signed, &KeyServer(None));
    }
    drop(source.receive(bytes, now()));
    let wrapped = json!({ "message": { "messageId": "1", "data": BASE64_STANDARD.encode(bytes) } });
    drop(source.receive(wrapped.to_string().as_bytes(), now()));
}
