//! Somebody who sees every call and its answer, whatever the test looks at.

use super::answer::{self, Answer};
use axum::{
    body::Body,
    http::{Method, Request, Uri},
};
use bytes::Bytes;

/// A call and its answer. Of a stream, each message by itself, its data being the body of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// How it was called.
    pub method: &'a Method,
    /// What was called.
    pub uri: &'a Uri,
    /// What was sent.
    pub body: &'a [u8],
    /// What was answered.
    pub answer: &'a Answer,
}

pub(super) type Witness = Box<dyn Fn(Seen<'_>) + Send + Sync>;

/// What was asked, kept for the witness.
pub(super) struct Asked {
    method: Method,
    uri: Uri,
    body: Bytes,
}

impl Asked {
    /// Reads a request; the other one is as it was.
    pub(super) async fn of(request: Request<Body>) -> (Self, Request<Body>) {
        let (head, body) = request.into_parts();
        let body = answer::whole(body).await;
        let asked = Self {
            method: head.method.clone(),
            uri: head.uri.clone(),
            body: body.clone(),
        };
        (asked, Request::from_parts(head, Body::from(body)))
    }

    /// With what was answered to it.
    pub(super) fn answered<'a>(&'a self, answer: &'a Answer) -> Seen<'a> {
        Seen {
            method: &self.method,
            uri: &self.uri,
            body: &self.body,
            answer,
        }
    }
}
