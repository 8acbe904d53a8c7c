//! What each section shows.

use crate::{browser::main_of, lived};
use insta::assert_snapshot;
use web::test::{TestServer, Who};

async fn shown(server: &TestServer, path: &str) -> String {
    let page = server.page(&format!("/projects/acme{path}")).await;
    assert_eq!(page.status, 200, "{path}: {page}");
    main_of(&page.text())
}

#[tokio::test]
async fn events() {
    let server = lived().await;
    assert_snapshot!("events", shown(&server, "").await);
    assert_snapshot!("events_none", shown(&server, "?kind=trial_started").await);
}

#[tokio::test]
async fn customers() {
    let server = lived().await;
    assert_snapshot!("customers", shown(&server, "/customers").await);
    assert_snapshot!("customer", shown(&server, "/customers/bob").await);
}

#[tokio::test]
async fn integrations() {
    let server = lived().await;
    assert_snapshot!("integrations", shown(&server, "/integrations").await);
    assert_snapshot!("integration", shown(&server, "/integrations/hook").await);
    assert_snapshot!(
        "integration_new",
        shown(&server, "/integrations/new/slack").await
    );
}

#[tokio::test]
async fn apps() {
    let server = lived().await;
    assert_snapshot!("apps", shown(&server, "/apps").await);
    assert_snapshot!("app", shown(&server, "/apps/web").await);
}

#[tokio::test]
async fn the_rest_of_a_project() {
    let server = lived().await;
    for (name, path) in [
        ("overview", "/overview"),
        ("catalog", "/catalog"),
        ("replay", "/replay"),
        ("settings", "/settings"),
        ("people", "/people"),
        ("audit", "/audit"),
        ("account", "/account"),
        ("start", "/start"),
        ("simulator", "/simulator"),
    ] {
        assert_snapshot!(name, shown(&server, path).await);
    }
}

#[tokio::test]
async fn signing_in_and_what_is_not_there() {
    let server = lived().await;
    let sign_in = server.by(Who::Nobody).get("/signin").await;
    assert_snapshot!("sign_in", main_of(&sign_in.text()));
    let missing = server.page("/projects/acme/customers/nobody").await;
    assert_eq!(missing.status, 404, "{missing}");
}

/// A project where nothing has happened yet says what to do next.
#[tokio::test]
async fn of_a_new_project() {
    let server = lived().await;
    for (name, path) in [
        ("new_events", "/projects/other"),
        ("new_customers", "/projects/other/customers"),
        ("new_overview", "/projects/other/overview"),
        ("new_catalog", "/projects/other/catalog"),
        ("new_replay", "/projects/other/replay"),
    ] {
        let page = server.by(Who::OtherOwner).get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_snapshot!(name, main_of(&page.text()));
    }
}

#[tokio::test]
async fn very_long_and_odd_names_stay_text() {
    let server = lived().await;
    let odd = format!("<script>alert('&')</script>{}", "x".repeat(200)).replace('/', "|");
    server.buys(&odd).await;
    for path in ["", "/customers", "/overview", "/integrations/idle"] {
        let page = server.page(&format!("/projects/acme{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text().contains("<script>alert"), "{path}");
    }
    let listed = server.page("/projects/acme/customers").await.text();
    let (_, link) = listed
        .split_once("href=\"/projects/acme/customers/%3Cscript")
        .unwrap();
    let (link, _) = link.split_once('"').unwrap();
    let page = format!("/projects/acme/customers/%3Cscript{link}");
    let shown = server.page(&page).await;
    assert_eq!(shown.status, 200, "{page}");
    assert!(!shown.text().contains("<script>alert"));
}
