//! What is said of an integration does not depend on who is asked: nodes that made its attempts, one that made none, one that just started.

use crate::{
    server::{Api, Server, Site, live, until, webhook},
    told::{a_receiver, cluster},
};
use serde_json::Value;
use simulator::Behaviour;

/// What the API says of how an integration does, without what is counted now and then.
async fn health(api: &Api, key: &str) -> Value {
    let path = format!("/projects/acme/integrations/{key}");
    let mut health = api.get(&path).await["health"].clone();
    let members = health.as_object_mut().unwrap();
    members.remove("waiting");
    members.remove("oldest_waiting_at");
    health
}

/// Whether its metrics say that one webhook of two fails.
async fn tells_of_one(server: &Server) -> bool {
    let metrics = server.metrics().await;
    let fails = "tidings_integrations_failing{destination=\"webhook\"} 1";
    metrics.lines().any(|line| line == fails)
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_say_the_same_of_an_integration_and_so_does_one_that_just_started() {
    let cluster = cluster().await;
    let url = tokio::task::block_in_place(|| cluster.database().unwrap());
    let down = a_receiver(Behaviour::Down).await;
    let healthy = a_receiver(Behaviour::Healthy).await;
    let site = Site::on_postgres(
        url,
        &[
            webhook("backend", &down.url),
            webhook("other", &healthy.url),
        ],
    );
    let (one, two) = (site.serve(), site.serve());
    let (first, second) = (Api::new(&site, &one, &[]), Api::new(&site, &two, &[]));
    live(&one.driver(5, 7), 0..20, 300, 2).await;
    for (key, condition) in [("backend", "failing"), ("other", "working")] {
        until("both nodes say the same", || async {
            let said = health(&first, key).await;
            said["condition"] == condition && said == health(&second, key).await
        })
        .await;
    }
    until("both nodes measure the same", || async {
        tells_of_one(&one).await && tells_of_one(&two).await
    })
    .await;
    drop((one, two));

    let third = site.serve();
    let api = Api::new(&site, &third, &[]);
    let said = health(&api, "backend").await;
    assert_eq!(said["condition"], "failing", "{said}");
    assert!(said["failure"]["reason"].is_string(), "{said}");
    let other = health(&api, "other").await;
    assert_eq!(other["condition"], "working", "{other}");
    until("it measures what was known", || async {
        tells_of_one(&third).await
    })
    .await;
}
