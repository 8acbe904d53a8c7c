//! What must not be shown is in no record.

use super::{buy, deliveries, dressed::How, world};
use crate::world::answer;
use domain::secret::Secret;
use engine::TransportError;

const KEY: &str = "k3y-of-ours";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_in_no_record_whoever_repeats_it() {
    let how = || How {
        key: Secret::new(KEY),
        ..How::default()
    };
    let echo = || {
        let mut response = answer(400, &format!("{{\"error\":\"bad key {KEY}\"}}")).unwrap();
        let location = format!("https://a.example/?key={KEY}");
        response.headers.push("location", location);
        response.unread = Some(format!("broke off at {KEY}"));
        Ok(response)
    };
    let lost = || {
        let why = format!("https://a.example/?key={KEY} reset the connection");
        Err(TransportError::Unanswered(why))
    };
    for comes in [echo(), lost()] {
        let world = world(how()).await;
        let came = comes.clone();
        world.answer_with(move |url, _| {
            if url.contains("a.example") {
                came.clone()
            } else {
                answer(200, "{}")
            }
        });
        buy(&world, 1).await;
        let (record, attempts) = deliveries(&world).await.remove(0);
        let request = record.request.clone().unwrap();
        assert_eq!(request.method, "POST");
        assert_eq!(request.url, "https://a.example/?key=***");
        assert!(request.body.contains(r#""key":"***""#), "{request:?}");
        assert!(attempts[0].detail.contains("***"), "{attempts:?}");
        let kept = format!("{record:?} {attempts:?}");
        assert!(!kept.contains(KEY), "{kept}");
        let row = world.feed().await.remove(0);
        assert!(!format!("{row:?}").contains(KEY), "{row:?}");
        // It was sent all the same.
        let sent = world.endpoints.sent.lock().unwrap();
        let sent = sent.iter().find(|sent| sent.url.contains("a.example"));
        assert_eq!(sent.unwrap().body["key"], KEY);
    }
}
