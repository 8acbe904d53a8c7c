//! Names and texts that nothing may have, whichever thing they are of.

use super::project::Project;
use configuration::Action;
use serde_json::{Value, json};

fn project() -> Project {
    Project::new(json!({
        "project": { "key": "acme" },
        "entitlements": { "premium": {} },
        "products": { "gold": {} },
        "apps": {
            "web": { "store": "stripe" },
            "shop": { "store": "external", "store_name": "paddle" },
        },
        "integrations": { "slack": { "destination": "slack", "settings": { "webhook_url": "https://hooks.example/x" } } },
    }))
}

/// Everything that has a name, given this one, and where that stands.
fn named(name: &str) -> [(Value, &'static str); 5] {
    [
        (
            json!({ "project": { "key": "acme", "name": name } }),
            "project.name",
        ),
        (
            json!({ "entitlements": { "premium": { "name": name } } }),
            "entitlements.premium.name",
        ),
        (
            json!({ "products": { "gold": { "name": name } } }),
            "products.gold.name",
        ),
        (
            json!({ "apps": { "web": { "name": name } } }),
            "apps.web.name",
        ),
        (
            json!({ "integrations": { "slack": { "name": name } } }),
            "integrations.slack.name",
        ),
    ]
}

#[test]
fn a_name_that_is_none_is_refused_by_its_field_and_limit() {
    let long = "a".repeat(10_000);
    for (name, said) in [
        ("", "1 to 255 characters"),
        ("  ", "1 to 255 characters"),
        ("\u{200b}", "1 to 255 characters"),
        (long.as_str(), "has 10000 characters; a name has 1 to 255"),
        ("a\nb", "a control character"),
        ("a\u{202e}b", "turns the direction"),
    ] {
        for (document, path) in named(name) {
            let problems = project().problems(document);
            assert_eq!(problems.len(), 1, "{problems:?}");
            let (field, problem) = problems[0].split_once(": ").unwrap();
            assert_eq!(field, path);
            assert!(problem.contains(said), "{name:?}: {problem}");
        }
    }
    for (document, path) in named(&"ä".repeat(255)) {
        let applied = project().apply(document);
        assert!(applied.is_ok(), "{path}: {applied:?}");
    }
}

#[test]
fn a_product_is_known_by_what_a_store_may_call_it() {
    let long = "a".repeat(256);
    for (id, said) in [
        ("", "1 to 255"),
        (" ", "1 to 255"),
        (long.as_str(), "1 to 255"),
        ("a\u{0}", "a control character"),
        ("a\u{2066}", "turns the direction"),
    ] {
        let problems = project().problems(json!({ "products": { id: {} } }));
        assert!(
            problems.iter().any(|problem| problem.contains(said)),
            "{id:?}: {problems:?}"
        );
    }
    let added = json!({ "products": { "com.example.gold:monthly": {} } });
    assert_eq!(project().apply(added), Ok(Action::Create));
}

#[test]
fn settings_are_bounded_by_their_kind() {
    let (line, file) = ("a".repeat(2_001), "a".repeat((64 << 10) + 1));
    let many: Vec<_> = (0..101).map(|_| "MAA=").collect();
    for (document, path, said) in [
        (
            json!({ "apps": { "shop": { "store_name": line } } }),
            "apps.shop.store_name",
            "has 2001 bytes; at most 2000",
        ),
        (
            json!({ "apps": { "shop": { "store_name": "pad\u{202e}dle" } } }),
            "apps.shop.store_name",
            "turns the direction",
        ),
        (
            json!({ "apps": { "web": { "owner_key": "a\nb" } } }),
            "apps.web.owner_key",
            "a control character",
        ),
        (
            json!({ "apps": { "web": { "api_key": line } } }),
            "apps.web.api_key",
            "has 2001 bytes; at most 2000",
        ),
        (
            json!({ "apps": { "play": { "store": "play_store", "package": "a", "service_account": file } } }),
            "apps.play.service_account",
            "at most 65536",
        ),
        (
            json!({ "apps": { "ios": { "store": "app_store", "bundle_id": "a", "local_roots": many } } }),
            "apps.ios.local_roots",
            "has 101 entries; at most 100",
        ),
        (
            json!({ "integrations": { "slack": { "settings": { "channel": "a\u{1b}[31m" } } } }),
            "integrations.slack.settings.channel",
            "a control character",
        ),
        (
            json!({ "integrations": { "hook": { "destination": "webhook", "settings": { "events": { "test": "a\nb" } } } } }),
            "integrations.hook.settings.events.test",
            "a control character",
        ),
    ] {
        let problems = project().problems(document);
        let (field, problem) = problems[0].split_once(": ").unwrap();
        assert_eq!(field, path, "{problems:?}");
        assert!(problem.contains(said), "{path}: {problem}");
    }
}
