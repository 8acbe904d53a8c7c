//! What holds for every form: sent as it was opened it changes nothing, and a field that it does not have is refused by name.

use crate::{browser::untouched, edited, fresh, lived, told};
use configuration::Desired;
use serde_json::json;
use web::test::{TestServer, Who};

/// Pages whose form holds what is stored.
const STORED: [&str; 8] = [
    "/settings",
    "/apps/shop",
    "/apps/ios",
    "/apps/android",
    "/apps/web",
    "/integrations/hook",
    "/integrations/slack",
    "/integrations/idle",
];

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
        "{:?}\n{:?}\n{:?}\n{:?}",
        rows.projects, rows.products, rows.entitlements, rows.offerings
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
    for page in STORED {
        let path = format!("/projects/acme{page}");
        assert!(!untouched(&server.page(&path).await.text(), &path).is_empty());
        let saved = edited(&server, page, &[]).await;
        assert_eq!(saved.status, 303, "{page}: {saved}");
        assert_eq!(configured(&server), before, "{page}");
    }
}

#[tokio::test]
async fn that_hold_what_no_box_can_show_change_nothing_either() {
    let server = fresh().await;
    let web = json!({ "owner_sources": ["customer_id", "session_metadata"], "commission": "12.5", "past_due_access": true });
    let hook = json!({ "settings": {
        "events": { "trial_started": "begun", "trial_expired": false }, "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "retry": { "policy": "custom", "delays": [1, 20] }, "send_attribution": true, "send_trial_price": false,
    } });
    let part: Desired = serde_json::from_value(
        json!({ "project": { "key": "acme" }, "apps": { "web": web }, "integrations": { "hook": hook } }),
    )
    .unwrap();
    server.apply(part).await;
    let (revision, before) = (server.app.engine.setup().revision(), configured(&server));
    assert!(before.contains("whsec_1") && before.contains("whsec_2"));
    for page in STORED {
        let saved = edited(&server, page, &[]).await;
        assert_eq!(saved.status, 303, "{page}: {saved}");
        assert_eq!(server.app.engine.setup().revision(), revision, "{page}");
    }
    assert_eq!(configured(&server), before);
}

#[tokio::test]
async fn of_viewers_and_of_other_sites_change_nothing() {
    let server = lived().await;
    let before = configured(&server);
    let (path, fields) = ("/projects/acme/settings", [("name", "Mine")]);
    let by_viewer = server.by(Who::Viewer).form(path, &fields).await;
    assert_eq!(by_viewer.status, 403);
    let elsewhere = server.by(Who::Owner).from_another_site();
    assert_eq!(told(&elsewhere.form(path, &fields).await), "303 /signin");
    assert_eq!(configured(&server), before);
    for path in [
        "settings",
        "apps/shop",
        "integrations/hook",
        "catalog",
        "offerings",
        "members",
        "replay",
    ] {
        let path = format!("/projects/acme/{path}");
        let page = server.by(Who::Viewer).get(&path).await;
        assert_eq!(page.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_field_that_a_form_does_not_have_is_refused_by_name() {
    let server = lived().await;
    let before = configured(&server);
    for path in [
        "/projects",
        "/setup",
        "/signin",
        "/projects/acme/account/password",
        "/projects/acme/account/sessions",
        "/projects/acme/catalog/bulk",
        "/projects/acme/catalog/entitlements",
        "/projects/acme/catalog/list",
        "/projects/acme/catalog/products",
        "/projects/acme/customers/ann/forget",
        "/projects/acme/customers/ann/grant",
        "/projects/acme/customers/ann/revoke",
        "/projects/acme/customers/ann/transfer",
        "/projects/acme/integrations/hook/remove",
        "/projects/acme/members/invite",
        "/projects/acme/offerings",
        "/projects/acme/offerings/remove",
        "/projects/acme/offerings/show",
        "/projects/acme/rates",
        "/projects/acme/replay",
        "/projects/acme/settings",
        "/projects/acme/settings/keys",
        "/projects/acme/simulator",
    ] {
        let answer = server.form(path, &[("nmae", "Ann")]).await;
        assert_eq!(answer.status, 422, "{path}: {answer}");
        let detail = told(&answer);
        assert!(
            detail.starts_with("422 nmae: unknown field"),
            "{path}: {detail}"
        );
    }
    for page in [
        "apps/shop",
        "apps/new/external",
        "integrations/hook",
        "integrations/new/slack",
    ] {
        let path = format!("/projects/acme/{page}");
        let answer = server.form(&path, &[("nmae", "Ann")]).await;
        let detail = told(&answer);
        assert!(
            detail.starts_with("422 nmae: is no field of this form"),
            "{page}: {detail}"
        );
    }
    let fields = [("app.key", "other"), ("app.name", "Other")];
    let answer = server.form("/projects/acme/apps/shop", &fields).await;
    let kept = "422 app.key: is no field of this form";
    assert_eq!(told(&answer), kept, "what is there keeps its key");
    assert_eq!(configured(&server), before);
}
