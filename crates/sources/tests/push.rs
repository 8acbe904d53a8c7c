//! Who may push: Google's keys are asked for by those whose key is not known, and nobody else waits.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use simulator::{Api, ApiRequest, PUSH_ACCOUNT, PlayStore};
use sources::{
    Call, Incoming, Refusal, Reply, Source, Verdict, Web,
    google::{API_URL, App, GooglePlay, PushAccess},
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

const URL: &str = "https://t.example/callbacks/google/app";

/// Google's key server, which answers when it is let.
struct KeyServer {
    store: PlayStore,
    lets: Semaphore,
    asked: AtomicUsize,
    is_down: AtomicBool,
    now: Timestamp,
}

impl KeyServer {
    /// One that lets so many ask.
    fn letting(lets: usize, now: Timestamp) -> Self {
        Self {
            store: PlayStore::new("com.example").unwrap(),
            lets: Semaphore::new(lets),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            now,
        }
    }
}

#[async_trait]
impl Web for KeyServer {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.lets.acquire().await.unwrap().forget();
        if self.is_down.load(Ordering::SeqCst) {
            return Err("it is down".into());
        }
        let request = ApiRequest::of("GET", &call.url, None, Vec::new());
        let answer = self.store.answer(&request, self.now);
        Ok(Reply {
            status: answer.status,
            retry_after: None,
            cache_control: None,
            body: answer.body,
        })
    }
}

fn source() -> GooglePlay {
    GooglePlay::new(App {
        package: "com.example".into(),
        push: PushAccess::Oidc {
            audience: None,
            email: PUSH_ACCOUNT.into(),
            keys_url: "https://play.test/certs".into(),
        },
        credentials: None,
        api_url: API_URL.into(),
        acknowledge: false,
    })
}

async fn push(
    source: &GooglePlay,
    server: &KeyServer,
    authorization: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let incoming = Incoming {
        body: b"{}",
        authorization: Some(authorization),
        signature: None,
        url: URL,
    };
    source.authenticate(&incoming, server, now).await
}

#[tokio::test]
async fn a_push_whose_key_is_known_waits_for_nobody() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let server = KeyServer::letting(1, start);
    let asked = || server.asked.load(Ordering::SeqCst);
    let source = source();
    let genuine = server.store.push_authorization(URL, start).unwrap();
    push(&source, &server, &genuine, start).await.unwrap();
    assert_eq!(asked(), 1);

    // A stranger's token names a key that nobody published. The key server does not answer.
    let stranger = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6InN0cmFuZ2VyIn0.e30.AAAA";
    let later = start + SignedDuration::from_mins(1);
    let mut strangers: Vec<_> = (0..3)
        .map(|_| Box::pin(push(&source, &server, stranger, later)))
        .collect();
    for waiting in &mut strangers {
        tokio::select! {
            biased;
            outcome = waiting => panic!("{outcome:?}"),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(asked(), 2, "one of them asks");
    push(&source, &server, &genuine, later).await.unwrap();
    server.lets.add_permits(1);
    for waiting in strangers {
        let refusal = waiting.await.unwrap_err();
        assert_eq!(refusal.verdict, Verdict::Refuse, "{refusal:?}");
    }
    let again = push(&source, &server, stranger, later).await.unwrap_err();
    assert!(again.detail.contains("stranger"), "{again:?}");
    assert_eq!(
        asked(),
        2,
        "and what was asked a moment ago is not asked again"
    );
}

/// Each of them has a connection meanwhile.
#[tokio::test]
async fn so_many_wait_for_a_key_server_that_does_not_answer_and_others_come_again() {
    const MOST: usize = 16;
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let server = KeyServer::letting(0, start);
    let source = source();
    let genuine = server.store.push_authorization(URL, start).unwrap();
    let mut waiting = Vec::new();
    for number in 0..3 * MOST {
        let mut one = Box::pin(push(&source, &server, &genuine, start));
        let outcome = tokio::select! {
            biased;
            outcome = &mut one => Some(outcome.unwrap_err().verdict),
            () = std::future::ready(()) => None,
        };
        let expected = (number >= MOST).then_some(Verdict::Again);
        assert_eq!(outcome, expected, "{number}");
        waiting.push(one);
    }
    server.lets.add_permits(1);
    for one in waiting.into_iter().take(MOST) {
        one.await.unwrap();
    }
    push(&source, &server, &genuine, start).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_set_back_refuses_no_push_for_the_difference() {
    let ahead: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let start = ahead - SignedDuration::from_hours(24);
    let server = KeyServer::letting(9, start);
    let source = source();
    let genuine = server.store.push_authorization(URL, start).unwrap();
    server.is_down.store(true, Ordering::SeqCst);
    push(&source, &server, &genuine, ahead).await.unwrap_err();
    server.is_down.store(false, Ordering::SeqCst);
    push(&source, &server, &genuine, start).await.unwrap();

    // The same of a key that is not among those that were read.
    let asked = server.asked.load(Ordering::SeqCst);
    let before = start - SignedDuration::from_hours(24);
    let stranger = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6InN0cmFuZ2VyIn0.e30.AAAA";
    push(&source, &server, stranger, before).await.unwrap_err();
    assert_eq!(server.asked.load(Ordering::SeqCst), asked + 1);
}

/// Google's tokens are good for an hour; a time at the end of what can be counted is before or after everything.
#[tokio::test]
async fn the_times_of_a_token_may_be_any_number() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let server = KeyServer::letting(1, now);
    let source = source();
    for (issued, ends, accepted) in [
        (0, i64::MAX, true),
        (i64::MIN, i64::MAX, true),
        (0, i64::MIN, false),
        (i64::MAX, i64::MAX, false),
    ] {
        let claims = serde_json::json!({
            "iss": "https://accounts.google.com", "aud": URL, "email": PUSH_ACCOUNT, "email_verified": true,
            "iat": issued, "exp": ends,
        });
        let signed = server.store.authorization(&claims).unwrap();
        let outcome = push(&source, &server, &signed, now).await;
        assert_eq!(outcome.is_ok(), accepted, "{issued} to {ends}: {outcome:?}");
    }
}
