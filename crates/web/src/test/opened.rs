//! A stream that is read while things happen.

use axum::{
    body::{Body, BodyDataStream},
    http::{Response, StatusCode},
};
use futures_util::StreamExt;

/// A stream of server-sent events that was opened.
pub struct Opened {
    /// Its status.
    pub status: StatusCode,
    parts: BodyDataStream,
}

impl Opened {
    pub(super) fn of(response: Response<Body>) -> Self {
        Self {
            status: response.status(),
            parts: response.into_body().into_data_stream(),
        }
    }

    /// What comes next; `None` at its end.
    pub async fn next(&mut self) -> Option<String> {
        let part = self.parts.next().await?;
        Some(String::from_utf8_lossy(&part.unwrap()).into_owned())
    }

    /// Reads on until it ends.
    pub async fn to_its_end(&mut self) {
        while self.next().await.is_some() {}
    }
}
