//! Every page in a real browser: nothing of it is cut off at any width, by day or by night, and whoever only reads may change nothing.

use crate::{
    chromium::Browser,
    server::{live, published},
    told::Told,
};
use simulator::Behaviour;

/// What of a page cannot be read: a table that is wider than its page on a screen, text that is hidden behind dots and not whole on hover, a label that
/// leaves its picture.
const CUT: &str = r"(() => {
    const cut = [];
    const wide = document.documentElement.clientWidth >= 1280;
    for (const part of document.querySelectorAll('.scroll')) {
        if (wide && part.scrollWidth > part.clientWidth + 1) cut.push(`table ${part.innerText.slice(0, 40)}`);
    }
    for (const part of document.querySelectorAll('td, th, dd, h1, h2, h3, p, li, td code, .chip')) {
        const hides = getComputedStyle(part).overflowX !== 'visible' && !part.classList.contains('hidden');
        if (part.matches(':is([title], :has([title]))')) continue;
        if (hides && part.scrollWidth > part.clientWidth + 1) cut.push(part.innerText.slice(0, 40));
    }
    for (const text of document.querySelectorAll('svg text')) {
        const [inner, outer] = [text, text.closest('svg')].map((part) => part.getBoundingClientRect());
        if (inner.left < outer.left - 1 || inner.right > outer.right + 1) cut.push(`label ${text.textContent}`);
    }
    return cut.join('; ');
})()";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_and_a_reader_may_change_nothing() {
    let Told {
        receiver: _receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
    let driver = server.driver(20, 9);
    live(&driver, 0..3, 1, 4).await;
    let who = api.events().await[0]["customer"]["app_user_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let key = site.run(&["keys", "create", "--name", "reader", "--read-only"]);
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.open(&format!("{}/signin", server.url)).await;
    browser.fill("[name=key]", &key).await;
    browser.click("form button").await;
    browser
        .until("document.querySelector('#rows tr') !== null")
        .await;
    let axe = std::fs::read_to_string(published("axe-core@4", "axe-core/axe.min.js")).unwrap();
    let event = api.events().await[0]["id"].as_str().unwrap().to_owned();
    let paths = [
        String::new(),
        format!("/events/{event}"),
        "/customers".into(),
        format!("/customers/{who}"),
        "/integrations".into(),
        "/integrations/backend".into(),
        "/apps".into(),
        "/apps/ios".into(),
        "/catalog".into(),
        "/offerings".into(),
        "/overview".into(),
        "/replay".into(),
        "/replay?integration=backend&since=2020-01-01&standings=delivered".into(),
        "/simulator".into(),
        "/rates".into(),
        "/account".into(),
        "/settings".into(),
        "/members".into(),
        "/audit".into(),
        "/start".into(),
    ];
    for path in paths {
        browser
            .open(&format!("{}/projects/acme{path}", server.url))
            .await;
        browser
            .until("document.querySelector('main h1') !== null")
            .await;
        let forms = browser
            .evaluate("document.querySelectorAll('main form[method=post] button').length")
            .await;
        assert_eq!(forms, 0, "{path}: nothing to press");
        let unnamed = browser
            .evaluate("[...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(field => !field.labels?.length && !field.ariaLabel).map(field => field.name).join()")
            .await;
        assert_eq!(unnamed, "", "{path}: every field has a label");
        for width in [360, 768, 1280, 1440, 2560] {
            browser.look((width, 900), false).await;
            let overflow = browser
                .evaluate(
                    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
                )
                .await;
            assert_eq!(overflow, false, "{path}: sideways scrolling at {width} px");
            let cut = browser.evaluate(CUT).await;
            assert_eq!(cut, "", "{path}: cut off at {width} px");
        }
        let marks = browser
            .evaluate("document.querySelector('main').innerText.includes('`')")
            .await;
        assert_eq!(marks, false, "{path}: code is marked as code");
        // What a published checker of accessibility finds serious, by day and by night.
        browser.evaluate(&axe).await;
        for dark in [false, true] {
            browser.look((1280, 900), dark).await;
            let found = browser
                .evaluate("axe.run().then(told => told.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(one => one.id + ': ' + one.nodes.map(node => node.html).slice(0, 3).join(' ')).join('; '))")
                .await;
            assert_eq!(found, "", "{path}, dark: {dark}");
        }
    }
    // A form that is sent all the same is refused, in words.
    let refused = browser
        .evaluate("fetch('/projects/acme/integrations/backend/pause', { method: 'POST', headers: { accept: 'text/html' } }).then(async answer => answer.status + ' ' + await answer.text())")
        .await;
    let text = refused.as_str().unwrap_or_default();
    assert!(
        text.starts_with("403 ") && text.contains("may not"),
        "{text}"
    );
    browser
        .open(&format!("{}/projects/nobody", server.url))
        .await;
    assert!(browser.html().await.contains("There is no such thing"));
}
