//! A full disk: no 2xx, no corruption, and recovery without a restart.

use crate::{
    server::{AUTHORITY, Api, BUNDLE_ID, Server, Site, client, now, post, until, webhook},
    told::a_receiver,
};
use simulator::{App, Behaviour, Life, Pace};
use std::process::Command;

fn body(number: u64) -> String {
    let app = App {
        bundle_id: BUNDLE_ID.into(),
        environment: "LocalTesting".into(),
    };
    let life = Life::play(
        &app,
        Pace {
            day: jiff::SignedDuration::from_secs(60),
        },
        4,
        number,
        now(),
        1,
    );
    life.notifications[0].body(&AUTHORITY).unwrap()
}

/// Sets how large the server's files may grow; the kernel then refuses writes as it does when a disk is full.
pub(crate) fn limit(server: &Server, bytes: &str) {
    let status = Command::new("prlimit")
        .args([
            "--pid",
            &server.process.id().to_string(),
            &format!("--fsize={bytes}:unlimited"),
        ])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_503_until_there_is_room_again() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let site = Site::new(&[webhook("backend", &receiver.url)]);
    // A shell that ignores the signal sent with the error, as a disk sends none.
    let mut command = Command::new("sh");
    let script = format!(
        "trap '' XFSZ; exec {} serve --listen 127.0.0.1:0 --allow-networks integrations=127.0.0.0/8 --log error",
        crate::server::BINARY
    );
    command
        .args(["-c", &script])
        .current_dir(&site.directory)
        .env("TIDINGS_DATA", "data");
    let server = Server::start(command, &site.directory);
    let api = Api::new(&site, &server, &[]);
    assert_eq!(post(&server.callback, body(1)).await.0, 200);
    let is_ready = async || {
        let asked = client().get(format!("{}/readyz", server.url)).send().await;
        asked.unwrap().status()
    };
    assert_eq!(is_ready().await, 200);
    limit(&server, "1");
    let mut refused = 0;
    for number in 10..30 {
        let (status, problem) = post(&server.callback, body(number)).await;
        if status != 200 {
            assert_eq!(is_ready().await, 503, "from the first write that fails");
            assert_eq!(
                (status, problem["code"].as_str()),
                (503, Some("unavailable"))
            );
            refused += 1;
        }
    }
    assert!(refused > 0, "the limit was felt");
    assert_eq!(
        client()
            .get(format!("{}/healthz", server.url))
            .send()
            .await
            .unwrap()
            .status(),
        200,
        "the process lives"
    );
    assert_eq!(is_ready().await, 503, "but takes no work");
    let before = api.events().await.len();
    limit(&server, "unlimited");
    for number in 10..30 {
        assert_eq!(
            post(&server.callback, body(number)).await.0,
            200,
            "the store sends again what was refused"
        );
    }
    assert!(api.events().await.len() > before);
    let events = api.events().await.len();
    until("everything is delivered", || async {
        receiver.received().events.len() == events
    })
    .await;
    drop(server);
    assert!(site.run(&["doctor"]).contains("is intact"));
}
