//! Who may do what: every route has a rule, and no key of one project reaches another's.

use crate::server::{Api, Site, client, slack, webhook};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn keys_reach_their_project_and_do_what_they_may() {
    let site = Site::new(&[
        slack("slack", "http://127.0.0.1:9/T/B/s3cr3t-path"),
        webhook("backend", "http://127.0.0.1:9/hook"),
    ]);
    site.write_project("other", &[]);
    site.run(&["apply", "project.toml"]);
    let server = site.serve();
    let all = Api::new(&site, &server, &[]);
    let own = Api::new(&site, &server, &["--project", "acme"]);
    let reader = Api::new(&site, &server, &["--project", "acme", "--read-only"]);
    assert_eq!(
        all.get("/projects").await["data"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        own.get("/projects").await["data"].as_array().unwrap().len(),
        1
    );
    let document = client()
        .get(format!("{}/api/v1/openapi.json", server.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation.get("security").is_none() {
                continue;
            }
            checked += 1;
            let whole_path = path
                .replace("{project}", "acme")
                .replace("{key}", "backend")
                .replace("{id}", "x")
                .replace("{who}", "x");
            let method = method.to_uppercase();
            let anonymous = client()
                .request(
                    method.parse().unwrap(),
                    format!("{}{whole_path}", server.url),
                )
                .send()
                .await
                .unwrap();
            assert_eq!(anonymous.status(), 401, "{method} {path} without a key");
            // The shapes of client SDKs have a project by their key alone.
            let Some(own_path) = whole_path.strip_prefix("/api/v1") else {
                continue;
            };
            if path.contains("{project}") {
                let foreign = own_path.replace("/acme", "/other");
                assert_eq!(own.send(&method, &foreign, Some(json!({ "destination": "slack", "store": "app_store", "bundle_id": "x" }))).await.0, 404, "{method} {path} of another project");
            }
            if method != "GET" {
                assert_eq!(
                    reader.send(&method, own_path, Some(json!({}))).await.0,
                    403,
                    "{method} {path} with a key that may only read"
                );
            }
        }
    }
    assert!(checked > 20);
    let shown = all.get("/projects/acme/integrations").await.to_string();
    assert!(
        !shown.contains("s3cr3t") && !shown.contains("whsec_"),
        "secrets are write-only: {shown}"
    );
    // A masked secret that comes back means the stored one.
    let body = json!({ "destination": "slack", "settings": { "webhook_url": "***", "sandbox_channel": "test" } });
    assert_eq!(
        own.send("PUT", "/projects/acme/integrations/slack", Some(body))
            .await
            .1["steps"][1]["action"],
        "keep"
    );
    let database = std::fs::read(site.directory.join("data/tidings.db")).unwrap();
    let log = std::fs::read(site.directory.join("data/tidings.db-wal")).unwrap_or_default();
    for stored in [database, log] {
        assert!(
            !stored.windows(6).any(|window| window == b"s3cr3t"),
            "secrets are encrypted at rest"
        );
        assert!(
            !stored.windows(7).any(|window| window == b"tid_sk_"),
            "keys are stored as digests"
        );
    }
    let wrong = client()
        .get(format!("{}/api/v1/projects", server.url))
        .bearer_auth("tid_sk_wrong")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_need_a_session_and_forms_a_page_of_ours() {
    let site = Site::new(&[]);
    let server = site.serve();
    let home = client().get(&server.url).send().await.unwrap();
    assert_eq!(
        (
            home.status().as_u16(),
            home.headers()["location"].to_str().unwrap()
        ),
        (303, "/signin")
    );
    let wrong = client()
        .get(format!("{}/signin/00", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    let link = client().get(&server.sign_in).send().await.unwrap();
    assert!(
        link.headers().get("set-cookie").is_none(),
        "it was looked at"
    );
    let entering = async |site: &str| {
        let entering = client().post(&server.sign_in);
        entering
            .header("sec-fetch-site", site)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(entering("cross-site").await.status(), 403);
    let entered = entering("same-origin").await;
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    // Lax, so that a link in a Slack message opens its page; forms of other sites are refused by their origin.
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let session = cookie.split(';').next().unwrap().to_owned();
    let feed = client()
        .get(format!("{}/projects/acme", server.url))
        .header("cookie", &session)
        .send()
        .await
        .unwrap();
    assert_eq!(feed.status(), 200);
    let over_https_only = "strict-transport-security";
    assert!(!feed.headers().contains_key(over_https_only));
    let policy = feed.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"));
    assert!(
        feed.text()
            .await
            .unwrap()
            .contains("Waiting for the first event")
    );
    let path = format!("{}/api/v1/projects/acme/integrations/x/test", server.url);
    let forged = client()
        .post(&path)
        .header("cookie", &session)
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 401, "another site's form is not ours");
    client()
        .post(format!("{}/signout", server.url))
        .header("cookie", &session)
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .unwrap();
    assert_eq!(
        client()
            .get(format!("{}/projects/acme", server.url))
            .header("cookie", &session)
            .send()
            .await
            .unwrap()
            .status(),
        303
    );
}
