//! Errors as version 2 has them: a type, whether it may be tried again, and a sentence.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{CustomerError, WriteError};
use ledger::LedgerError;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    described::{Answers, Description},
    problem::{Code, Problem, Readable},
};

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

/// The same as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Error)]
struct Body {
    /// Where the kinds of errors are explained.
    doc_url: &'static str,
    message: String,
    object: &'static str,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// `parameter_error`, `authentication_error`, `resource_missing` ...
    r#type: &'static str,
}

/// What a status is called.
fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "authorization_error",
        404 | 405 => "resource_missing",
        409 => "resource_locked_error",
        422 => "unprocessable_entity_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "parameter_error",
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Body {
            doc_url: "/api/v1/openapi.json",
            message: self.message,
            object: "error",
            retryable: self.status.is_server_error()
                || self.status == StatusCode::TOO_MANY_REQUESTS,
            r#type: kind(self.status),
        };
        (self.status, axum::Json(body)).into_response()
    }
}

impl Answers for Failure {
    fn answer(of: &mut Description) {
        of.fails_with::<Body>("application/json");
    }
}

impl Failure {
    /// There is none of this name.
    pub(super) fn missing(what: &str, name: &str) -> Self {
        Problem::not_found(what, name).into()
    }

    /// A member of the body that cannot be used.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Problem::new(Code::Invalid, message).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.code().status(),
            message: problem.detail().to_owned(),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Problem::from(error).into()
    }
}

impl From<CustomerError> for Failure {
    fn from(error: CustomerError) -> Self {
        Problem::from(error).into()
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Customer(error) => error.into(),
            WriteError::Refused(refused) => {
                let told = refused
                    .into_iter()
                    .map(|refused| format!("{}: {}", refused.key, refused.problem));
                Self::wrong(told.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// What was answered before a handler was asked, or instead of one, in the same shape.
pub(crate) fn spoken(response: Response) -> Response {
    let status = response.status();
    let Some(said) = response.extensions().get::<Readable>() else {
        let kind = response.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind == "application/json") || !status.is_client_error() {
            return response;
        }
        // A path that leads nowhere, or is no text.
        let message = "there is nothing of the kind".to_owned();
        return Failure { status, message }.into_response();
    };
    let told = Failure {
        status,
        message: format!("{}: {}", said.title, said.detail),
    };
    let mut told = told.into_response();
    if let Some(again) = response.headers().get(header::RETRY_AFTER) {
        told.headers_mut()
            .insert(header::RETRY_AFTER, again.clone());
    }
    told
}
