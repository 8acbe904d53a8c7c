//! The pictures of the documentation, taken of the demo.

use crate::{
    chromium::Browser,
    server::{BINARY, Site},
};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use throwaway::Companion;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask screenshots` runs it"]
async fn pictures_of_the_documentation() {
    let site = Site::bare();
    let mut command = Command::new(BINARY);
    command.args(["demo", "--listen", "127.0.0.1:0", "--seed", "11"]);
    let mut demo = Companion::start(command.stdout(Stdio::piped())).unwrap();
    let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let sign_in = lines
        .find_map(|line| {
            let mut words = line.split_whitespace();
            words
                .find(|word| word.contains("/signin/"))
                .map(str::to_owned)
        })
        .unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    let url = sign_in.split("/signin").next().unwrap();
    let mut browser = Browser::start(&site.directory.join("browser")).await;
    browser.enter(&sign_in).await;
    // Long enough for a month of each customer.
    tokio::time::sleep(Duration::from_secs(30)).await;

    let project = format!("{url}/projects/meditation");
    let link = "document.querySelector('a.event[href]').href";
    browser
        .open(&format!("{project}?kind=billing_issue_detected"))
        .await;
    browser.until(&format!("{link} !== null")).await;
    let event = browser.evaluate(link).await;
    // Whoever had trouble paying has the most to show.
    let who = "document.querySelector('td.who a').href";
    let customer = browser.evaluate(who).await;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, address, size, dark) in [
        (
            "overview",
            format!("{project}/overview"),
            (1440, 1100),
            false,
        ),
        ("feed", project.clone(), (1440, 900), false),
        ("feed-dark", project.clone(), (1440, 900), true),
        ("feed-narrow", project.clone(), (390, 844), false),
        (
            "event",
            event.as_str().unwrap().to_owned(),
            (1440, 1100),
            false,
        ),
        (
            "customer",
            customer.as_str().unwrap().to_owned(),
            (1440, 1100),
            false,
        ),
        (
            "integration",
            format!("{project}/integrations/billing"),
            (1440, 1100),
            false,
        ),
    ] {
        browser.open(&address).await;
        let path = directory.join(format!("{name}.png"));
        browser.screenshot(&path, size, dark).await;
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}
