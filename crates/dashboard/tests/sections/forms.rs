//! Forms that are sent as they were opened change nothing.

use crate::{browser::untouched, lived};
use web::test::{TestServer, Who};

/// The configuration, but for its revision and for how secrets are sealed.
fn configured(server: &TestServer) -> String {
    let setup = server.app.engine.setup();
    let vault = server.app.engine.vault();
    let opened = |id: String, sealed: &[u8]| match sealed {
        [] => String::new(),
        sealed => String::from_utf8(vault.open_sealed(&id, sealed).unwrap()).unwrap(),
    };
    let rows = &setup.configuration;
    let apps = rows.apps.iter().map(|app| {
        let secrets = opened(app.id.to_string(), &app.sealed_secrets);
        format!(
            "{} {} {:?} {:?} {secrets}",
            app.key, app.name, app.settings, app.commission
        )
    });
    let integrations = rows.integrations.iter().map(|row| {
        let settings = opened(row.id.to_string(), &row.sealed_settings);
        format!(
            "{} {} {} {} {settings}",
            row.key, row.name, row.destination, row.paused
        )
    });
    let catalog = format!(
        "{:?}\n{:?}\n{:?}",
        rows.projects, rows.products, rows.entitlements
    );
    apps.chain(integrations)
        .chain([catalog])
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn that_are_saved_untouched_change_nothing() {
    let server = lived().await;
    let before = configured(&server);
    for path in [
        "/projects/acme/settings",
        "/projects/acme/apps/shop",
        "/projects/acme/apps/ios",
        "/projects/acme/apps/android",
        "/projects/acme/apps/web",
        "/projects/acme/integrations/hook",
        "/projects/acme/integrations/slack",
        "/projects/acme/integrations/idle",
    ] {
        let page = server.page(path).await;
        assert_eq!(page.status, 200, "{path}");
        let fields = untouched(&page.text(), path);
        assert!(!fields.is_empty(), "{path}");
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let saved = server.form(path, &fields).await;
        assert_eq!(saved.status, 303, "{path} {fields:?}: {saved}");
        assert_eq!(configured(&server), before, "{path} {fields:?}");
    }
}

#[tokio::test]
async fn of_viewers_and_of_other_sites_change_nothing() {
    let server = lived().await;
    let before = configured(&server);
    let (path, fields) = ("/projects/acme/settings", [("name", "Mine")]);
    let by_viewer = server.by(Who::Viewer).form(path, &fields).await;
    assert_eq!(by_viewer.status, 403);
    let from_elsewhere = server
        .by(Who::Owner)
        .from_another_site()
        .form(path, &fields)
        .await;
    assert_eq!(
        (
            from_elsewhere.status.as_u16(),
            from_elsewhere.header("location")
        ),
        (303, "/signin")
    );
    assert_eq!(configured(&server), before);
    for path in [
        "settings",
        "apps/shop",
        "integrations/hook",
        "catalog",
        "people",
        "replay",
    ] {
        let page = server
            .by(Who::Viewer)
            .get(&format!("/projects/acme/{path}"))
            .await;
        assert_eq!(page.status, 200, "{path}");
    }
}
