//! A client SDK that knows nothing of Tidings, in a real browser, with nothing but its proxy URL changed; and the same
//! interface by hand, for what an SDK never sends.

use crate::{
    chromium::Browser,
    server::{Api, Site, client, published},
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
};

/// Serves a page and the SDK, as a team's own site would, from another origin than Tidings.
fn serve_page(sdk: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script = std::fs::read(sdk).unwrap();
    let page = b"<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>shop</title><script type=module>import * as sdk from '/sdk.js'; window.sdk = sdk;</script>".to_vec();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let (kind, body) = if request[..length].starts_with(b"GET /sdk.js") {
                ("text/javascript", &script)
            } else {
                ("text/html", &page)
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            drop(
                stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body)),
            );
        }
    });
    url
}

/// A site with a store of its own, and the public key of that app.
fn shop() -> (Site, String) {
    let site = Site::new(&[]);
    let file = site.directory.join("project.toml");
    let mut project = std::fs::read_to_string(&file).unwrap();
    write!(project, "[apps.shop]\nstore = \"external\"\nstore_name = \"my_shop\"\n[products.gold]\nentitlements = [\"premium\"]\n[products.coins]\n").unwrap();
    std::fs::write(file, project).unwrap();
    site.run(&["apply", "project.toml"]);
    let key = site.run(&["keys", "client", "--project", "acme", "--app", "shop"]);
    (site, key)
}

fn purchase(who: &str, kind: &str, product: &str, id: &str) -> Value {
    let ends = (kind == "subscription").then_some("2099-01-01T00:00:00Z");
    json!({
        "app_user_id": who, "kind": kind, "product_id": product, "transaction_id": id, "original_transaction_id": id,
        "updated_at": "2026-11-01T00:00:00Z", "purchased_at": "2026-11-01T00:00:00Z", "expires_at": ends,
        "price": { "amount": "9.99", "currency": "USD" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_web_sdk_works_through_its_proxy_setting() {
    let (site, key) = shop();
    let server = site.serve();
    let api = Api::new(&site, &server, &["--project", "acme"]);
    let page = serve_page(&published(
        "@revenuecat/purchases-js@1",
        "@revenuecat/purchases-js/dist/Purchases.es.js",
    ));
    let mut browser = Browser::start(&site.directory.join("profile")).await;
    browser.open(&page).await;
    browser.until("window.sdk !== undefined").await;
    let anonymous = "$RCAnonymousID:0123456789abcdef0123456789abcdef";
    let run = |script: String| {
        format!(
            "window.done = undefined; window.failed = undefined; (async () => {{ {script} }})().then(value => {{ window.done = JSON.stringify(value ?? null) }}, error => {{ window.failed = String(error) + JSON.stringify(error) }}); true"
        )
    };
    macro_rules! ask {
        ($script:expr) => {{
            browser.evaluate(&run($script.to_string())).await;
            browser
                .until("window.done !== undefined || window.failed !== undefined")
                .await;
            let failed = browser.evaluate("window.failed ?? null").await;
            assert_eq!(failed, Value::Null, "{}", $script);
            let done = browser.evaluate("window.done").await;
            serde_json::from_str::<Value>(done.as_str().unwrap()).unwrap()
        }};
    }
    let configured = ask!(format!(
        "window.p = sdk.Purchases.configure({{ apiKey: '{key}', appUserId: '{anonymous}', httpConfig: {{ proxyURL: '{}' }} }}); return window.p.getAppUserId();",
        server.url
    ));
    assert_eq!(configured, anonymous);
    let info = ask!(
        "const info = await window.p.getCustomerInfo(); return { original: info.originalAppUserId, active: Object.keys(info.entitlements.active) };"
    );
    assert_eq!(info, json!({ "original": anonymous, "active": [] }));
    ask!(
        "await window.p.setAttributes({ color: 'violet', $email: 'a@example.com' }); return true;"
    );
    for (kind, product, id) in [
        ("subscription", "gold", "s1"),
        ("one_time_purchase", "coins", "o1"),
    ] {
        let (status, answer) = api
            .send(
                "POST",
                "/projects/acme/purchases",
                Some(purchase(anonymous, kind, product, id)),
            )
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    let bought = ask!(
        "const info = await window.p.getCustomerInfo(); const it = info.entitlements.active.premium; return { product: it.productIdentifier, renews: it.willRenew, expires: it.expirationDate.toISOString(), subscriptions: [...info.activeSubscriptions], others: info.nonSubscriptionTransactions.map(it => it.productIdentifier) };"
    );
    assert_eq!(
        bought,
        json!({ "product": "gold", "renews": true, "expires": "2099-01-01T00:00:00.000Z", "subscriptions": ["gold"], "others": ["coins"] })
    );
    let named = ask!(
        "const result = await window.p.identifyUser('ann'); const info = result.customerInfo ?? result; return { created: result.wasCreated, active: Object.keys(info.entitlements.active), now: window.p.getAppUserId() };"
    );
    assert_eq!(
        named,
        json!({ "created": true, "active": ["premium"], "now": "ann" })
    );
    ask!("await window.p.getOfferings(); return true;");
    let customer = api.get("/projects/acme/customers/ann").await;
    assert_eq!(customer["customer"]["attributes"]["color"], "violet");
    assert_eq!(customer["customer"]["aliases"], json!([anonymous]));
    let own = server.url.trim_start_matches("http://");
    let others: Vec<_> = browser
        .hosts
        .iter()
        .filter(|host| *host != own && !page.ends_with(host.as_str()))
        .collect();
    assert!(
        others.iter().all(|host| host.contains("revenue")),
        "only its own telemetry goes elsewhere: {others:?}"
    );
}

/// A client of the interface for SDKs, with one key.
pub(crate) struct V1 {
    pub(crate) url: String,
    pub(crate) key: String,
}

impl V1 {
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string());
        self.send_text(method, path, body).await
    }

    /// The same with a body that need not be what JSON libraries would write.
    pub(crate) async fn send_text(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> (u16, Value) {
        let mut request = client()
            .request(method.parse().unwrap(), format!("{}/v1{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{method} {path}: {status} {text:?} is not JSON: {error}")
        });
        (status, body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_revenuecat_v1_shapes_codes_and_rights() {
    let (site, key) = shop();
    let server = site.serve();
    let api = Api::new(&site, &server, &["--project", "acme"]);
    let public = V1 {
        url: server.url.clone(),
        key,
    };
    let secret = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "create", "--name", "backend", "--project", "acme"]),
    };
    let nobody = V1 {
        url: server.url.clone(),
        key: "rcb_unknown".into(),
    };

    let (status, subscriber) = public.send("GET", "/subscribers/ann", None).await;
    assert_eq!(status, 201, "made");
    let it = &subscriber["subscriber"];
    for map in [
        "entitlements",
        "subscriptions",
        "non_subscriptions",
        "other_purchases",
    ] {
        assert_eq!(it[map], json!({}), "{map}");
    }
    assert_eq!(
        public.send("GET", "/subscribers/ann", None).await.0,
        200,
        "found"
    );
    assert_eq!(
        nobody.send("GET", "/subscribers/ann", None).await,
        (
            401,
            json!({ "code": 7225, "message": "The API key is not known." })
        )
    );

    // Attributes: only a secret key reads them.
    let attributes = json!({ "attributes": { "color": { "value": "red", "updated_at_ms": 2000 }, "$1": { "value": "x" } } });
    let (status, problem) = public
        .send("POST", "/subscribers/ann/attributes", Some(attributes))
        .await;
    assert_eq!(
        (
            status,
            &problem["code"],
            &problem["attribute_errors"][0]["key_name"]
        ),
        (400, &json!(7263), &json!("$1"))
    );
    public
        .send(
            "POST",
            "/subscribers/ann/attributes",
            Some(json!({ "attributes": { "color": { "value": "old", "updated_at_ms": 1000 } } })),
        )
        .await;
    let (_, subscriber) = secret.send("GET", "/subscribers/ann", None).await;
    assert_eq!(
        subscriber["subscriber"]["subscriber_attributes"],
        json!({ "color": { "value": "red", "updated_at_ms": 2000 } })
    );
    assert!(
        public.send("GET", "/subscribers/ann", None).await.1["subscriber"]["subscriber_attributes"]
            .is_null()
    );
    assert_eq!(
        public
            .send("POST", "/subscribers/ann/attributes", Some(json!({})))
            .await
            .1["code"],
        7264
    );

    // Grants take a secret key.
    let monthly = Some(json!({ "duration": "monthly" }));
    assert_eq!(
        public
            .send(
                "POST",
                "/subscribers/ann/entitlements/premium/promotional",
                monthly.clone()
            )
            .await
            .0,
        403
    );
    let (status, granted) = secret
        .send(
            "POST",
            "/subscribers/ann/entitlements/premium/promotional",
            monthly,
        )
        .await;
    assert_eq!(status, 201);
    let it = &granted["subscriber"];
    assert_eq!(
        it["entitlements"]["premium"]["product_identifier"],
        "rc_promo_premium_monthly"
    );
    assert_eq!(
        it["subscriptions"]["rc_promo_premium_monthly"]["store"],
        "promotional"
    );
    let (_, revoked) = secret
        .send(
            "POST",
            "/subscribers/ann/entitlements/premium/revoke_promotionals",
            None,
        )
        .await;
    let ended: jiff::Timestamp = revoked["subscriber"]["entitlements"]["premium"]["expires_date"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let asked: jiff::Timestamp = revoked["request_date"].as_str().unwrap().parse().unwrap();
    assert!(ended <= asked, "{revoked}");
    for bad in [
        json!({}),
        json!({ "duration": "eternal" }),
        json!({ "end_time_ms": 1 }),
    ] {
        assert_eq!(
            secret
                .send(
                    "POST",
                    "/subscribers/ann/entitlements/premium/promotional",
                    Some(bad)
                )
                .await
                .1["code"],
            7226
        );
    }

    // Purchases in order, entitlements by the furthest end.
    for (kind, product, id) in [
        ("one_time_purchase", "coins", "o1"),
        ("one_time_purchase", "coins", "o2"),
        ("subscription", "gold", "s1"),
    ] {
        api.send(
            "POST",
            "/projects/acme/purchases",
            Some(purchase("ann", kind, product, id)),
        )
        .await;
    }
    let (_, subscriber) = public.send("GET", "/subscribers/ann", None).await;
    let it = &subscriber["subscriber"];
    assert_eq!(
        it["non_subscriptions"]["coins"].as_array().unwrap().len(),
        2
    );
    assert_eq!(it["entitlements"]["premium"]["product_identifier"], "gold");
    assert_eq!(
        it["subscriptions"]["gold"]["expires_date"],
        "2099-01-01T00:00:00Z"
    );
    assert_eq!(
        it["subscriptions"]["gold"]["price"],
        json!({ "amount": 9.99, "currency": "USD" })
    );

    // Through which campaign somebody came: the first word stays.
    for (campaign, status) in [("spring", 200), ("autumn", 200), (&"x".repeat(51), 422)] {
        let attribution =
            json!({ "source": "adjust", "status": "non_organic", "campaign": campaign });
        let change = json!({ "attribution": attribution });
        let (answered, body) = api
            .send("PATCH", "/projects/acme/customers/ann", Some(change))
            .await;
        assert_eq!(answered, status, "{body}");
        if status == 200 {
            assert_eq!(body["attribution"]["campaign"], "spring");
        } else {
            assert_eq!(body["errors"][0]["field"], "attribution.campaign");
        }
    }

    // What clients get wrong.
    for (body, code) in [
        (json!({}), 7226),
        (json!({ "app_user_id": "", "fetch_token": "x" }), 7220),
        (json!({ "app_user_id": "ann", "fetch_token": "x" }), 7103),
    ] {
        let (status, problem) = public.send("POST", "/receipts", Some(body.clone())).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!(code)),
            "{body}: {problem}"
        );
    }
    let (_, problem) = secret
        .send(
            "POST",
            "/receipts",
            Some(json!({ "app_user_id": "ann", "fetch_token": "x" })),
        )
        .await;
    assert_eq!(problem["code"], 7000, "a secret key must say which store");
    assert_eq!(
        secret
            .send("GET", "/subscribers/ann/offerings", None)
            .await
            .1["code"],
        7243
    );
    assert_eq!(
        public.send("GET", "/subscribers/null", None).await.1["code"],
        7226
    );

    // A public key opens nothing else.
    let answer = client()
        .get(format!("{}/api/v1/projects/acme/customers", server.url))
        .bearer_auth(&public.key)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
    // Pages of any origin may call.
    let preflight = client()
        .request(
            "OPTIONS".parse().unwrap(),
            format!("{}/v1/subscribers/ann", server.url),
        )
        .header("origin", "https://shop.example")
        .header("access-control-request-headers", "authorization,x-platform")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            preflight.status().as_u16(),
            preflight.headers()["access-control-allow-origin"]
                .to_str()
                .unwrap()
        ),
        (204, "*")
    );

    assert_eq!(public.send("DELETE", "/subscribers/ann", None).await.0, 403);
    assert_eq!(
        secret.send("DELETE", "/subscribers/ann", None).await,
        (200, json!({ "app_user_id": "ann", "deleted": true }))
    );
    assert_eq!(
        secret.send("DELETE", "/subscribers/ann", None).await.1["code"],
        7259
    );
}
