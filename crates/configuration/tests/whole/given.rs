//! What is absent stays, what is null has its default, what is said is set: of every kind of thing alike.

use super::project::Project;
use configuration::{APPS, Action, Vault};
use destinations::FieldKind;
use domain::Environment::{Production, Sandbox};
use ledger::{Commission, TransferBehaviour, Verification};
use serde_json::{Map, Value, json};

fn project() -> Project {
    Project::new(json!({
        "project": {
            "key": "acme", "name": "Acme", "historical_window_hours": 7, "transfer_behaviour": "keep",
            "sandbox_transfer_behaviour": "share",
        },
        "entitlements": { "premium": { "name": "Premium" } },
        "products": { "monthly": { "name": "Monthly", "entitlements": ["premium"] } },
        "apps": { "ios": {
            "name": "Acme for iOS", "store": "app_store", "bundle_id": "com.example.acme", "environments": ["sandbox"],
            "check_revocation": true, "commission": "small_business", "api_issuer": "i", "api_key_id": "k", "api_key": "secret",
        } },
        "integrations": { "backend": {
            "name": "Backend", "destination": "webhook", "paused": true,
            "settings": {
                "production_url": "https://a.example/", "production_authorization": "token", "send_attribution": true,
                "events": { "trial_started": "begun" },
            },
        } },
    }))
}

#[test]
fn a_document_that_says_nothing_changes_nothing() {
    let mut project = project();
    let before = project.current.clone();
    for document in [
        json!({}),
        json!({ "entitlements": { "premium": {} } }),
        json!({ "products": { "monthly": {} } }),
        json!({ "apps": { "ios": {} } }),
        json!({ "apps": { "ios": { "store": "app_store" } } }),
        json!({ "integrations": { "backend": {} } }),
        json!({ "integrations": { "backend": { "destination": "webhook" } } }),
        json!({ "integrations": { "backend": { "settings": {} } } }),
    ] {
        assert_eq!(
            project.apply(document.clone()),
            Ok(Action::Keep),
            "{document}"
        );
    }
    assert_eq!(project.current, before);
}

#[test]
fn a_document_changes_what_it_names_and_nothing_else() {
    let mut project = project();
    project
        .apply(json!({
            "project": { "key": "acme", "historical_window_hours": 8 },
            "entitlements": { "premium": { "name": "Gold" } },
            "products": { "monthly": { "name": "Month" } },
            "apps": { "ios": { "api_key": "other" } },
            "integrations": { "backend": { "settings": { "sandbox_url": "https://b.example/" } } },
        }))
        .unwrap();
    let row = &project.current.projects[0];
    assert_eq!(
        (row.name.as_str(), row.historical_window_hours),
        ("Acme", 8)
    );
    assert_eq!(row.transfer_behaviour, TransferBehaviour::Keep);
    assert_eq!(
        row.sandbox_transfer_behaviour,
        Some(TransferBehaviour::Share)
    );
    assert_eq!(project.current.entitlements[0].name, "Gold");
    let product = &project.current.products[0];
    assert_eq!(
        (product.name.as_str(), &product.entitlements[..]),
        ("Month", &["premium".to_owned()][..])
    );
    let app = project.app("ios");
    assert_eq!(
        (app.name.as_str(), app.commission),
        ("Acme for iOS", Some(Commission::SmallBusiness))
    );
    let settings = project.app_settings("ios");
    assert_eq!(settings["api_key"], "other");
    assert_eq!(settings["api_issuer"], "i");
    assert_eq!(settings["environments"], json!(["sandbox"]));
    assert_eq!(settings["check_revocation"], true);
    let integration = project.integration("backend");
    assert_eq!(
        (integration.name.as_str(), integration.paused),
        ("Backend", true)
    );
    let settings = project.integration_settings("backend");
    assert_eq!(settings["production_authorization"], "token");
    assert_eq!(settings["sandbox_url"], "https://b.example/");
    assert_eq!(settings["events"], json!({ "trial_started": "begun" }));
}

#[test]
fn null_is_the_default_of_every_field() {
    let mut project = project();
    let signing = project.integration_settings("backend")["signing_secrets"].clone();
    project
        .apply(json!({
            "project": {
                "key": "acme", "name": null, "historical_window_hours": null, "transfer_behaviour": null,
                "sandbox_transfer_behaviour": null,
            },
            "entitlements": { "premium": { "name": null } },
            "products": { "monthly": { "name": null, "entitlements": null } },
            "apps": { "ios": {
                "name": null, "commission": null, "check_revocation": null, "api_issuer": null, "api_key_id": null, "api_key": null,
            } },
            "integrations": { "backend": {
                "name": null, "paused": null,
                "settings": { "production_authorization": null, "send_attribution": null, "signing_secrets": null },
            } },
        }))
        .unwrap();
    let row = &project.current.projects[0];
    assert_eq!(
        (row.name.as_str(), row.historical_window_hours),
        ("acme", 24)
    );
    assert_eq!(row.transfer_behaviour, TransferBehaviour::Transfer);
    assert_eq!(row.sandbox_transfer_behaviour, None, "as in production");
    assert_eq!(project.current.entitlements[0].name, "premium");
    let product = &project.current.products[0];
    assert_eq!(
        (product.name.as_str(), product.entitlements.len()),
        ("monthly", 0)
    );
    let app = project.app("ios");
    assert_eq!((app.name.as_str(), app.commission), ("ios", None));
    assert!(app.sealed_secrets.is_empty());
    let settings = project.app_settings("ios");
    assert_eq!(settings.get("api_issuer"), None);
    assert_eq!(settings["check_revocation"], false);
    let integration = project.integration("backend");
    assert_eq!(
        (integration.name.as_str(), integration.paused),
        ("backend", false)
    );
    let settings = project.integration_settings("backend");
    assert_eq!(settings.get("production_authorization"), None);
    assert_eq!(settings["production_url"], "https://a.example/");
    assert_ne!(settings["signing_secrets"], signing, "a new one of its own");
    assert_eq!(
        settings["signing_secrets"].as_array().map(Vec::len),
        Some(1)
    );

    // Of all settings at once, too.
    project
        .apply(json!({ "integrations": { "backend": { "settings": null } } }))
        .unwrap();
    let settings = project.integration_settings("backend");
    let names: Vec<_> = settings.keys().collect();
    assert_eq!(names, ["signing_secrets"]);
}

#[test]
fn what_a_new_thing_does_not_say_has_its_default_or_is_asked_for() {
    let mut project = project();
    let problems = project.problems(json!({
        "apps": { "new": { "bundle_id": "com.example.new" } },
        "integrations": { "new": { "paused": true } },
    }));
    let there = "`GET /api/v1/destinations` lists those there are, and so does docs/destinations";
    assert_eq!(
        problems,
        [
            "apps.new.store: is missing; it is one of \"app_store\", \"play_store\", \"stripe\" and \"external\"".to_owned(),
            format!("integrations.new.destination: is missing; {there}"),
        ]
    );
    // Somebody meant another word, or the name that people read.
    for (wanted, meant) in [
        ("amplitud", Some("amplitude")),
        ("Customer.io", Some("customerio")),
        ("microsoft teams", Some("teams")),
        ("carrier pigeon post", None),
    ] {
        let asked = json!({ "integrations": { "new": { "destination": wanted } } });
        let problem = project.problems(asked).remove(0);
        let says = meant.map_or(there.to_owned(), |key| format!("did you mean `{key}`?"));
        assert!(problem.ends_with(&says), "{problem}");
    }
    project
        .apply(json!({ "integrations": { "new": { "destination": "webhook" } } }))
        .unwrap();
    let new = project.integration("new");
    assert_eq!((new.name.as_str(), new.paused), ("new", false));
}

#[test]
fn settings_of_another_destination_begin_anew() {
    let mut project = project();
    let slack =
        json!({ "destination": "slack", "settings": { "webhook_url": "https://hooks.example/x" } });
    project
        .apply(json!({ "integrations": { "backend": slack } }))
        .unwrap();
    let integration = project.integration("backend");
    assert_eq!(
        (integration.name.as_str(), integration.paused),
        ("Backend", true)
    );
    assert_eq!(
        Value::from(project.integration_settings("backend")),
        json!({ "webhook_url": "https://hooks.example/x" })
    );
}

/// Source: RevenueCat docs, "Event Types and Fields": it has names of its own, and none for a grace period that was entered.
#[test]
fn another_format_leaves_behind_what_it_has_no_use_for() {
    let events = json!({
        "trial_started": "begun", "entered_grace_period": true, "billing_issue_detected": false,
    });
    let mut project = project();
    let change =
        |settings: Value| json!({ "integrations": { "backend": { "settings": settings } } });
    project.apply(change(json!({ "events": events }))).unwrap();
    let both = json!({ "format": "revenuecat", "events": events });
    let problems = project.problems(change(both));
    assert_eq!(
        problems.len(),
        2,
        "whoever asks for both is told: {problems:?}"
    );
    project
        .apply(change(json!({ "format": "revenuecat" })))
        .unwrap();
    let settings = project.integration_settings("backend");
    assert_eq!(
        settings["events"],
        json!({ "billing_issue_detected": false })
    );
    // Nothing else is left behind.
    let wrong = json!({ "format": "adapty", "max_per_second": 0 });
    assert_eq!(project.problems(change(wrong)).len(), 1);
}

#[test]
fn what_says_nothing_of_settings_needs_not_read_them() {
    let mut project = project();
    project.vault = Vault::with_key([2; 32]);
    let sealed = project.integration("backend").sealed_settings.clone();
    let resume = json!({ "integrations": { "backend": { "paused": false } } });
    assert_eq!(project.apply(resume), Ok(Action::Update));
    let integration = project.integration("backend");
    assert_eq!(
        (integration.paused, &integration.sealed_settings),
        (false, &sealed)
    );
    let sealed = project.app("ios").sealed_secrets.clone();
    project
        .apply(json!({ "apps": { "ios": { "name": "iOS" } } }))
        .unwrap();
    assert_eq!(project.app("ios").sealed_secrets, sealed);
}

#[test]
fn an_endpoint_is_asked_again_only_when_its_settings_changed() {
    let mut project = project();
    project.current.integrations[0].verification = Verification::Passed.into();
    let again = json!({ "paused": false, "settings": { "production_url": "https://a.example/" } });
    project
        .apply(json!({ "integrations": { "backend": again } }))
        .unwrap();
    assert_eq!(
        project.integration("backend").verification,
        Verification::Passed.into()
    );
    let moved = json!({ "settings": {
        "production_url": "https://c.example/", "production_authorization": "hush"
    } });
    project
        .apply(json!({ "integrations": { "backend": moved } }))
        .unwrap();
    let verification = &project.integration("backend").verification;
    assert_eq!(*verification.of(Production), Verification::Pending);
}

/// Whoever switches an event off, or gives the sandbox another URL, does not hold production for it.
#[test]
fn only_an_endpoint_that_would_be_asked_something_else_is_asked_again() {
    let url = |url: &str| json!({ "sandbox_url": url });
    for (settings, production, sandbox) in [
        (
            json!({ "events": { "trial_started": false } }),
            Verification::Passed,
            Verification::Passed,
        ),
        (
            json!({ "max_per_second": 5 }),
            Verification::Passed,
            Verification::Passed,
        ),
        (
            url("https://other.example/"),
            Verification::Passed,
            Verification::Pending,
        ),
        (
            json!({ "handshake": "earlier" }),
            Verification::Pending,
            Verification::Pending,
        ),
        (
            json!({ "production_authorization": "new" }),
            Verification::Pending,
            Verification::Passed,
        ),
    ] {
        let mut project = project();
        let both = json!({ "production_url": "https://a.example/", "production_authorization": "hush", "sandbox_url": "https://b.example/" });
        let change =
            |settings: &Value| json!({ "integrations": { "backend": { "settings": settings } } });
        project.apply(change(&both)).unwrap();
        project.current.integrations[0].verification = Verification::Passed.into();
        project.apply(change(&settings)).unwrap();
        let known = &project.integration("backend").verification;
        let verdicts = (known.of(Production), known.of(Sandbox));
        assert_eq!(verdicts, (&production, &sandbox), "{settings}");
    }
}

#[test]
fn a_setting_that_nothing_has_names_the_one_that_was_perhaps_meant() {
    for (document, wanted) in [
        (
            json!({ "apps": { "ios": { "bundel_id": "x" } } }),
            "apps.ios.bundel_id: is no setting of it; did you mean `bundle_id`?",
        ),
        (
            json!({ "apps": { "ios": { "nmae": "x" } } }),
            "apps.ios.nmae: is no setting of it; did you mean `name`?",
        ),
        (
            json!({ "apps": { "shop": { "store": "external", "store_name": "s", "warehouse": null } } }),
            "apps.shop.warehouse: is no setting of it; there are store_name, commission, name, store",
        ),
        (
            json!({ "integrations": { "backend": { "settings": { "sandbox_uri": "x" } } } }),
            "integrations.backend.settings.sandbox_uri: is no setting of it; did you mean `sandbox_url`?",
        ),
    ] {
        assert_eq!(project().problems(document), [wanted]);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_a_problem_of_its_field() {
    for (settings, field) in [
        (json!({ "bundle_id": 1 }), "bundle_id"),
        (json!({ "app_apple_id": "1" }), "app_apple_id"),
        (json!({ "app_apple_id": -1 }), "app_apple_id"),
        (
            json!({ "environments": ["sandbox", "mars"] }),
            "environments",
        ),
        (json!({ "environments": "sandbox" }), "environments"),
        (json!({ "check_revocation": "yes" }), "check_revocation"),
        (json!({ "local_roots": [1] }), "local_roots"),
        (json!({ "commission": "big" }), "commission"),
        (json!({ "api_key": 1 }), "api_key"),
    ] {
        let problems = project().problems(json!({ "apps": { "ios": settings } }));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("apps.ios.{field}: ")),
            "{problems:?}"
        );
    }
    for (settings, field) in [
        (json!({ "format": "morse" }), "format"),
        (json!({ "retry": { "policy": "never" } }), "retry"),
        (json!({ "retry": "adapty" }), "retry"),
        (json!({ "events": ["trial_started"] }), "events"),
        (json!({ "trial_active_days": "two" }), "trial_active_days"),
    ] {
        let thing = json!({ "settings": settings });
        let problems = project().problems(json!({ "integrations": { "backend": thing } }));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("integrations.backend.settings.{field}: ")),
            "{problems:?}"
        );
    }
}

/// A value of a kind, other than any default.
fn sample(name: &str, kind: FieldKind) -> Value {
    match kind {
        _ if name == "commission" => json!("15"),
        FieldKind::Text | FieldKind::LongText | FieldKind::Secret | FieldKind::LongSecret => {
            json!("text")
        }
        FieldKind::Url => json!("https://api.example/"),
        FieldKind::Secrets | FieldKind::Lines => json!(["one", "two"]),
        FieldKind::Switch => json!(true),
        FieldKind::Choice(words) => json!(words.last()),
        FieldKind::Choices(words) => json!([words.last()]),
        FieldKind::Number => json!(7),
        FieldKind::Events | FieldKind::EventSwitches | FieldKind::Retry => json!({}),
    }
}

#[test]
fn an_app_has_every_setting_that_is_listed_and_no_other() {
    for spec in APPS {
        let mut project = project();
        let mut settings: Map<String, Value> = spec
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), sample(field.name, field.kind)))
            .collect();
        let said = Value::from(settings.clone());
        settings.insert("store".into(), spec.store.id().into());
        project
            .apply(json!({ "apps": { "new": settings } }))
            .unwrap();
        assert_eq!(
            Value::from(project.app_settings("new")),
            said,
            "{:?}",
            spec.store
        );
        // What is stored of an app is what is listed.
        let stored = serde_json::to_value(&project.app("new").settings).unwrap();
        for name in stored
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| *name != "store")
        {
            assert!(spec.fields.iter().any(|field| field.name == name), "{name}");
        }
    }
}
