//! Request bodies, bounded.

use crate::problem::{Code, Problem};
use axum::{body::Body, extract::FromRequest, http::Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;

/// Most that a store or client may send.
pub(crate) const LARGEST: usize = 1 << 20;

/// Reads a body of at most [`LARGEST`] bytes.
pub(crate) async fn read(request: Request<Body>) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            Code::TooLarge,
            format!("a body has at most {LARGEST} bytes"),
        )
    };
    let announced = request
        .headers()
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST) {
        return Err(too_large());
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads bodies, with a bound"
    )]
    let read = axum::body::to_bytes(request.into_body(), LARGEST).await;
    read.map_err(|error| {
        if error.to_string().contains("length limit") {
            too_large()
        } else {
            Problem::new(Code::MalformedBody, "the body ended early")
        }
    })
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))
    }
}
