//! What answers mean by their status alone.

use crate::{Outcome, Response};

/// What was answered, for people.
pub(crate) fn said(by: &str, response: &Response) -> String {
    format!("{by} answered {}: {}", response.status, response.said())
}

/// What an answer means where its body adds nothing: taken, refused for good, the credentials refused, or not now. Source: RFC 9110, 15.
pub(crate) fn by_status(by: &str, response: &Response) -> Outcome {
    match response.status {
        200..=299 => Outcome::Delivered,
        401 | 403 => Outcome::CredentialsRefused(said(by, response)),
        408 | 425 | 429 => Outcome::Retry(response.retry_after),
        400..=499 => Outcome::Rejected(said(by, response)),
        _ => Outcome::Retry(response.retry_after),
    }
}
