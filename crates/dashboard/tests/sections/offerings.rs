//! Offerings: the page, saving one, showing it to everybody, removing it.

use crate::{edited, lived, sent, shown, shown_new};
use insta::assert_snapshot;
use web::test::TestServer;

const SAVED: &str = "303 /projects/acme/offerings?notice=saved";

/// Each offering with its packages, and which one everybody is shown.
fn offered(server: &TestServer) -> Vec<String> {
    let (setup, project) = (server.app.engine.setup(), server.project("acme"));
    let current = setup.project(project).unwrap().row.current_offering.clone();
    let rows = setup.configuration.offerings.iter();
    rows.filter(|row| row.project == project)
        .map(|row| {
            let packages = row.packages.iter().map(|package| package.id.as_str());
            let mark = if current.as_ref() == Some(&row.key) {
                "*"
            } else {
                ""
            };
            let packages = packages.collect::<Vec<_>>().join("+");
            format!("{}{mark} {} {packages}", row.key, row.name)
        })
        .collect()
}

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("offerings", shown(&server, "/offerings").await);
    assert_snapshot!("new_offerings", shown_new(&server, "/offerings").await);
}

#[tokio::test]
async fn one_is_saved_with_its_packages_and_whom_it_is_for() {
    let server = lived().await;
    let fields = [
        ("key", "winter"),
        ("name", "Winter"),
        (
            "packages",
            "$rc_monthly app_store=com.example.m play_store=gold:p1m\r\n\r\ncoins external=silver\r\n",
        ),
        ("metadata", r#"{"snow": true}"#),
        ("meant", "on"),
        ("countries", "SE, no"),
        ("platforms", "ios"),
        ("from_version", "2.1"),
        ("rank", "3"),
    ];
    assert_eq!(sent(&server, "/offerings", &fields).await, SAVED);
    let all = offered(&server);
    assert!(
        all.contains(&"winter Winter $rc_monthly+coins".into()),
        "{all:?}"
    );
    let setup = server.app.engine.setup();
    let mut rows = setup.configuration.offerings.iter();
    let winter = rows.find(|row| row.key == "winter").unwrap();
    let audience = winter.audience.as_ref().unwrap();
    assert_eq!(audience.countries, ["SE", "NO"]);
    assert_eq!((audience.rank, winter.metadata.len()), (3, 1));
    for (name, value, problem) in [
        ("packages", "a shop=b", "packages: \"shop\""),
        ("packages", "a b", "packages: \"b\""),
        (
            "packages",
            "a",
            "offerings.x.packages: \"a\" has no product",
        ),
        ("metadata", "[", "metadata: is no JSON object"),
    ] {
        let refused = sent(&server, "/offerings", &[("key", "x"), (name, value)]).await;
        assert!(refused.starts_with(&format!("422 {problem}")), "{refused}");
    }
    let refused = sent(&server, "/offerings", &[("key", "")]).await;
    assert!(refused.starts_with("422 offerings."), "{refused}");
}

#[tokio::test]
async fn everybody_is_shown_one_or_none() {
    let server = lived().await;
    let before = [
        "default* Standard $rc_monthly+coins",
        "summer summer $rc_annual",
    ];
    assert_eq!(offered(&server), before);
    let show = "/offerings/show";
    assert_eq!(sent(&server, show, &[("key", "summer")]).await, SAVED);
    assert_eq!(offered(&server)[1], "summer* summer $rc_annual");
    let refused = sent(&server, "/offerings/remove", &[("key", "summer")]).await;
    assert!(refused.starts_with("422 offerings.summer"), "{refused}");
    assert_eq!(sent(&server, show, &[]).await, SAVED);
    let removed = sent(&server, "/offerings/remove", &[("key", "summer")]).await;
    assert_eq!(removed, "303 /projects/acme/offerings?notice=removed");
    assert_eq!(offered(&server), ["default Standard $rc_monthly+coins"]);
    let refused = sent(&server, show, &[("key", "summer")]).await;
    assert!(refused.contains("there is no offering"), "{refused}");
}

#[tokio::test]
async fn a_form_that_is_saved_untouched_changes_nothing() {
    let server = lived().await;
    let before = server.app.engine.setup().configuration.offerings.clone();
    let saved = edited(&server, "/offerings", &[]).await;
    assert_eq!(saved.status, 303, "{saved}");
    assert_eq!(server.app.engine.setup().configuration.offerings, before);
}
