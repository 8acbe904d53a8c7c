//! What every answer tells a browser.

use web::test::{TestServer, Who};

#[tokio::test]
async fn every_answer_keeps_pages_to_themselves() {
    let server = TestServer::start(tidings_http::router).await;
    for (who, path, status) in [
        (Who::Nobody, "/signin", 200),
        (Who::Nobody, "/projects/acme", 303),
        (Who::Owner, "/projects/acme", 200),
        (Who::Owner, "/projects/none", 404),
        (Who::Nobody, "/nowhere", 404),
        (Who::ReadKey, "/api/v1/projects", 200),
        (Who::Nobody, "/api/v1/projects", 401),
        (Who::Nobody, "/v1/nowhere", 404),
        (Who::Nobody, "/assets/app.css", 200),
    ] {
        let answer = server.by(who).get(path).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000"),
            ("cross-origin-opener-policy", "same-origin"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = answer.header("permissions-policy");
        for unused in ["camera=()", "microphone=()", "geolocation=()", "payment=()"] {
            assert!(policy.contains(unused), "{path}: {policy}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
}

/// Whoever waits is told for how long, also on a page.
#[tokio::test]
async fn a_page_says_when_to_come_again() {
    let server = TestServer::start(tidings_http::router).await;
    let full = server.app.gate.hashing.fill();
    let fields = [("current", "whatever it is"), ("password", "another horse")];
    let path = "/projects/acme/account/password";
    let busy = server.form(path, &fields).await;
    drop(full);
    assert_eq!(
        (busy.status.as_u16(), busy.header("retry-after")),
        (503, "5")
    );
    assert!(
        busy.text()
            .contains("The server has too much to do at once"),
        "{busy}"
    );
    assert_eq!(server.form(path, &fields).await.status, 422);
}
