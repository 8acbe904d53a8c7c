//! What may be sent once, what more than once, and what is mended in between.

use super::{A, buy, deliveries, dressed::How, pass, sent_to, world};
use crate::world::answer;
use destinations::{Method, Outcome, Request};
use domain::NotSent;
use engine::TransportError;
use ledger::DeliveryState;
use std::sync::Arc;

const CONTACTS: &str = "https://contacts.example/";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_with_a_warning_is_delivered_with_it_and_never_sent_again() {
    let warning = "2 of 5 properties were dropped";
    let world = world(How {
        classify: Some(Arc::new(move |_| Outcome::Partly(warning.into()))),
        ..How::default()
    })
    .await;
    buy(&world, 1).await;
    pass(&world, 600).await;
    let (record, attempts) = deliveries(&world).await.remove(0);
    assert_eq!(record.state, DeliveryState::Delivered);
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].detail, warning);
    assert_eq!(sent_to(&world, A), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_answered_is_not_repeated_where_that_would_count_twice() {
    let silence = || TransportError::Unanswered("no answer within 10 s".into());
    let unreached = || TransportError::Network("could not connect: refused".into());
    for (is_once, why, reason, state) in [
        (true, silence(), NotSent::Unconfirmed, DeliveryState::Failed),
        (
            true,
            unreached(),
            NotSent::NetworkError,
            DeliveryState::Pending,
        ),
        (
            false,
            silence(),
            NotSent::NetworkError,
            DeliveryState::Pending,
        ),
    ] {
        let world = world(How {
            is_once,
            ..How::default()
        })
        .await;
        let error = why.clone();
        world.answer_with(move |url, _| {
            if url.starts_with(A) {
                Err(error.clone())
            } else {
                answer(200, "")
            }
        });
        buy(&world, 1).await;
        let (record, attempts) = deliveries(&world).await.remove(0);
        assert_eq!(
            (record.state, record.reason),
            (state, Some(reason)),
            "{why}"
        );
        let before = sent_to(&world, A);
        pass(&world, 300).await;
        let told = super::counted_twice(&world, A);
        assert!(told.iter().all(|told| *told == is_once), "{why}: {told:?}");
        let is_repeated = sent_to(&world, A) > before;
        assert_eq!(is_repeated, state == DeliveryState::Pending, "{why}");
        if reason == NotSent::Unconfirmed {
            let told = &attempts[0].detail;
            assert!(told.contains("may have been taken"), "{told}");
            assert!(told.contains("by hand") && told.contains("`repeat_unconfirmed`"));
        }
    }
}

/// Some vendors say in the body alone that they took it.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_whose_body_broke_off_is_not_repeated_where_that_would_count_twice() {
    for (is_once, status, state) in [
        (true, 200, DeliveryState::Failed),
        (false, 200, DeliveryState::Pending),
        // What was refused was not taken.
        (true, 503, DeliveryState::Pending),
    ] {
        let world = world(How {
            is_once,
            classify: Some(Arc::new(|_| Outcome::Retry(None))),
            ..How::default()
        })
        .await;
        world.answer_with(move |url, _| {
            let mut answer = answer(if url.starts_with(A) { status } else { 200 }, "{\"mess")?;
            answer.unread = Some("its body broke off: connection closed".into());
            Ok(answer)
        });
        buy(&world, 1).await;
        let (record, attempts) = deliveries(&world).await.remove(0);
        assert_eq!(record.state, state, "{is_once} {status}");
        if state == DeliveryState::Failed {
            assert_eq!(record.reason, Some(NotSent::Unconfirmed));
            let told = &attempts[0].detail;
            assert!(told.contains("broke off"), "{told}");
        }
    }
}

fn remedied() -> How {
    let contact = Request::new(Method::Put, CONTACTS);
    How {
        remedy: Some(contact.with_body("application/json", b"{\"contact\":1}".to_vec())),
        ..How::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_remedy_is_made_and_the_message_sent_once_more_in_the_same_attempt() {
    let world = world(remedied()).await;
    let is_known = std::sync::atomic::AtomicBool::new(false);
    world.answer_with(move |url, _| {
        use std::sync::atomic::Ordering::SeqCst;
        if url.starts_with(CONTACTS) {
            is_known.store(true, SeqCst);
            return answer(201, "");
        }
        let missing = url.starts_with(A) && !is_known.load(SeqCst);
        answer(if missing { 404 } else { 200 }, "")
    });
    buy(&world, 1).await;
    let (record, attempts) = deliveries(&world).await.remove(0);
    assert_eq!(record.state, DeliveryState::Delivered);
    assert_eq!((attempts.len(), attempts[0].status), (1, Some(200)));
    assert_eq!((sent_to(&world, A), sent_to(&world, CONTACTS)), (2, 1));
    let request = record.request.unwrap();
    assert!(request.url.starts_with(A));
    assert_eq!(
        request.also,
        "POST https://a.example/?key= was answered 404, then PUT https://contacts.example/ was answered 201"
    );
}

/// A contact that is created twice is one contact, whatever the message counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_remedy_may_come_twice_where_its_message_may_not() {
    let world = world(How {
        is_once: true,
        ..remedied()
    })
    .await;
    world.answer_with(|url, _| answer(if url.starts_with(A) { 404 } else { 200 }, ""));
    buy(&world, 1).await;
    assert_eq!(super::counted_twice(&world, A), [true, true]);
    assert_eq!(super::counted_twice(&world, CONTACTS), [false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_remedy_does_not_mend_is_judged_by_the_last_answer() {
    let world = world(remedied()).await;
    world.answer_with(|url, _| answer(if url.starts_with(A) { 404 } else { 200 }, "unknown"));
    buy(&world, 1).await;
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(record.reason, Some(NotSent::RejectedByDestination));
    assert_eq!((sent_to(&world, A), sent_to(&world, CONTACTS)), (2, 1));
    // A remedy that could not be made says nothing against the message.
    let world = super::world(remedied()).await;
    world.answer_with(|url, _| match url {
        CONTACTS => Err(TransportError::Unanswered("no answer within 10 s".into())),
        url => answer(if url.starts_with(A) { 404 } else { 200 }, "unknown"),
    });
    buy(&world, 1).await;
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Pending, Some(NotSent::NetworkError))
    );
}
