//! What only a handler knows of what it did.

use crate::described::{Answers, Description};
use axum::response::{IntoResponse, Response};
use domain::ProjectId;

/// What came of a call, as its handler says.
#[derive(Debug, Clone)]
pub enum Did {
    /// What its route states, and more of it than path and caller tell.
    AsStated(Known),
    /// Nothing, this time: it only looked, or it was so already.
    Nothing,
    /// Something else, which is worth knowing all the same.
    Instead(&'static str, Known),
    /// The same, and whoever called does not wait until it is written: how long that takes would tell them whether it is.
    Beside(&'static str, Known),
}

/// What path and caller do not tell, or not right.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By whom: the member who was signed in.
    pub who: Option<String>,
    /// In which project.
    pub project: Option<ProjectId>,
    /// To what.
    pub subject: Option<String>,
}

impl Known {
    /// To what it was done.
    pub fn subject(subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            ..Self::default()
        }
    }
}

/// An answer, and what its handler knows of what it did. It counts whatever the answer's status is.
#[derive(Debug)]
pub struct Noted<T> {
    answer: T,
    did: Did,
}

impl<T> Noted<T> {
    /// As the route states, to this.
    pub fn to(subject: impl Into<String>, answer: T) -> Self {
        Self::new(Did::AsStated(Known::subject(subject)), answer)
    }

    /// Nothing was done.
    pub const fn nothing(answer: T) -> Self {
        Self::new(Did::Nothing, answer)
    }

    /// What was done.
    pub const fn new(did: Did, answer: T) -> Self {
        Self { answer, did }
    }
}

impl<T: IntoResponse> IntoResponse for Noted<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        response.extensions_mut().insert(self.did);
        response
    }
}

impl<T: Answers> Answers for Noted<T> {
    fn answer(of: &mut Description) {
        T::answer(of);
    }
}
