//! Which cookie is taken for a session.

use crate::fresh;
use axum::body::Body;
use web::test::Who;

/// Over HTTPS the cookie of the other name, which anybody beside us could set, is not taken.
#[tokio::test]
async fn over_https_only_the_guarded_cookie_signs_in() {
    let server = fresh().await;
    let owner = server
        .by(Who::Owner)
        .request("GET", "/projects/acme", Body::empty());
    let cookie = owner.headers()["cookie"].to_str().unwrap();
    let token = cookie.strip_prefix("__Host-tidings_session=").unwrap();
    for (name, status) in [
        ("__Host-tidings_session", 200),
        ("tidings_session", 303),
        ("__Secure-tidings_session", 303),
    ] {
        let client = server
            .by(Who::Nobody)
            .with("cookie", format!("{name}={token}"));
        assert_eq!(client.get("/projects/acme").await.status, status, "{name}");
    }
}
