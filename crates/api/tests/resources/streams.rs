//! Live streams of events and of deliveries.

use crate::lived;
use insta::assert_snapshot;
use web::test::Who;

const EVENTS: &str = "/api/v1/projects/acme/events";

#[tokio::test]
async fn of_events_tells_them_and_goes_on_after_the_last() {
    let server = lived().await;
    let reader = server.by(Who::ReadKey);
    let all = reader
        .first_of(&format!("{EVENTS}/stream?after=0"), 8)
        .await;
    let id = |message: &str| {
        message
            .lines()
            .find_map(|line| line.strip_prefix("id: ").map(str::to_owned))
            .unwrap()
    };
    let resumed = reader
        .with("last-event-id", id(&all[5]))
        .first_of(&format!("{EVENTS}/stream"), 2)
        .await;
    assert_eq!(resumed, all[6..]);
    assert_snapshot!(all[0]);
}

#[tokio::test]
async fn of_deliveries_tells_how_they_stand() {
    let server = lived().await;
    let path = "/api/v1/projects/acme/deliveries/stream?integration=slack";
    let told = server.by(Who::ReadKey).first_of(path, 3).await;
    assert!(
        told.iter()
            .all(|message| message.starts_with("event: delivery\n")),
        "{told:#?}"
    );
}
