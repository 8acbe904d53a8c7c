//! What stands around the handlers: pages of other origins may call, because web SDKs do, and whatever is answered before a
//! handler is asked has the shape that SDKs read.

use super::{Error, error::Code};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use web::{access, problem::Readable};

/// Lets pages of any origin read the answer.
pub(crate) async fn cors(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}

/// What is answered before a handler is asked, or instead of one that panicked, as SDKs expect it. A ledger that cannot say
/// who calls is no refusal: SDKs take one for the last word.
pub(crate) async fn spoken(response: Response) -> Response {
    let is_refused = response.extensions().get::<access::Refused>().is_some();
    match response.status() {
        StatusCode::INTERNAL_SERVER_ERROR => {
            let said = response.extensions().get::<Readable>();
            let request = said.and_then(|said| said.request.as_deref());
            match request {
                Some(id) => Error::new(Code::Internal)
                    .because(format!("Request {id}."))
                    .into_response(),
                None => response,
            }
        }
        status if is_refused && status.is_client_error() => {
            Error::new(Code::InvalidKey).into_response()
        }
        _ => response,
    }
}

/// What a browser asks before it lets a page of another origin call.
pub(crate) async fn preflight(headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in fixed {
        answer.insert(name, HeaderValue::from_static(value));
    }
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}
