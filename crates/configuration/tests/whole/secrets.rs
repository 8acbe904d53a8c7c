//! What is masked comes back, of apps and of integrations alike.

use super::project::Project;
use configuration::{APPS, Action, Vault, app_spec, masked};
use destinations::FieldKind;
use domain::Store;
use serde_json::{Value, json};

const A: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const B: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn project() -> Project {
    Project::new(json!({
        "project": { "key": "acme" },
        "apps": { "web": { "store": "stripe", "api_key": "sk_live_1", "signing_secrets": [A, B] } },
        "integrations": {
            "backend": { "destination": "webhook", "settings": {
                "production_url": "https://a.example/", "production_authorization": "token", "signing_secrets": [A, B],
            } },
        },
    }))
}

/// The two things with secrets, and where a document says which they have.
const BOTH: [(&str, &str); 2] = [("apps", "web"), ("integrations", "backend")];

fn document(kind: &str, key: &str, settings: Value) -> Value {
    let thing = if kind == "apps" {
        let mut thing = settings;
        thing["store"] = "stripe".into();
        thing
    } else {
        json!({ "destination": "webhook", "settings": settings })
    };
    json!({ kind: { key: thing } })
}

fn signing_secrets(project: &Project, kind: &str, key: &str) -> Value {
    let settings = if kind == "apps" {
        project.app_settings(key)
    } else {
        project.integration_settings(key)
    };
    settings["signing_secrets"].clone()
}

#[test]
fn what_is_sent_back_as_it_was_shown_changes_nothing() {
    let mut project = project();
    let spec = app_spec(Store::Stripe).unwrap();
    let shown = masked(spec.fields, &project.app_settings("web"));
    assert_eq!(shown["signing_secrets"], json!(["***", "***"]));
    let before = project.current.clone();
    for (kind, key, shown) in [
        ("apps", "web", shown),
        (
            "integrations",
            "backend",
            masked(
                destinations::find("webhook").unwrap().spec().fields,
                &project.integration_settings("backend"),
            ),
        ),
    ] {
        let again = document(kind, key, shown.into());
        assert_eq!(project.apply(again), Ok(Action::Keep), "{kind}");
    }
    assert_eq!(project.current, before);
}

#[test]
fn a_list_keeps_what_it_names() {
    for (kind, key) in BOTH {
        for (given, wanted) in [
            (json!(["***", "***"]), json!([A, B])),
            (json!(["***2"]), json!([B])),
            (json!(["***"]), json!([A])),
            (json!(["***2", "***1"]), json!([B, A])),
            (json!([B, "***1"]), json!([B, A])),
        ] {
            let mut project = project();
            let document = document(kind, key, json!({ "signing_secrets": given }));
            project.apply(document).unwrap();
            assert_eq!(
                signing_secrets(&project, kind, key),
                wanted,
                "{kind} {given}"
            );
        }
    }
}

#[test]
fn what_stands_for_nothing_is_a_problem_of_its_field() {
    for (kind, key) in BOTH {
        for given in [
            json!({ "signing_secrets": ["***", "***", "***"] }),
            json!({ "signing_secrets": ["***3"] }),
            json!({ "signing_secrets": "***" }),
        ] {
            let problems = project().problems(document(kind, key, given.clone()));
            assert_eq!(problems.len(), 1, "{kind} {given}: {problems:?}");
            let field = problems[0].split_once(": ").unwrap().0;
            let is_there =
                field.starts_with(&format!("{kind}.{key}.")) && field.ends_with(".signing_secrets");
            assert!(is_there, "{problems:?}");
        }
    }
    // A secret that is not there yet cannot stay.
    let problems = project().problems(json!({
        "apps": { "other": { "store": "stripe", "api_key": "***" } },
        "integrations": { "other": { "destination": "slack", "settings": { "webhook_url": "***" } } },
    }));
    assert_eq!(
        problems,
        [
            "apps.other.api_key: is \"***\", but nothing is stored yet",
            "integrations.other.settings.webhook_url: is \"***\", but nothing is stored yet",
        ]
    );
}

#[test]
fn secrets_that_cannot_be_read_are_replaced_and_never_kept() {
    for (kind, key) in BOTH {
        let mut lost = project();
        lost.vault = Vault::with_key([2; 32]);
        let kept = json!({ "signing_secrets": ["***", B] });
        let problems = lost.problems(document(kind, key, kept));
        assert!(
            problems[0].contains("was the key file replaced?"),
            "{problems:?}"
        );
        lost.apply(document(kind, key, json!({ "signing_secrets": [B] })))
            .unwrap();
        assert_eq!(signing_secrets(&lost, kind, key), json!([B]));
    }
}

/// Each secret that travels, with the settings that say where, as an attacker would change them.
const TRAVELS: [(&str, &str, &str, &str, &str); 8] = [
    ("apps", "ios", "api_key", "api_url", "https://evil.example"),
    (
        "apps",
        "android",
        "service_account",
        "api_url",
        "https://evil.example",
    ),
    (
        "apps",
        "android",
        "service_account",
        "push_keys_url",
        "https://evil.example",
    ),
    ("apps", "web", "api_key", "api_url", "https://evil.example"),
    (
        "integrations",
        "hook",
        "production_authorization",
        "production_url",
        "https://evil.example",
    ),
    (
        "integrations",
        "hook",
        "sandbox_authorization",
        "sandbox_url",
        "https://evil.example",
    ),
    (
        "integrations",
        "bus",
        "password",
        "servers",
        "nats://evil.example:4222",
    ),
    (
        "integrations",
        "token",
        "token",
        "servers",
        "nats://evil.example:4222",
    ),
];

fn travellers() -> Project {
    Project::new(json!({
        "project": { "key": "acme" },
        "apps": {
            "ios": { "store": "app_store", "bundle_id": "com.example", "environments": ["sandbox"],
                "api_issuer": "i", "api_key_id": "k", "api_key": "held" },
            "android": { "store": "play_store", "package": "com.example", "service_account": "held" },
            "web": { "store": "stripe", "api_key": "held", "api_url": "https://proxy.example" },
        },
        "integrations": {
            "hook": { "destination": "webhook", "settings": {
                "production_url": "https://a.example/", "production_authorization": "held",
                "sandbox_url": "https://b.example/", "sandbox_authorization": "held" } },
            "bus": { "destination": "nats", "settings": {
                "servers": "nats://a.example:4222", "user": "u", "password": "held" } },
            "token": { "destination": "nats", "settings": { "servers": "nats://a.example:4222", "token": "held" } },
        },
    }))
}

fn changed(kind: &str, key: &str, settings: Value) -> Value {
    let thing = if kind == "apps" {
        settings
    } else {
        json!({ "settings": settings })
    };
    json!({ kind: { key: thing } })
}

#[test]
fn a_secret_stays_with_its_target() {
    for (kind, key, secret, to, evil) in TRAVELS {
        // Left out, or sent back as it was shown: it would be sent to the new address.
        for mut settings in [json!({}), json!({ secret: "***" })] {
            settings[to] = evil.into();
            let mut project = travellers();
            let before = project.current.clone();
            let problems = project.problems(changed(kind, key, settings));
            let path = if kind == "apps" { "" } else { "settings." };
            assert_eq!(
                problems,
                [format!(
                    "{kind}.{key}.{path}{secret}: must be given again, because `{to}` changes: it would be sent there"
                )]
            );
            assert_eq!(project.current, before, "{key} {to}");
        }
        // Given again, though it be the same.
        let again = changed(kind, key, json!({ to: evil, secret: "held" }));
        assert_eq!(travellers().apply(again), Ok(Action::Update), "{key} {to}");
    }
    // One that is not sent anywhere stays, and so does one of another address.
    let hook = changed(
        "integrations",
        "hook",
        json!({ "sandbox_url": "https://c.example/", "sandbox_authorization": null }),
    );
    let mut project = travellers();
    assert_eq!(project.apply(hook), Ok(Action::Update));
    let settings = project.integration_settings("hook");
    assert_eq!(settings["production_authorization"], "held");
    assert!(settings.contains_key("signing_secrets"));
}

/// Whoever is believed to be the endpoint can read what is sent there.
#[test]
fn a_secret_stays_with_whom_it_was_given_to() {
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (key, secrets) in [
        (
            "hook",
            &["production_authorization", "sandbox_authorization"][..],
        ),
        ("bus", &["password"]),
        ("token", &["token"]),
    ] {
        let evil = changed("integrations", key, json!({ "ca_certificates": pem }));
        let mut project = travellers();
        let before = project.current.clone();
        let expected: Vec<_> = secrets
            .iter()
            .map(|secret| {
                format!("integrations.{key}.settings.{secret}: must be given again, because `ca_certificates` changes: it would be sent there")
            })
            .collect();
        assert_eq!(project.problems(evil), expected);
        assert_eq!(project.current, before, "{key}");
        let mut settings = json!({ "ca_certificates": pem });
        for secret in secrets {
            settings[*secret] = "held".into();
        }
        let given = changed("integrations", key, settings);
        assert_eq!(project.apply(given), Ok(Action::Update), "{key}");
        // Nor is it sent to whoever everybody trusts, where only our own were.
        let gone = changed("integrations", key, json!({ "ca_certificates": null }));
        assert_eq!(project.problems(gone), expected);
    }
}

/// Every address of an app decides where one of its secrets goes.
#[test]
fn addresses_of_apps_decide_about_their_secrets() {
    for spec in APPS {
        let urls = spec
            .fields
            .iter()
            .filter(|field| field.kind == FieldKind::Url);
        for url in urls {
            let decides = spec
                .travels
                .iter()
                .any(|travel| travel.to.contains(&url.name));
            assert!(decides, "{:?}: {}", spec.store, url.name);
        }
        for travel in spec.travels {
            let is_known = |name: &str| spec.fields.iter().any(|field| field.name == name);
            assert!(is_known(travel.secret) && travel.to.iter().all(|to| is_known(to)));
        }
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_not_sent_elsewhere_when_its_key_is_back() {
    let mut lost = travellers();
    lost.vault = Vault::with_key([2; 32]);
    let problems = lost.problems(changed(
        "apps",
        "web",
        json!({ "api_url": "https://evil.example" }),
    ));
    assert!(
        problems[0].starts_with("apps.web.api_key: must be given again"),
        "{problems:?}"
    );
}

#[test]
fn addresses_of_apps_are_checked_as_those_of_integrations() {
    for (url, mentions) in [
        ("ftp://a.example", "must begin with https:// or http://"),
        ("https://", "has no host"),
        ("https://me:secret@a.example", "user name or password"),
        ("https://a.example/ b", "white space"),
        ("https://a.example:99999", "a port that is not a number"),
        ("https://a.example/#x", "a fragment"),
        ("https://bücher.example", "letters beyond ASCII"),
        ("https://a.example./", "ends with a dot"),
        ("https://[fe80::1%25eth0]/", "a zone"),
        ("https://[::1", "no ]"),
        ("https://a.example\\@evil.example", "a backslash"),
        ("https://127.1", "no IPv4 address"),
    ] {
        for (kind, key, _, to, _) in TRAVELS.into_iter().filter(|row| row.3.ends_with("_url")) {
            let problems = travellers().problems(changed(kind, key, json!({ to: url })));
            let said = problems
                .iter()
                .find(|problem| problem.contains(&format!(".{to}: ")));
            assert!(
                said.is_some_and(|said| said.contains(mentions)),
                "{problems:?}"
            );
        }
    }
}
