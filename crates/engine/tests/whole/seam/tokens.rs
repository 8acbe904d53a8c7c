//! Tokens are fetched once, kept, given up when refused, and in no record.

use super::{A, buy, deliveries, dressed::How, pass, sent_to, world};
use crate::world::answer;
use destinations::Grant;
use domain::{NotSent, secret::Secret};
use ledger::DeliveryState;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const GIVER: &str = "https://auth.example/token";

fn granted() -> How {
    How {
        grant: Some(Grant::ClientCredentials {
            url: GIVER.into(),
            id: "tidings".into(),
            secret: Secret::new("s3cret"),
            scope: None,
            subject: None,
        }),
        ..How::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_once_and_another_when_it_is_refused() {
    let world = world(granted()).await;
    let (given, refused) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let refuses = Arc::clone(&refused);
    world.answer_with(move |url, _| {
        if url == GIVER {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!("{{\"access_token\":\"t0ken-{number}\",\"expires_in\":3600}}");
            return answer(200, &token);
        }
        let is_refused = url.starts_with(A) && refuses.swap(0, Ordering::SeqCst) > 0;
        answer(if is_refused { 401 } else { 200 }, "t0ken-1 t0ken-2")
    });
    for customer in 1..=2 {
        buy(&world, customer).await;
    }
    assert_eq!((sent_to(&world, GIVER), sent_to(&world, A)), (1, 2));
    refused.store(1, Ordering::SeqCst);
    buy(&world, 3).await;
    assert_eq!((sent_to(&world, GIVER), sent_to(&world, A)), (2, 4));
    let all = deliveries(&world).await;
    for (record, attempts) in &all {
        assert_eq!(record.state, DeliveryState::Delivered);
        assert_eq!(attempts.len(), 1);
    }
    for ((record, attempts), token) in all.iter().zip(["t0ken-1", "t0ken-1", "t0ken-2"]) {
        let kept = format!("{record:?} {attempts:?}");
        assert!(kept.contains("***") && !kept.contains(token), "{kept}");
    }
    let sent = world.endpoints.sent.lock().unwrap();
    let bearers = sent.iter().filter(|sent| sent.url.starts_with(A));
    let bearers: Vec<_> = bearers
        .map(|sent| sent.headers.first("authorization").unwrap())
        .collect();
    let expected = [
        "Bearer t0ken-1",
        "Bearer t0ken-1",
        "Bearer t0ken-1",
        "Bearer t0ken-2",
    ];
    assert_eq!(bearers, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_no_token_refuses_what_needed_it() {
    let world = world(granted()).await;
    world.answer_with(|url, _| match url {
        GIVER => answer(401, "{\"error\":\"invalid_client\",\"was\":\"s3cret\"}"),
        _ => answer(200, ""),
    });
    buy(&world, 1).await;
    let (record, attempts) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Pending, Some(NotSent::MissingCredentials))
    );
    assert!(
        attempts[0].detail.contains("invalid_client"),
        "{attempts:?}"
    );
    assert_eq!(record.request.unwrap().url, GIVER);
    assert!(!format!("{attempts:?}").contains("s3cret"));
    assert_eq!(sent_to(&world, A), 0);
    pass(&world, 10).await;
    assert_eq!(world.held("a"), Some(NotSent::MissingCredentials));
}
