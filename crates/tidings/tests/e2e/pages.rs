//! What people do on pages, in a real browser: by keyboard, under load, again, and for practice.

use crate::{
    chromium::Browser,
    server::{Api, Site, live, now, until, webhook},
    told::{Told, a_receiver},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Behaviour, Channel};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn by_keyboard_alone_from_the_feed_to_a_resent_delivery() {
    let Told {
        receiver,
        site,
        server,
        api: _,
    } = Told::to(Behaviour::Healthy).await;
    let driver = server.driver(20, 3);
    live(&driver, 0..1, 1, 1).await;
    until("it arrived", || async {
        !receiver.received().events.is_empty()
    })
    .await;
    let before = receiver.requests();
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    browser
        .until("document.querySelector('#rows tr') !== null")
        .await;

    // The first stop leads past the menu.
    browser.press("Tab").await;
    browser.tab_to(".skip").await;
    browser.press("Enter").await;
    // A filter, chosen and cleared.
    browser.tab_to("[name=customer]").await;
    browser
        .call("Input.insertText", json!({ "text": "nobody" }))
        .await;
    browser.press("Enter").await;
    browser
        .until("document.body.innerText.includes('Nothing matches')")
        .await;
    browser.tab_to("a.quiet[href$=\"/projects/acme\"]").await;
    browser.press("Enter").await;
    browser
        .until("document.querySelector('#rows tr') !== null")
        .await;
    // The reason of a chip is read without a mouse.
    browser.tab_to("#rows .marks").await;
    browser
        .until("getComputedStyle(document.activeElement.querySelector('.why')).display === 'block'")
        .await;
    browser.open(&format!("{}/projects/acme", server.url)).await;
    browser.tab_to("a.event").await;
    browser.press("Enter").await;
    browser
        .until("document.querySelector('.delivery') !== null")
        .await;
    // What the store said opens with a key.
    browser.tab_to("details:not([open]) > summary").await;
    browser.press("Space").await;
    browser
        .until("document.activeElement.parentElement.open === true")
        .await;
    browser.tab_to("form[action$=\"/resend\"] button").await;
    browser.press("Enter").await;
    browser
        .until("document.querySelector('.notice')?.innerText.includes('sent again')")
        .await;
    until("it arrived again", || async {
        receiver.requests() > before
    })
    .await;
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_events_leaves_the_feed_usable_and_counted() {
    let site = Site::new(&[]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(1, 8);
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    browser
        .until("document.querySelector('#live.on') !== null")
        .await;
    // The page is busy while far more happens than it shows at once.
    let one = SignedDuration::from_millis(1);
    let turns = driver.script(Channel::Apple, 0..200, now(), one, 6);
    let flood = driver.run(turns, now(), 32, Duration::from_secs(120));
    let busy = "{ const end = Date.now() + 9000; while (Date.now() < end) {} }";
    let (flooded, _) = tokio::join!(flood, browser.evaluate(busy));
    flooded.unwrap();
    assert!(api.events().await.len() > 600);
    browser
        .until("document.querySelectorAll('#rows tr').length === 200")
        .await;
    // Every one of them that the feed shows is counted.
    let events = api.events().await;
    let is_shown = |event: &&Value| event["kind"] != "access_level_updated";
    let all = events.iter().filter(is_shown).count();
    browser
        .until(&format!(
            "document.getElementById('live-text').innerText === 'Live: {all} new, the last 200 shown'"
        ))
        .await;
    // And it still does what it is told.
    browser.fill("[name=kind]", "trial_started").await;
    browser.click(".filters button").await;
    browser
        .until("location.search.includes('kind=trial_started') && document.querySelector('#rows tr') !== null")
        .await;
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_added_later_is_sent_what_it_missed() {
    let (backend, later) = (
        a_receiver(Behaviour::Healthy).await,
        a_receiver(Behaviour::Healthy).await,
    );
    let site = Site::new(&[webhook("backend", &backend.url)]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(20, 4);
    live(&driver, 0..6, 1, 4).await;
    until("everything arrived", || async {
        let waiting = api.get("/projects/acme/deliveries?state=pending").await;
        waiting["data"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let told = backend.received().events.len();
    let settings = json!({ "destination": "webhook", "settings": { "sandbox_url": later.url, "signing_secrets": [] } });
    let (status, body) = api
        .send("PUT", "/projects/acme/integrations/later", Some(settings))
        .await;
    assert!(status < 300, "{body}");
    until("the endpoint is verified", || async {
        let later = api.get("/projects/acme/integrations/later").await;
        later["verification"]["state"] == "passed"
    })
    .await;

    // Every event says that this integration came later.
    let newest = &api.get("/projects/acme/events?limit=1").await["data"][0];
    let states = newest["integrations"].as_array().unwrap();
    let of_later = states.iter().find(|state| state["key"] == "later").unwrap();
    assert!(of_later["text"].as_str().unwrap().contains("replay"));

    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    browser
        .open(&format!("{}/projects/acme/integrations/later", server.url))
        .await;
    browser
        .click("a[href*=\"/replay?integration=later\"]")
        .await;
    browser.click("[name=standings][value=never_sent]").await;
    browser.click("[name=standings][value=failed]").await;
    browser.click("form.settings button").await;
    browser
        .until(&format!(
            "document.querySelector('#foreseen h2')?.innerText === 'It would send {told} events'"
        ))
        .await;
    assert_eq!(
        later.received().events.len(),
        0,
        "nothing was sent by looking"
    );
    browser.click("#foreseen button[formmethod=post]").await;
    browser
        .until("document.querySelector('#lines .chip.green') !== null")
        .await;
    until("it was told what it missed", || async {
        later.received().events.len() == told
    })
    .await;
    assert_eq!(later.received().out_of_order, 0);
    let replays = api.get("/projects/acme/replays").await;
    assert_eq!(replays["data"][0]["progress"]["new"], told);
    // What does not make sense is said field by field.
    let wrong = json!({ "integration": "nobody", "since": "yesterday", "kinds": ["party"], "per_second": 0 });
    let (status, problem) = api
        .send("POST", "/projects/acme/replays", Some(wrong))
        .await;
    assert_eq!(status, 422);
    for field in ["integration", "since", "kinds", "per_second"] {
        let named = problem["detail"].as_str().unwrap().contains(field);
        assert!(named, "{field}: {problem}");
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scripted_life_is_played_in_the_sandbox_and_watched() {
    let Told {
        receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    let page = format!("{}/projects/acme/simulator", server.url);
    browser.open(&page).await;
    browser.fill("[name=price]", "much").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.problem')?.innerText.includes('price')")
        .await;
    browser.fill("[name=price]", "4.99").await;
    browser.fill("[name=customer]", "practice").await;
    browser.fill("[name=month]", "10").await;
    browser.click("[name=script][value=one_time]").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelectorAll('.beats .chip.green').length === 2")
        .await;
    browser
        .until("document.querySelectorAll('#lives .feed tbody tr .marks > .dot.green').length >= 2")
        .await;
    let events = api.events().await;
    let kinds: Vec<_> = events.iter().map(|event| &event["kind"]).collect();
    assert!(kinds.contains(&&json!("non_subscription_purchase_refunded")));
    assert!(events.iter().all(|event| event["environment"] == "sandbox"));
    until("it was sent on", || async {
        receiver.received().events.len() == events.len()
    })
    .await;

    // One that is stopped goes no further.
    browser.open(&page).await;
    browser.fill("[name=month]", "600").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelectorAll('.beats .chip.green').length >= 1")
        .await;
    browser.click("form[action$=\"/stop\"] button").await;
    browser
        .until("document.querySelector('.beats')?.innerText.includes('did not happen')")
        .await;
    let told = browser
        .complaints
        .iter()
        .filter(|told| !told.contains("status of 422"));
    assert_eq!(told.count(), 0, "{:?}", browser.complaints);
}
