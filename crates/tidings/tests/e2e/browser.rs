//! The page in a real browser.

use crate::{
    chromium::Browser,
    server::{Site, live, until},
    told::{Told, ToldThree, a_receiver},
};
use jiff::SignedDuration;
use simulator::Behaviour;

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_live_and_a_row_opens_into_its_whole_story() {
    let ToldThree {
        healthy: _healthy,
        failing: _failing,
        channel: _channel,
        site,
        server,
        api,
    } = ToldThree::start().await;
    let driver = server.driver(20, 21);
    live(&driver, 0..8, 300, 6).await;
    let mut browser = Browser::start(&site.directory.join("browser")).await;

    browser.enter(&server.sign_in).await;
    let newest = api
        .get("/projects/acme/events?limit=1&kind=-access_level_updated")
        .await["data"][0]
        .clone();
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
    live(&driver, 100..101, 1, 1).await;
    let latest = api
        .get("/projects/acme/events?limit=1&kind=-access_level_updated")
        .await["data"][0]["id"]
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
        .until("document.querySelector('tr.new .dot.green') !== null")
        .await;

    // A filter is part of the address, and a row opens by keyboard.
    browser
        .open(&format!(
            "{}/projects/acme?kind={}",
            server.url,
            newest["kind"].as_str().unwrap()
        ))
        .await;
    // What its page says of where it went is said once it has gone there.
    browser
        .until(&format!(
            "document.querySelector('tr:has(a.event[href$=\"{id}\"]) .dot.green') !== null"
        ))
        .await;
    browser
        .evaluate(&format!(
            "document.querySelector('a.event[href$=\"{id}\"]').focus()"
        ))
        .await;
    browser.press("Enter").await;
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
async fn a_delivery_that_failed_is_found_its_setting_mended_and_it_is_sent_again() {
    let Told {
        receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
    let mut driver = server.driver(20, 5);
    driver.pace.day = SignedDuration::from_secs(60);
    // It passes verification, and then answers 404, which is final.
    let gone = a_receiver(Behaviour::Refusing(404)).await;
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;
    let page = |path: &str| format!("{}/projects/acme{path}", server.url);
    let until_verified = async || {
        until("the endpoint is verified", || async {
            let backend = api.get("/projects/acme/integrations/backend").await;
            backend["verification"]["state"] == "passed"
        })
        .await;
    };
    until_verified().await;

    // Somebody enters a wrong address, as it happens.
    browser.open(&page("/integrations/backend")).await;
    browser.fill("[name=sandbox_url]", "ftp://a.example").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.field.wrong [name=sandbox_url]') !== null")
        .await;
    let told = browser.html().await;
    assert!(
        told.contains("must begin with https://"),
        "beside the field"
    );
    assert!(told.contains("ftp://a.example"), "what was typed stays");
    browser.fill("[name=sandbox_url]", &gone.url).await;
    // A secret stays with the address it was given for.
    browser
        .fill("[name=sandbox_authorization]", "s3cr3t-token")
        .await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.notice') !== null")
        .await;
    until_verified().await;
    live(&driver, 0..1, 1, 1).await;
    until("the delivery has failed", || async {
        let failed = api
            .get("/projects/acme/deliveries?integration=backend&state=failed")
            .await;
        failed["data"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    })
    .await;

    // Somebody else finds it on the feed, sees why, mends the address, and sends it again.
    browser.open(&page("?state=failed")).await;
    browser.click("a.event").await;
    browser
        .until("document.querySelector('.delivery .chip.red') !== null")
        .await;
    assert!(browser.html().await.contains("404"));
    browser
        .click(".delivery a[href$=\"/integrations/backend\"]")
        .await;
    browser
        .until("document.querySelector('[name=sandbox_url]') !== null")
        .await;
    browser.fill("[name=sandbox_url]", &receiver.url).await;
    // What it would send is seen before it is saved.
    browser.click("button[formaction]").await;
    browser
        .until("document.querySelector('#preview pre') !== null")
        .await;
    let preview = browser.html().await;
    assert!(preview.contains("event_type"), "the payload");
    assert!(
        preview.contains(&format!("POST {}", receiver.url)),
        "with unsaved settings"
    );
    // No page shows what was typed as a secret.
    browser
        .fill("[name=sandbox_authorization]", "s3cr3t-token")
        .await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.notice') !== null")
        .await;
    until_verified().await;
    browser
        .click("form[action$=\"/integrations/backend/retry\"] button")
        .await;
    browser
        .until("document.querySelector('#sent .chip.green') !== null")
        .await;
    until("it arrived", || async {
        !receiver.received().events.is_empty()
    })
    .await;
    let told = browser
        .complaints
        .iter()
        .filter(|told| !told.contains("status of 422"));
    assert_eq!(told.count(), 0, "{:?}", browser.complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_first_run_to_first_delivered_test_event_and_a_second_person() {
    let channel = a_receiver(Behaviour::Healthy).await;
    let site = Site::bare();
    let server = site.serve();
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&server.sign_in).await;

    // The owner's account.
    browser.fill("[name=email]", "Owner@shop.example").await;
    browser.fill("[name=password]", "a long password").await;
    browser.click("form .primary").await;

    // A project, a store, Slack, a test event.
    browser
        .until("location.pathname === '/' && document.querySelector('[name=key]') !== null")
        .await;
    browser.fill("[name=name]", "Quiet Hours").await;
    browser.click("form .primary").await;
    browser.click("#steps a[href$=\"/apps\"]").await;
    browser.click("a[href$=\"/apps/new/app_store\"]").await;
    browser
        .until("document.querySelector('[name=bundle_id]') !== null")
        .await;
    browser.fill("[name=bundle_id]", "com.example.quiet").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.field.wrong [name=app_apple_id]') !== null")
        .await;
    browser.fill("[name=app_apple_id]", "1234567890").await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('pre.copy')?.innerText.includes('/callbacks/apple/')")
        .await;
    // From wherever one is, the pages lead back to the start until it is over.
    let start = "nav a[href$=\"/start\"]";
    let steps = "document.querySelector('#steps') !== null";
    browser.click(start).await;
    browser.until(steps).await;
    assert!(
        browser
            .html()
            .await
            .contains("waiting for the first notification")
    );
    browser
        .click("#steps a[href$=\"/integrations/new/slack\"]")
        .await;
    browser
        .until("document.querySelector('[name=webhook_url]') !== null")
        .await;
    browser.fill("[name=webhook_url]", &channel.url).await;
    browser.click(".settings .primary").await;
    browser
        .until("document.querySelector('.notice') !== null")
        .await;
    browser.click(start).await;
    browser.until(steps).await;
    browser
        .click("#steps form[action$=\"/slack/test\"] button")
        .await;
    browser
        .until("document.querySelector('#sent .chip.green') !== null")
        .await;
    assert_eq!(channel.requests(), 1);
    browser.click(start).await;
    browser.until(steps).await;
    assert!(browser.html().await.contains("It arrived"));

    // Somebody is invited, joins, and may look but not touch.
    browser
        .open(&format!("{}/projects/quiet-hours/members", server.url))
        .await;
    browser.fill("[name=email]", "reader@shop.example").await;
    browser
        .click("form[action$=\"/members/invite\"] button")
        .await;
    browser
        .until("document.querySelector('.hint pre') !== null")
        .await;
    let link = browser
        .evaluate("document.querySelector('.hint pre').innerText.trim()")
        .await;
    let link = link.as_str().unwrap().to_owned();
    browser.click(".out button").await;
    browser
        .until("document.querySelector('[name=email]') !== null")
        .await;
    browser.open(&link).await;
    browser.fill("[name=password]", "another password").await;
    browser.click("form .primary").await;
    browser
        .until("document.querySelector('.rail') !== null")
        .await;
    assert!(browser.html().await.contains("reader@shop.example"));
    let refused = browser
        .evaluate("fetch('/projects/quiet-hours/members/invite', { method: 'POST' }).then(answer => answer.status)")
        .await;
    assert_eq!(refused, 403);
    browser.open(&link).await;
    assert!(browser.html().await.contains("was used"), "it works once");

    // A session is in the ledger: it outlives the server; a wrong password opens nothing.
    browser
        .open(&format!("{}/projects/quiet-hours/audit", server.url))
        .await;
    let log = browser.html().await;
    for told in [
        "put integration",
        "owner@shop.example",
        "invite",
        "send test event",
    ] {
        assert!(log.contains(told), "{told}");
    }
    assert!(!log.contains("argon2"), "no secret is in the log");
    let signed_in = async |password: &str| {
        let form = format!("email=owner%40shop.example&password={password}");
        let answer = crate::server::client()
            .post(format!("{}/signin", server.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(form)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(signed_in("a+long+password").await, 303);
    // Each that is wrong has the next wait twice as long: however slow a machine is, one of so many comes too early.
    let mut answers = Vec::new();
    while answers.last() != Some(&429) && answers.len() < 16 {
        answers.push(signed_in("a+wrong+one").await);
    }
    assert_eq!(answers.pop(), Some(429), "guessing is slowed down");
    assert!(answers.len() > 4, "{answers:?}");
    assert!(answers.iter().all(|status| *status == 401), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_data_is_shown_as_text() {
    let Told {
        receiver: _receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
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
    browser.enter(&server.sign_in).await;
    browser
        .until("document.querySelector('main') !== null")
        .await;
    assert_ne!(browser.evaluate("document.title").await, "broken");
    assert_eq!(
        browser
            .evaluate("document.querySelector('.switch li a').textContent")
            .await,
        name
    );
}
