//! A test event: whoever sends one is told within seconds what came of it, and where to look.

use crate::{
    chromium::Browser,
    server::{Api, Site, slack},
    told::a_receiver,
};
use serde_json::Value;
use simulator::Behaviour;

/// A network that the server of these tests may not reach.
const INTERNAL: &str = "http://10.255.255.1/hook";

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_says_what_came_of_it_and_where_to_look() {
    let channel = a_receiver(Behaviour::Healthy).await;
    let refusing = a_receiver(Behaviour::Refusing(403)).await;
    let site = Site::new(&[
        slack("works", &channel.url),
        slack("blocked", INTERNAL),
        slack("refused", &refusing.url),
    ]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let tested = async |key: &str| -> Value {
        let path = format!("/projects/acme/integrations/{key}/test");
        let (status, told) = api.send("POST", &path, None).await;
        assert_eq!(status, 202, "{told}");
        // What it says of where to look is true.
        let url = told["url"].as_str().unwrap();
        let (_, path) = url.split_once("/api/v1").unwrap();
        let delivery = api.get(path).await["delivery"].clone();
        assert_eq!(delivery["event"], told["event"], "{url}");
        told["outcome"].clone()
    };
    let works = tested("works").await;
    assert_eq!(works["state"], "delivered", "{works}");

    let blocked = tested("blocked").await;
    assert_eq!(
        (&blocked["state"], &blocked["reason"]),
        (&"failed".into(), &"blocked_address".into()),
        "{blocked}"
    );
    let text = blocked["text"].as_str().unwrap();
    assert!(
        text.contains("--allow-networks") && text.contains("10.255.255.1"),
        "{text}"
    );

    let refused = tested("refused").await;
    assert_ne!(refused["state"], "delivered", "{refused}");
    assert!(
        refused["text"].as_str().unwrap().contains("403"),
        "{refused}"
    );

    // Whoever reads the log is told as well.
    let log = site.log();
    let mut warned = log.lines().filter(|line| line.contains("WARN"));
    assert!(
        warned.any(|line| line.contains("a test event was not accepted")
            && line.contains("blocked_address")),
        "{log}"
    );

    // On pages: the next one says it, by itself.
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    let page = format!("{}/projects/acme/integrations/blocked", server.url);
    browser.open(&page).await;
    browser.click("form[action$=\"/test\"] button").await;
    browser
        .until(
            "document.querySelector('#tested .notice.red')?.innerText.includes('--allow-networks')",
        )
        .await;
    assert_eq!(browser.complaints, Vec::<String>::new());
}
