//! A notification becomes a webhook and a Slack message, and everything about it can be read.

use crate::{
    server::{Api, Site, client, live, now, until, webhook},
    told::{Told, ToldThree},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Behaviour, Channel, Faults, Receiver};
use std::time::Duration;

/// Longer than anything here takes, on a busy machine too: where nothing comes, the test says so instead of hanging.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn simulated_lives_reach_every_receiver_once_and_in_order() {
    let ToldThree {
        healthy,
        failing,
        channel,
        site,
        server,
        api,
    } = ToldThree::start().await;
    let mut driver = server.driver(20, 11);
    driver.faults = Faults {
        twice: 10,
        late: 10,
        lost: 5,
    };
    let steps = driver.script(
        Channel::Apple,
        0..30,
        now(),
        SignedDuration::from_millis(500),
        12,
    );
    let sent = steps.iter().filter(|turn| turn.tells).count() as u64;
    let report = driver.run(steps, now(), 32, PATIENCE).await.unwrap();
    assert_eq!((report.messages, report.refused), (sent, 0));

    let events = api.events().await;
    assert!(events.len() > 300, "{}", events.len());
    let wanted: Vec<_> = events
        .iter()
        .filter(|event| {
            event["kind"] != "product_changed"
                && !event["kind"]
                    .as_str()
                    .unwrap()
                    .starts_with("price_increase")
                && event["kind"] != "refund_reversed"
                && event["kind"] != "subscription_extended"
        })
        .collect();
    for receiver in [&healthy, &failing] {
        until("every event is received", || async {
            receiver.received().events.len() == wanted.len()
        })
        .await;
        let received = receiver.received();
        assert_eq!(
            received.out_of_order, 0,
            "each customer's events arrive in order"
        );
        assert!(
            wanted
                .iter()
                .all(|event| received.events.contains_key(event["id"].as_str().unwrap()))
        );
    }
    assert!(
        healthy.received().events.values().all(|times| *times == 1),
        "and once, where nothing fails"
    );
    until("Slack heard", || async { channel.requests() > 50 }).await;

    // Sequence numbers have no gaps, per customer.
    let mut seqs: std::collections::BTreeMap<&str, Vec<u64>> = std::collections::BTreeMap::new();
    for event in &events {
        seqs.entry(event["customer"]["id"].as_str().unwrap())
            .or_default()
            .push(event["customer_seq"].as_u64().unwrap());
    }
    assert!(seqs.values().all(|seqs| {
        seqs.iter()
            .enumerate()
            .all(|(index, seq)| *seq == index as u64 + 1)
    }));

    // From an event back to the raw message and the rule, and forward to every attempt.
    let event = &events[0];
    assert!(!event["cause"]["rule"].as_str().unwrap().is_empty());
    let message = api
        .get(&format!(
            "/projects/acme/inbox/{}",
            event["cause"]["inbox"].as_str().unwrap()
        ))
        .await;
    assert!(message["body"].as_str().unwrap().contains("signedPayload"));
    let delivery = event["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|state| state["key"] == "backend")
        .unwrap()["delivery"]
        .as_str()
        .unwrap()
        .to_owned();
    until("the delivery is settled", || async {
        api.get(&format!("/projects/acme/deliveries/{delivery}"))
            .await["delivery"]["state"]
            == "delivered"
    })
    .await;
    let shown = api
        .get(&format!("/projects/acme/deliveries/{delivery}"))
        .await;
    assert_eq!(shown["attempts"][0]["status"], 200);
    assert_eq!(
        shown["delivery"]["request"]["headers"],
        json!(shown["delivery"]["request"]["headers"])
    );
    assert!(
        !shown.to_string().contains("s3cr3t-token"),
        "authorization is masked"
    );
    let body: Value =
        serde_json::from_str(shown["delivery"]["request"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["tidings"]["event_id"], event["id"]);

    // Resent on request, with the id it had.
    let before = healthy.received().accepted[&delivery];
    assert_eq!(
        api.send(
            "POST",
            &format!("/projects/acme/deliveries/{delivery}/resend"),
            None
        )
        .await
        .0,
        202
    );
    until("it is resent", || async {
        healthy.received().accepted[&delivery] == before + 1
    })
    .await;

    // A test event goes through the same machinery.
    let (status, _) = api
        .send("POST", "/projects/acme/integrations/slack/test", None)
        .await;
    assert_eq!(status, 202);
    let last = api
        .get("/projects/acme/deliveries?integration=slack&limit=1")
        .await;
    assert_eq!(last["data"][0]["kind"], "test");

    // Metrics and logs tell the same story, without secrets or personal data.
    let metrics = server.metrics().await;
    assert!(
        metrics.contains(
            "tidings_messages_received_total{source=\"app_store\",outcome=\"processed\"}"
        ),
        "{metrics}"
    );
    let log = site.log();
    assert!(
        log.contains("event recorded") && log.contains("attempt made") && log.contains(&delivery)
    );
    assert!(!log.contains("s3cr3t-token") && !log.contains("appAccountToken"));
    assert!(
        events
            .iter()
            .all(|event| !log.contains(event["customer"]["app_user_id"].as_str().unwrap())),
        "user ids are personal data"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn live_streams_tell_events_as_they_happen_and_resume_where_they_broke() {
    let Told {
        receiver: _receiver,
        site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
    let key = site.run(&["keys", "create", "--name", "stream", "--read-only"]);
    let open = |last: Option<&str>| {
        let mut request = client()
            .get(format!(
                "{}/api/v1/projects/acme/events/stream?after=0",
                server.url
            ))
            .bearer_auth(&key);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send()
    };
    let mut stream = open(None).await.unwrap();
    let driver = server.driver(5, 3);
    live(&driver, 0..3, 1, 2).await;
    let mut text = String::new();
    while text.matches("event: event").count() < 4 {
        let chunk = tokio::time::timeout(PATIENCE, stream.chunk())
            .await
            .expect("the stream goes on")
            .unwrap()
            .unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(text.contains("id: 1\n") && text.contains("id: 2\n"));
    let mut resumed = open(Some("2")).await.unwrap();
    let chunk = tokio::time::timeout(PATIENCE, resumed.chunk())
        .await
        .expect("the stream begins")
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&chunk).into_owned();
    assert!(
        text.contains("id: 3\n") && !text.contains("id: 2\n"),
        "{text}"
    );

    // The same by asking again and again: what there is, then what comes, then nothing.
    let all = api
        .get("/projects/acme/events?after=0&limit=200&wait=30")
        .await;
    let next = all["next"].as_str().unwrap().to_owned();
    assert!(all["data"].as_array().unwrap().len() >= 4);
    let path = format!("/projects/acme/events?after={next}&wait=30");
    let later = driver.script(
        Channel::Apple,
        50..51,
        now(),
        SignedDuration::from_millis(1),
        1,
    );
    let telling = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        driver.run(later, now(), 1, PATIENCE).await
    };
    let (came, told) = tokio::join!(api.get(&path), telling);
    told.unwrap();
    assert!(!came["data"].as_array().unwrap().is_empty(), "{came}");
    let nothing = api.get("/projects/acme/events?after=1000000&wait=1").await;
    assert_eq!(
        (&nothing["data"], &nothing["next"]),
        (&serde_json::json!([]), &serde_json::json!("1000000"))
    );
    for wrong in ["wait=5", "after=1&wait=61"] {
        let path = format!("/projects/acme/events?{wrong}");
        let (status, problem) = api.send("GET", &path, None).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &serde_json::json!("malformed_query"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_delivered_before_the_endpoint_is_verified_and_everything_after() {
    // Nobody listens there yet.
    let address: std::net::SocketAddr = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let site = Site::new(&[webhook("backend", &format!("http://{address}/hook"))]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(5, 5);
    live(&driver, 0..3, 1, 1).await;
    until("the verdict is there", || async {
        api.get("/projects/acme/integrations/backend").await["verification"]["state"] == "failed"
    })
    .await;
    let integration = api.get("/projects/acme/integrations/backend").await;
    assert_eq!(integration["held"]["reason"], "endpoint_unverified");
    assert!(
        integration["verification"]["problem"]
            .as_str()
            .unwrap()
            .contains("could not connect"),
        "{integration}"
    );
    let events = api.events().await;
    assert!(
        events
            .iter()
            .flat_map(|event| event["integrations"].as_array().unwrap().clone())
            .all(|state| state["state"] == "held")
    );
    let receiver = Receiver::start_at(address, Behaviour::Healthy, false, now())
        .await
        .unwrap();
    let (status, verdict) = api
        .send("POST", "/projects/acme/integrations/backend/verify", None)
        .await;
    assert_eq!((status, verdict["state"].as_str()), (200, Some("passed")));
    until("everything held is delivered", || async {
        receiver.received().events.len() == events.len()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_settles_what_it_has_begun() {
    let Told {
        receiver: slow,
        site,
        mut server,
        api,
    } = Told::to(Behaviour::Slow(Duration::from_millis(700))).await;
    until("the endpoint is verified", || async {
        api.get("/projects/acme/integrations/backend").await["verification"]["state"] == "passed"
    })
    .await;
    let driver = server.driver(5, 5);
    live(&driver, 0..20, 1, 1).await;
    until("the attempt is under way", || async {
        slow.requests() >= 2
    })
    .await;
    assert!(
        std::process::Command::new("kill")
            .arg("-TERM")
            .arg(server.process.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert!(server.process.wait().unwrap().success());
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    until("everything is delivered", || async {
        let waiting = api.get("/projects/acme/deliveries?state=pending").await;
        waiting["data"] == json!([])
    })
    .await;
    let received = slow.received();
    assert!(
        received.accepted.values().all(|times| *times == 1),
        "an attempt that was under way is not on record: {:?}",
        received.accepted
    );
}
