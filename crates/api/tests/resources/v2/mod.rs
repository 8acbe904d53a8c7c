//! RevenueCat's REST API, version 2, a file for each of `v2`.

mod catalog;
mod customers;
mod hooks;
mod purchases;

use crate::server;
use web::test::Who;

/// Whatever goes wrong has the shape that clients of this version read, whoever finds it.
#[tokio::test]
async fn what_goes_wrong_is_told_in_its_own_shape() {
    let server = server().await;
    for (who, path, status, kind) in [
        (
            Who::Nobody,
            "/v2/projects/acme/customers",
            401,
            "authentication_error",
        ),
        (
            Who::PublicKey,
            "/v2/projects/acme/customers",
            403,
            "authorization_error",
        ),
        (
            Who::OtherKey,
            "/v2/projects/acme/customers",
            404,
            "resource_missing",
        ),
        (
            Who::BoundReadKey,
            "/v2/projects/acme/customers/nobody",
            404,
            "resource_missing",
        ),
        (
            Who::BoundReadKey,
            "/v2/projects/acme/products/none",
            404,
            "resource_missing",
        ),
        (
            Who::BoundReadKey,
            "/v2/projects/acme/products?colour=red",
            400,
            "parameter_error",
        ),
        (
            Who::BoundReadKey,
            "/v2/projects/acme/nothing",
            404,
            "resource_missing",
        ),
    ] {
        let answer = server.by(who).get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
        let body = answer.json();
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert_eq!(
            (&body["object"], &body["type"]),
            (&"error".into(), &kind.into()),
            "{path}: {body}"
        );
        assert!(body["message"].is_string() && body["retryable"].is_boolean());
    }
}
