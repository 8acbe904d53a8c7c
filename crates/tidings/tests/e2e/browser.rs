//! The page in a real browser.
//!
//! With `TIDINGS_SCREENSHOTS` naming a directory, the pictures of the documentation are written there.

use crate::{
    chromium::Browser,
    server::{Api, Site, now, slack, webhook},
};
use jiff::SignedDuration;
use simulator::{Behaviour, Receiver};
use std::{path::PathBuf, time::Duration};

fn screenshots() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "set by `cargo xtask screenshots`"
    )]
    let directory = std::env::var("TIDINGS_SCREENSHOTS").ok()?;
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(directory);
    std::fs::create_dir_all(&directory).unwrap();
    Some(directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_live_and_a_row_opens_into_its_whole_story() {
    let healthy = Receiver::start(Behaviour::Healthy, false, now())
        .await
        .unwrap();
    let failing = Receiver::start(Behaviour::Failing(10), false, now())
        .await
        .unwrap();
    let channel = Receiver::start(Behaviour::Healthy, false, now())
        .await
        .unwrap();
    let site = Site::new(&[
        webhook("backend", &healthy.url),
        webhook("billing", &failing.url),
        slack("slack", &channel.url),
    ]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(20, 21);
    let steps = driver.script(0..8, now(), SignedDuration::from_millis(300), 6);
    driver.run(steps, now(), 16, Duration::from_secs(10)).await;
    let mut browser = Browser::start(&site.directory.join("browser")).await;

    browser.open(&server.sign_in).await;
    let newest = api.get("/projects/acme/events?limit=1").await["data"][0].clone();
    let (id, rule) = (
        newest["id"].as_str().unwrap(),
        newest["cause"]["rule"].as_str().unwrap(),
    );
    browser
        .until("document.querySelector('#live.on') !== null")
        .await;
    assert!(
        browser.html().await.contains(id),
        "the newest event is on the page"
    );

    // While the page is open, something happens, and it appears by itself.
    let steps = driver.script(100..101, now(), SignedDuration::from_millis(1), 1);
    driver.run(steps, now(), 1, Duration::from_secs(5)).await;
    let latest = api.get("/projects/acme/events?limit=1").await["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(latest, id);
    browser
        .until(&format!(
            "document.querySelector('tr.new a[href$=\"{latest}\"]') !== null"
        ))
        .await;
    // And its chips follow.
    browser
        .until("document.querySelector('tr.new .chip.green') !== null")
        .await;

    // A filter is part of the address, and a row opens by keyboard.
    browser
        .open(&format!(
            "{}/projects/acme?kind={}",
            server.url,
            newest["kind"].as_str().unwrap()
        ))
        .await;
    browser
        .until(&format!(
            "document.querySelector('a.event[href$=\"{id}\"]') !== null"
        ))
        .await;
    browser
        .evaluate(&format!(
            "document.querySelector('a.event[href$=\"{id}\"]').focus()"
        ))
        .await;
    for kind in ["keyDown", "keyUp"] {
        let enter = serde_json::json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
        browser.call("Input.dispatchKeyEvent", enter).await;
    }
    browser
        .until("document.querySelector('.delivery') !== null")
        .await;
    let page = browser.html().await;
    for part in [
        "What the store said",
        "signedPayload",
        rule,
        "Where it went",
        "Request last sent",
        "Resend",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("s3cr3t-token"), "no secret reaches a page");

    if let Some(directory) = screenshots() {
        browser
            .screenshot(&directory.join("event.png"), (1440, 1000), false)
            .await;
        browser.open(&format!("{}/projects/acme", server.url)).await;
        browser
            .screenshot(&directory.join("feed.png"), (1440, 900), false)
            .await;
        browser
            .screenshot(&directory.join("feed-dark.png"), (1440, 900), true)
            .await;
        browser
            .screenshot(&directory.join("feed-narrow.png"), (390, 844), false)
            .await;
    }
    assert_eq!(
        browser.complaints,
        Vec::<String>::new(),
        "the console is clean"
    );
    let own = server.url.trim_start_matches("http://");
    assert!(
        browser.hosts.iter().all(|host| host == own),
        "nothing is fetched from elsewhere: {:?}",
        browser.hosts
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_data_is_shown_as_text() {
    let receiver = Receiver::start(Behaviour::Healthy, false, now())
        .await
        .unwrap();
    let site = Site::new(&[webhook("backend", &receiver.url)]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let name = "<script>document.title='broken'</script>";
    let (status, _) = api
        .send(
            "PUT",
            "/projects/acme",
            Some(serde_json::json!({ "name": name })),
        )
        .await;
    assert_eq!(status, 200);
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.open(&server.sign_in).await;
    browser
        .until("document.querySelector('main') !== null")
        .await;
    assert_ne!(browser.evaluate("document.title").await, "broken");
    assert_eq!(
        browser
            .evaluate("document.querySelector('nav a').textContent")
            .await,
        name
    );
}
