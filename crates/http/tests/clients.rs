//! Whatever is answered under `/v1`: pages of any origin may read it, and it has the shape that client SDKs read.

use axum::{Router, middleware::from_fn};
use serde_json::json;
use web::{
    access::Access,
    problem::Problem,
    route::{Method, Route, mount},
    test::{Answer, TestServer, Who},
};

/// May be read by a page of any origin, as JSON with a number and words.
fn is_for_clients(answer: &Answer, what: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    if answer.status.as_u16() >= 400 {
        let body = answer.json();
        assert!(
            body["code"].is_number() && body["message"].is_string(),
            "{what}: {body}"
        );
    }
}

#[tokio::test]
async fn every_answer_may_be_read_by_pages_of_any_origin() {
    let server = TestServer::start(tidings_http::router).await;
    let client = server.by(Who::PublicKey);
    let large = json!({ "app_user_id": "a".repeat(2 << 20), "new_app_user_id": "b" });
    let huge = json!({ "app_user_id": "ann", "fetch_token": "a".repeat(5 << 20) });
    let cases = [
        (201, "GET", "/v1/subscribers/ann", None),
        (200, "GET", "/v1/subscribers/ann", None),
        (400, "GET", "/v1/subscribers/%00", None),
        (400, "GET", "/v1/subscribers/%ff", None),
        (400, "POST", "/v1/subscribers/identify", Some(json!({}))),
        (400, "POST", "/v1/subscribers/identify", Some(large)),
        (403, "DELETE", "/v1/subscribers/ann", None),
        (404, "GET", "/v1/nothing/here", None),
        (404, "GET", "/v1/", None),
        (405, "PUT", "/v1/subscribers/ann", None),
        (405, "GET", "/v1/receipts", None),
        // Not taken for the last word: the purchase is sent again.
        (500, "POST", "/v1/receipts", Some(huge)),
    ];
    for (status, method, path, body) in cases {
        let what = format!("{method} {path}");
        let answer = client.send(method, path, body).await;
        assert_eq!(answer.status, status, "{what}: {answer}");
        is_for_clients(&answer, &what);
    }
    for who in [Who::Nobody, Who::WrongKey, Who::RevokedKey] {
        let answer = server.by(who).get("/v1/subscribers/ann").await;
        assert_eq!(answer.status, 401, "{who:?}");
        is_for_clients(&answer, &format!("{who:?}"));
    }
}

#[tokio::test]
async fn a_browser_may_ask_before_it_calls_whatever_it_calls() {
    let server = TestServer::start(tidings_http::router).await;
    for path in ["/v1/subscribers/ann", "/v1/receipts", "/v1/nothing/here"] {
        let answer = server.by(Who::Nobody).send("OPTIONS", path, None).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, POST, DELETE"
        );
    }
    // What is not for clients is not for other origins.
    let other = server
        .with_key("")
        .send("OPTIONS", "/api/v1/projects", None)
        .await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_panic_may_be_read_too() {
    let server = TestServer::start(|app| {
        let panics = async || -> Problem { panic!("of {}", "somebody") };
        let route = Route::page(Method::Get, "/v1/broken", Access::Anyone, panics);
        let routes: Router = mount(&app, vec![route]).with_state(());
        routes.layer(from_fn(api::for_clients))
    })
    .await;
    let answer = server.get("/v1/broken").await;
    assert_eq!(answer.status, 500, "{answer}");
    is_for_clients(&answer, "panic");
}
