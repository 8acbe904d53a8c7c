//! What stands around the handlers: pages of other origins may call, because web SDKs do, and whatever is answered before a
//! handler is asked has the shape that SDKs read.

use super::{Error, error::Code};
use crate::v2;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use web::{access, problem::Readable};

/// Where clients ask.
const CLIENTS: &str = "/v1/";
/// Where servers ask in the shapes of version 2.
const SERVERS: &str = "/v2/";

/// Whatever is answered to a client, also where there is no such route, or it is called in another way: a page of any origin
/// may read it, and it has the shape that SDKs read.
pub async fn for_clients(request: Request<Body>, next: Next) -> Response {
    if request.uri().path().starts_with(SERVERS) {
        return v2::spoken(next.run(request).await);
    }
    if !request.uri().path().starts_with(CLIENTS) {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        spoken(next.run(request).await)
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Retry-After"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is answered before a handler is asked, or instead of one that panicked, as SDKs expect it: whatever is a problem is
/// an [`Error`] with the same status. A ledger that cannot say who calls is no refusal: SDKs take one for the last word.
fn spoken(response: Response) -> Response {
    let status = response.status();
    let Some(said) = response.extensions().get::<Readable>() else {
        // A path that is no text, for one.
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/json");
        if is_json || !status.is_client_error() {
            return response;
        }
        let mut told = Error::new(Code::BadRequest).into_response();
        *told.status_mut() = status;
        return told;
    };
    let is_refused = response.extensions().get::<access::Refused>().is_some();
    if is_refused && status.is_client_error() {
        return Error::new(Code::InvalidKey).into_response();
    }
    let code = if status.is_server_error() {
        Code::Internal
    } else {
        Code::BadRequest
    };
    let because = match &said.request {
        Some(id) => format!("Request {id}."),
        None => format!("{}: {}", said.title, said.detail),
    };
    let mut told = Error::new(code).because(because).into_response();
    *told.status_mut() = status;
    let again = response.headers().get(header::RETRY_AFTER);
    if let Some(again) = again {
        let again = again.clone();
        told.headers_mut().insert(header::RETRY_AFTER, again);
    }
    told
}

/// What a browser asks before it lets a page of another origin call.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in fixed {
        answer.insert(name, HeaderValue::from_static(value));
    }
    if let Some(asked) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use serde_json::Value;
    use web::problem::{self, Problem};

    #[expect(
        clippy::disallowed_methods,
        reason = "the body was made here, and is bounded"
    )]
    #[tokio::test]
    async fn every_problem_has_the_shape_that_clients_read_and_its_status() {
        for code in problem::Code::ALL {
            let problem = Problem::new(*code, "which value").into_response();
            let again = problem.headers().get(header::RETRY_AFTER).cloned();
            let is_put_off = ["busy", "too_many_streams"].contains(&code.id());
            assert_eq!(again.is_some(), is_put_off, "{code:?}");
            let told = spoken(problem);
            assert_eq!(told.headers().get(header::RETRY_AFTER), again.as_ref());
            assert_eq!(told.status(), code.status(), "{code:?}");
            assert_eq!(told.headers()[header::CONTENT_TYPE], "application/json");
            let body = to_bytes(told.into_body(), 10_000).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let expected = if code.status().is_server_error() {
                7110
            } else {
                7226
            };
            assert_eq!(body["code"], expected, "{body}");
            let message = body["message"].as_str().unwrap();
            assert!(message.contains("which value"), "{body}");
        }
    }
}
