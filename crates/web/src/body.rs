//! Request bodies, bounded.

mod objects;

pub use objects::from_slice;

use crate::{
    described::{Answers, Asks, Description},
    problem::{Code, Problem},
};
use axum::{
    body::{Body, HttpBody},
    extract::FromRequest,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use utoipa::ToSchema;

/// Most that a store or client may send.
pub const LARGEST: usize = 1 << 20;

/// Most that anybody may send anywhere: receipts are as large.
pub const LARGEST_OF_ALL: usize = 4 << 20;

/// Why whoever reads the socket gives up a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It did not come in the time there is.
    #[error("the body came too slowly")]
    TooSlow,
    /// There is no room for it beside the others.
    #[error("there is no room for the body")]
    NoRoom,
}

/// Why a body could not be read to its end.
fn unread(error: &axum::Error) -> Problem {
    let mut causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| {
        (**error).source()
    });
    match causes.find_map(|cause| cause.downcast_ref()) {
        Some(Cut::TooSlow) => Problem::new(Code::TooSlow, "send the body faster, or less of it"),
        Some(Cut::NoRoom) => {
            Problem::new(Code::Busy, "too many large bodies at once; send it again")
        }
        None => Problem::new(Code::MalformedBody, "the body ended early"),
    }
}

/// Most of a body that is too large that is read and thrown away: a sender that is still writing would otherwise see a broken
/// connection instead of the answer.
const DISCARDED: usize = 16 << 20;

/// Reads a body of at most [`LARGEST`] bytes.
pub async fn read(request: Request<Body>) -> Result<Bytes, Problem> {
    read_at_most(request, LARGEST).await
}

/// Reads a body of at most so many bytes.
pub async fn read_at_most(request: Request<Body>, largest: usize) -> Result<Bytes, Problem> {
    let body = request.into_body();
    let announced = body.size_hint().upper();
    let mut parts = body.into_data_stream();
    let mut collected = Collected::of(announced.and_then(|length| usize::try_from(length).ok()));
    let mut length = 0_usize;
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| unread(&error))?;
        length = length.saturating_add(part.len());
        if length <= largest {
            collected.add(&part);
        } else if length <= DISCARDED {
            collected.forget();
        } else {
            break;
        }
    }
    if length > largest {
        return Err(Problem::new(
            Code::TooLarge,
            format!("a body has at most {largest} bytes"),
        ));
    }
    Ok(collected.whole())
}

/// Bodies are collected in pieces of this size, so that what one gives back another takes: buffers that grow leave holes of every size behind,
/// and those of many bodies that come slowly take several times what is in them.
const PIECE: usize = 64 << 10;

/// What has come of a body.
struct Collected {
    pieces: Vec<BytesMut>,
    length: usize,
    /// How long it is to be, as far as it was said.
    announced: usize,
}

impl Collected {
    fn of(announced: Option<usize>) -> Self {
        Self {
            pieces: Vec::new(),
            length: 0,
            announced: announced.unwrap_or(usize::MAX),
        }
    }

    fn add(&mut self, mut part: &[u8]) {
        while !part.is_empty() {
            let last = self.pieces.last_mut();
            let Some(last) = last.filter(|last| last.len() < last.capacity()) else {
                let left = self.announced.saturating_sub(self.length);
                let room = left.clamp(part.len().min(PIECE), PIECE);
                self.pieces.push(BytesMut::with_capacity(room));
                continue;
            };
            let room = last.capacity() - last.len();
            let (now, later) = part.split_at(room.min(part.len()));
            last.extend_from_slice(now);
            self.length += now.len();
            part = later;
        }
    }

    /// It is too large to be read.
    fn forget(&mut self) {
        self.pieces = Vec::new();
    }

    fn whole(mut self) -> Bytes {
        if self.pieces.len() == 1 {
            return self.pieces.swap_remove(0).freeze();
        }
        let mut whole = BytesMut::with_capacity(self.length);
        // Each goes once it is copied.
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
    }
}

/// A JSON body, of a request or of an answer. In an answer members stand in the order of their names, whatever order the type
/// declares.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_value(self.0) {
            Ok(value) => axum::Json(value).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Problem::new(Code::Internal, "see the server's log").into_response()
            }
        }
    }
}

impl<T: ToSchema> Asks for Json<T> {
    fn ask(of: &mut Description) {
        of.takes_body::<T>();
        Problem::answer(of);
    }
}

impl<T: ToSchema> Answers for Json<T> {
    fn answer(of: &mut Description) {
        of.answers_with::<T>(StatusCode::OK, "application/json");
    }
}
