//! One function for each parser of outside bytes. None may panic, whatever it is given; what that means is for tests beside the
//! parsers. Signatures keep a fuzzer out, so what lies behind one is signed here.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use configuration::{Desired, Means, Vault};
use domain::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Api, ApiRequest, Authority, PUSH_ACCOUNT, PlayStore};
use sources::{
    Call, Incoming, Receipt, Reply, Sender, Source, Web,
    apple::{App, AppEnvironment, AppStore, Chain, Verifier, ocsp::Check},
    google::{self, GooglePlay, PushAccess},
    stripe,
};
use std::{
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Waker},
};

/// Takes whatever it is given.
pub type Parser = fn(&[u8]);

/// Parsers by the name of their target.
pub const ALL: [(&str, Parser); 7] = [
    ("jws", jws),
    ("receipt", receipt),
    ("ocsp", ocsp),
    ("push", push),
    ("stripe", stripe),
    ("body", body),
    ("project", project),
];

static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::create().expect("certificates can be made"));

static APP_STORE: LazyLock<AppStore> = LazyLock::new(|| {
    let root = BASE64_STANDARD.decode(AUTHORITY.root());
    AppStore::new(App {
        bundle_id: "com.example".into(),
        app_apple_id: Some(1234),
        environments: vec![
            AppEnvironment::Production,
            AppEnvironment::Sandbox,
            AppEnvironment::Xcode,
            AppEnvironment::LocalTesting,
        ],
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(
            Verifier::with_roots(root.into_iter().collect()).accepting_single_certificate(),
        )),
    })
});

fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

fn send(token: String) {
    for sender in [Sender::Client, Sender::Project] {
        let receipt = Receipt {
            token: token.clone(),
            product: None,
            app_user_id: "ann".into(),
            sender,
            offering: None,
            claimed_price: None,
        };
        drop(APP_STORE.receipt(&receipt, now()));
    }
}

fn notify(signed: &str) {
    let body = json!({ "signedPayload": signed }).to_string();
    drop(APP_STORE.receive(body.as_bytes(), now()));
}

/// A notification's body, a JWS in one, a JWS as a receipt, and what a JWS signs.
pub fn jws(bytes: &[u8]) {
    drop(APP_STORE.receive(bytes, now()));
    let text = String::from_utf8_lossy(bytes).into_owned();
    notify(&text);
    send(text);
    let Ok(payload @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Ok(signed) = AUTHORITY.sign(&payload) else {
        return;
    };
    notify(&signed);
    send(signed.clone());
    let around = json!({
        "notificationType": "DID_RENEW", "notificationUUID": "u", "version": "2.0", "signedDate": now().as_millisecond(),
        "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": 1,
            "signedTransactionInfo": signed, "signedRenewalInfo": signed },
    });
    if let Ok(signed) = AUTHORITY.sign(&around) {
        notify(&signed);
    }
}

/// A receipt: PKCS#7 around a set of attributes.
pub fn receipt(bytes: &[u8]) {
    send(BASE64_STANDARD.encode(bytes));
    send(String::from_utf8_lossy(bytes).into_owned());
}

static CHECKS: LazyLock<Vec<Check>> = LazyLock::new(|| {
    let certificates = [
        include_bytes!("../certificates/receipt-signing-2025.der").to_vec(),
        include_bytes!("../certificates/wwdr-g6.der").to_vec(),
        include_bytes!("../../crates/sources/src/apple/AppleRootCA-G3.der").to_vec(),
    ];
    let chain = Chain::build(&certificates, &certificates[2..]);
    chain.expect("it is Apple's").revocation_checks()
});

/// An answer of Apple's OCSP responder.
pub fn ocsp(bytes: &[u8]) {
    for check in CHECKS.iter() {
        drop(check.judge(bytes, now()));
    }
}

static PLAY: LazyLock<PlayStore> =
    LazyLock::new(|| PlayStore::new("com.example").expect("keys can be made"));

/// Google's key server.
struct KeyServer;

#[async_trait]
impl Web for KeyServer {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let request = ApiRequest::of("GET", &call.url, None, Vec::new());
        let answer = PLAY.answer(&request, now());
        Ok(Reply {
            status: answer.status,
            retry_after: None,
            cache_control: None,
            body: answer.body,
        })
    }
}

/// A pushed message, its token, and what a message holds.
pub fn push(bytes: &[u8]) {
    let source = GooglePlay::new(google::App {
        package: "com.example".into(),
        push: PushAccess::Oidc {
            audience: None,
            email: PUSH_ACCOUNT.into(),
            keys_url: "https://play.test/certs".into(),
        },
        credentials: None,
        api_url: google::API_URL.into(),
        acknowledge: false,
    });
    let text = String::from_utf8_lossy(bytes);
    let authorization = format!("Bearer {text}");
    let incoming = Incoming {
        body: bytes,
        authorization: Some(&authorization),
        signature: None,
        url: "https://t.example/callbacks",
    };
    let mut asked = pin!(source.authenticate(&incoming, &KeyServer, now()));
    let at_once = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(at_once.is_ready(), "nobody waits here");
    drop(source.receive(bytes, now()));
    let wrapped = json!({ "message": { "messageId": "1", "data": BASE64_STANDARD.encode(bytes) } });
    drop(source.receive(wrapped.to_string().as_bytes(), now()));
}

/// A `Stripe-Signature` header, and an event.
pub fn stripe(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (header, event) = text.split_once('\n').unwrap_or((&text, ""));
    let secrets = [Secret::new("whsec_fuzz")];
    let tolerance = SignedDuration::from_mins(5);
    drop(stripe::verify_signature(
        Some(header),
        event.as_bytes(),
        &secrets,
        tolerance,
        now(),
    ));
    let source = stripe::Stripe::new(stripe::App {
        signing_secrets: secrets.to_vec(),
        tolerance,
        api_key: None,
        api_url: stripe::API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: Vec::new(),
        past_due_access: false,
        bare_payments: true,
    });
    drop(source.receive(bytes, now()));
    drop(source.receive(event.as_bytes(), now()));
}

/// A body that a client SDK sends under `/v1`.
pub fn body(bytes: &[u8]) {
    api::read_client_body(bytes);
}

/// A project file.
pub fn project(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(desired) = toml::from_str::<Desired>(text) else {
        return;
    };
    let means = Means {
        current: &ledger::Configuration::default(),
        vault: &Vault::with_key([1; 32]),
        context: &destinations::Context::default(),
        fresh: &uuid::Uuid::nil,
    };
    drop(configuration::plan(&desired, &means));
}
