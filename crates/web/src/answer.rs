//! Answers whose status is part of their type, so that a handler's signature says what it answers.

use crate::{
    body::Json,
    described::{Answers, Description},
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An answer without a body.
pub struct Empty<const STATUS: u16>;

/// An answer with a JSON body.
pub struct With<const STATUS: u16, T>(pub T);

/// A thing that is there now: 201 when it was made for this request, 200 when it was there before.
pub enum There<T> {
    /// It was made.
    Made(T),
    /// It was there.
    Found(T),
}

fn status<const STATUS: u16>() -> StatusCode {
    const { assert!(100 <= STATUS && STATUS < 600) };
    StatusCode::from_u16(STATUS).expect("between 100 and 599, as is asserted when this is compiled")
}

impl<const STATUS: u16> IntoResponse for Empty<STATUS> {
    fn into_response(self) -> Response {
        status::<STATUS>().into_response()
    }
}

impl<const STATUS: u16> Answers for Empty<STATUS> {
    fn answer(of: &mut Description) {
        of.answers(status::<STATUS>());
    }
}

impl<const STATUS: u16, T: Serialize> IntoResponse for With<STATUS, T> {
    fn into_response(self) -> Response {
        (status::<STATUS>(), Json(self.0)).into_response()
    }
}

impl<const STATUS: u16, T: ToSchema> Answers for With<STATUS, T> {
    fn answer(of: &mut Description) {
        of.answers_with::<T>(status::<STATUS>(), "application/json");
    }
}

impl<T: Serialize> IntoResponse for There<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Made(thing) => With::<201, T>(thing).into_response(),
            Self::Found(thing) => Json(thing).into_response(),
        }
    }
}

impl<T: ToSchema> Answers for There<T> {
    fn answer(of: &mut Description) {
        Json::<T>::answer(of);
        With::<201, T>::answer(of);
    }
}
