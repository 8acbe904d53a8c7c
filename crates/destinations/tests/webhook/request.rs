//! Where a request goes, what it is signed with, and what answers mean.

use super::{configure, sample, webhook};
use aws_lc_rs::hmac;
use destinations::{Outcome, Response};
use domain::{Environment, EventKind, Headers, NotSent};
use serde_json::{Value, json};

#[test]
fn each_format_judges_answers_its_own_way() {
    let answer = |format: &str, status| {
        webhook(&json!({ "format": format })).classify(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            unread: None,
            body: Vec::new(),
        })
    };
    for status in 100..600 {
        let delivered = |format| answer(format, status) == Outcome::Delivered;
        assert_eq!(delivered("revenuecat"), status == 200, "{status}");
        assert_eq!(
            delivered("standard"),
            (200..300).contains(&status),
            "{status}"
        );
        for format in ["adapty", "revenuecat", "standard"] {
            let refused = matches!(answer(format, status), Outcome::CredentialsRefused(_));
            assert_eq!(refused, matches!(status, 401 | 403), "{format} {status}");
        }
        if !matches!(status, 401 | 403 | 410) {
            let expected = if (200..300).contains(&status) {
                Outcome::Delivered
            } else {
                Outcome::Retry(None)
            };
            assert_eq!(answer("standard", status), expected);
        }
    }
    assert!(matches!(answer("standard", 410), Outcome::Gone(_)));
    let seconds = |format: &str| webhook(&json!({ "format": format })).timeout().as_secs();
    assert_eq!(seconds("revenuecat"), 60);
    let retries = |settings: Value| webhook(&settings).retry().retries();
    assert_eq!(retries(json!({ "format": "revenuecat" })), 5);
    let chosen = json!({ "format": "revenuecat", "retry": { "policy": "adapty" } });
    assert_eq!(retries(chosen), 9);
    assert!(
        webhook(&json!({ "format": "standard" }))
            .handshakes("word")
            .is_empty()
    );
}

#[test]
fn each_environment_has_its_url_and_verbatim_authorization() {
    let webhook = webhook(
        &json!({ "production_authorization": "Bearer  x ", "sandbox_authorization": "tok" }),
    );
    let mut event = sample::event(EventKind::TrialStarted);
    let message = webhook.plan(&event).unwrap().remove(0);
    let production = webhook
        .render(&message, &event, sample::now(&event))
        .unwrap();
    let header = |request: &destinations::Request| {
        request
            .headers
            .iter()
            .find(|header| header.name == "authorization")
            .map(|header| header.value.clone())
    };
    assert_eq!(
        (production.url.as_str(), header(&production).as_deref()),
        ("https://a.example/hook", Some("Bearer  x "))
    );
    event.environment = Environment::Sandbox;
    let sandbox = webhook
        .render(&message, &event, sample::now(&event))
        .unwrap();
    assert_eq!(
        (sandbox.url.as_str(), header(&sandbox).as_deref()),
        ("https://b.example/hook", Some("tok"))
    );
    assert!(!format!("{production:?}{sandbox:?}").contains("tok"));
    let production_only = configure(&json!({ "production_url": "https://a.example" }))
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let missing = production_only
        .render(&message, &event, sample::now(&event))
        .unwrap_err();
    assert_eq!(
        (missing.reason, missing.detail.as_str()),
        (NotSent::MissingCredentials, "sandbox_url is not set")
    );
}

/// The digest is checked with the secret as the key, over the second, a dot and the body as it was sent, like the receivers that are published do.
#[test]
fn revenuecats_own_signature_stands_beside_the_other() {
    let secrets = ["0123456789abcdef-new", "0123456789abcdef-old"];
    let webhook = webhook(&json!({
        "format": "revenuecat", "revenuecat_signing_secrets": secrets,
        "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    }));
    let event = sample::event(EventKind::TrialStarted);
    let planned = webhook.plan(&event).unwrap();
    let now = sample::now(&event);
    let mut request = webhook.render(&planned[0], &event, now).unwrap();
    let at = jiff::Timestamp::from_second(1_793_491_200).unwrap();
    webhook.sign(&mut request, "dlv_1", at);
    let value = |name: &str| {
        let mut all = request.headers.iter();
        all.find(|header| header.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert!(value("webhook-signature").starts_with("v1,"));
    let theirs = value("x-revenuecat-webhook-signature");
    let mut parts = theirs.split(',');
    assert_eq!(parts.next(), Some("t=1793491200"));
    let signed = [b"1793491200.".as_slice(), &request.body].concat();
    for secret in secrets {
        let digest = parts.next().unwrap().strip_prefix("v1=").unwrap();
        let bytes: Vec<u8> = (0..digest.len() / 2)
            .map(|at| u8::from_str_radix(digest.get(2 * at..2 * at + 2).unwrap(), 16).unwrap())
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, &signed, &bytes).unwrap();
    }
    assert_eq!(parts.next(), None);
}

#[test]
fn two_secrets_sign_while_one_is_rotated_out() {
    let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let new = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let webhook = webhook(&json!({ "signing_secrets": [new, old] }));
    let event = sample::event(EventKind::TrialStarted);
    let mut request = webhook
        .render(
            &webhook.plan(&event).unwrap()[0],
            &event,
            sample::now(&event),
        )
        .unwrap();
    webhook.sign(
        &mut request,
        "dlv_1",
        jiff::Timestamp::from_second(1_614_265_330).unwrap(),
    );
    let value = |name: &str| {
        request
            .headers
            .iter()
            .find(|header| header.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(
        (
            value("webhook-id").as_str(),
            value("webhook-timestamp").as_str()
        ),
        ("dlv_1", "1614265330")
    );
    let expected = [new, old]
        .map(|secret| {
            destinations::webhook::signature(secret, "dlv_1", "1614265330", &request.body).unwrap()
        })
        .join(" ");
    assert_eq!(value("webhook-signature"), expected);
}

#[test]
fn both_ranges_of_answers_hold() {
    let webhook = webhook(&json!({}));
    for status in 100..600 {
        let outcome = webhook.classify(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            unread: None,
            body: Vec::new(),
        });
        let expected = match status {
            200..=399 => matches!(outcome, Outcome::Delivered),
            401 | 403 => matches!(outcome, Outcome::CredentialsRefused(_)),
            400 | 402 | 404 => matches!(outcome, Outcome::Rejected(_)),
            _ => matches!(outcome, Outcome::Retry(_)),
        };
        assert!(expected, "{status}: {outcome:?}");
    }
}
