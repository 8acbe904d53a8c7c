//! A running server and the stores: simulated customers of all three, and whether an app's settings work.

use crate::server::{Api, Site, now};
use serde_json::{Value, json};
use simulator::{API_KEY, App, Authority, Outage, PUSH_ACCOUNT, SIGNING_SECRET, Stores};

#[tokio::test(flavor = "multi_thread")]
async fn simulate_drives_a_running_server_in_every_store() {
    let site = Site::new(&[]).reaching("stores=127.0.0.1/32,keys=127.0.0.1/32");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api = free.local_addr().unwrap().to_string();
    drop(free);
    let about = [
        "simulate",
        "--bundle-id",
        "com.example.simulated",
        "--api",
        &api,
    ];
    let apps = site.run(&about);
    std::fs::write(
        site.directory.join("simulated.toml"),
        format!("[project]\nkey = \"acme\"\n{apps}\n"),
    )
    .unwrap();
    let applied = site.run(&["apply", "simulated.toml"]);
    let server = site.serve();
    let urls: Vec<String> = applied
        .lines()
        .filter(|line| line.contains("of simulated"))
        .map(|line| {
            format!(
                "{}/callbacks{}",
                server.url,
                line.rsplit("/callbacks").next().unwrap()
            )
        })
        .collect();
    assert_eq!(urls.len(), 3, "{applied}");
    let mut words = about.to_vec();
    words.extend(urls.iter().flat_map(|url| ["--url", url]));
    words.extend([
        "--customers",
        "4",
        "--messages",
        "4",
        "--day-ms",
        "5",
        "--twice",
        "20",
        "--stay",
        "4",
    ]);
    let said = site.run(&words);
    assert!(said.contains(" 0 refused"), "{said}");
    let api = Api::new(&site, &server, &[]);
    let events = api.events().await;
    for store in ["app_store", "play_store", "stripe"] {
        assert!(
            events.iter().any(|event| event["app"]["store"] == store),
            "{store}"
        );
    }
    let waiting = api.get("/projects/acme/parked").await;
    assert_eq!(waiting["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_to_every_store_is_checked_by_asking_it() {
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let url = stores.serve(Stores::anywhere(), now()).await.unwrap();
    let site = Site::new(&[]).reaching("stores=127.0.0.1/32");
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let ios = json!({
        "store": "app_store", "bundle_id": "com.example", "environments": ["local_testing"], "local_roots": [stores.authority.root()],
        "api_issuer": "issuer", "api_key_id": "key", "api_key": simulator::api_key().unwrap(), "api_url": url,
    });
    let android = json!({
        "store": "play_store", "package": "com.example", "push_service_account": PUSH_ACCOUNT,
        "service_account": stores.play.api.service_account(&url), "api_url": url,
    });
    let web = |key: &str| json!({ "store": "stripe", "api_key": key, "signing_secrets": [SIGNING_SECRET], "api_url": url });
    let put = async |key: &str, app: Value| {
        let (status, body) = api
            .send("PUT", &format!("/projects/acme/apps/{key}"), Some(app))
            .await;
        assert!(status < 300, "{body}");
    };
    put("phone", ios).await;
    put("android", android).await;
    put("web", web(API_KEY)).await;
    let check = async |key: &str| {
        let (status, body) = api
            .send("POST", &format!("/projects/acme/apps/{key}/check"), None)
            .await;
        assert_eq!(status, 200, "{body}");
        body["findings"].as_array().unwrap().clone()
    };
    let works = |findings: &[Value]| findings.iter().all(|finding| finding["outcome"] == "works");

    let findings = check("phone").await;
    assert_eq!(findings[0]["outcome"], "fails");
    assert!(
        findings[0]["detail"]
            .as_str()
            .unwrap()
            .contains("No App Store Server Notification URL"),
        "{findings:?}"
    );
    let app = App {
        bundle_id: "com.example".into(),
        environment: "LocalTesting".into(),
    };
    let apps = api.get("/projects/acme/apps").await;
    let callback = apps["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|app| app["key"] == "phone")
        .unwrap()["callback_url"]
        .clone();
    let callback = format!(
        "{}/callbacks{}",
        server.url,
        callback
            .as_str()
            .unwrap()
            .rsplit("/callbacks")
            .next()
            .unwrap()
    );
    stores
        .apple
        .api
        .call_back(callback.replace("/apple/", "/google/"), app.clone());
    let findings = check("phone").await;
    assert_eq!(
        (&findings[0]["outcome"], &findings[0]["code"]),
        (&json!("fails"), &json!("callback_not_reached"))
    );
    stores.apple.api.call_back(callback, app);
    let findings = check("phone").await;
    assert!(works(&findings) && findings.len() == 1, "{findings:?}");
    assert_eq!(findings[0]["environment"], "sandbox");

    let findings = check("android").await;
    assert!(works(&findings) && findings.len() == 2, "{findings:?}");
    stores.play.set(Outage::Down);
    let findings = check("android").await;
    assert_eq!(findings[0]["code"], "store_unavailable", "{findings:?}");

    assert!(works(&check("web").await));
    put("web", web("sk_test_wrong")).await;
    let findings = check("web").await;
    assert_eq!(findings[0]["code"], "store_credentials_refused");
    assert!(
        findings[0]["detail"]
            .as_str()
            .unwrap()
            .contains("right to read subscriptions"),
        "{findings:?}"
    );

    put(
        "android",
        json!({ "store": "play_store", "package": "com.example", "service_account": null }),
    )
    .await;
    assert_eq!(
        check("android").await[0]["code"],
        "store_credentials_refused"
    );
    let (status, _) = api
        .send("POST", "/projects/acme/apps/nobody/check", None)
        .await;
    assert_eq!(status, 404);
}
