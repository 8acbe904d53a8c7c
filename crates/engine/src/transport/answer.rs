//! What is read of an answer over HTTP. The status is the verdict: a body that breaks off, or does not end, takes nothing back.

use destinations::{KEPT_HEADERS, Response};
use domain::Headers;
use reqwest::header::HeaderMap;
use std::{error::Error, time::Duration};

/// Most of an answer of a destination that is read.
pub(super) const LARGEST_ANSWER: usize = 64 << 10;
/// How long a body is waited for once its status is there: nobody who only has to say yes needs longer.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// Most of a header's value that is kept.
const LONGEST_HEADER: usize = 1 << 10;

/// Reads an answer whose head is there.
pub(super) async fn read(mut answer: reqwest::Response) -> Response {
    let headers = kept(answer.headers());
    let (status, mut body) = (answer.status().as_u16(), Vec::new());
    let reading = tokio::time::timeout(BODY_TIMEOUT, collect(&mut answer, &mut body));
    let unread = match reading.await {
        Ok(Ok(Came::Whole)) => None,
        Ok(Ok(Came::More)) => Some(format!(
            "its body is longer than {} KiB, and the rest was not read",
            LARGEST_ANSWER >> 10
        )),
        Ok(Err(error)) => Some(format!("its body broke off: {}", deepest(&error))),
        Err(_) => Some(format!(
            "its body did not end within {} s",
            BODY_TIMEOUT.as_secs()
        )),
    };
    Response {
        status,
        retry_after: None,
        headers,
        body,
        unread,
    }
}

/// How much of a body came.
enum Came {
    Whole,
    /// More than is read.
    More,
}

/// What has come stays in `body`, however it ends.
async fn collect(answer: &mut reqwest::Response, body: &mut Vec<u8>) -> reqwest::Result<Came> {
    while let Some(chunk) = answer.chunk().await? {
        let room = LARGEST_ANSWER - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok(Came::More);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Came::Whole)
}

/// The deepest cause says most.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The headers of an answer that are kept, as far as they are text.
fn kept(headers: &HeaderMap) -> Headers {
    let named = |name: &'static str| {
        let values = headers.get_all(name).iter();
        values.filter_map(move |value| {
            let value: String = value.to_str().ok()?.chars().take(LONGEST_HEADER).collect();
            Some((name, value))
        })
    };
    KEPT_HEADERS.into_iter().flat_map(named).collect()
}
