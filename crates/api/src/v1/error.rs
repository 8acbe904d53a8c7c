//! Errors as client SDKs know them. Source: the error codes of RevenueCat's reference.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{CustomerError, IntakeError, WriteError};
use serde::Serialize;
use sources::{RefusalCode, Trouble, Verdict};
use std::time::Duration;
use utoipa::ToSchema;
use web::described::{Answers, Description};

/// How long a client is asked to wait while too many receipts wait for their store.
const CROWDED: Duration = Duration::from_mins(1);

/// What went wrong. The numbers are RevenueCat's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidPlatform,
    StoreProblem,
    CannotTransfer,
    InvalidReceipt,
    InvalidPlayCredentials,
    InvalidAppleKey,
    Internal,
    TooFast,
    Later,
    NotYet,
    EmptyUserId,
    InvalidKey,
    BadRequest,
    SecretKeyUsed,
    SecretKeyRequired,
    ReadOnlyKey,
    SubscriberNotFound,
    AttributesNotSaved,
    InvalidAttributes,
    NotHere,
}

impl Code {
    /// As RevenueCat numbers it, and the status of the answer.
    const fn facts(self) -> (u32, StatusCode) {
        match self {
            Self::InvalidPlatform => (7000, StatusCode::BAD_REQUEST),
            Self::StoreProblem => (7101, StatusCode::SERVICE_UNAVAILABLE),
            Self::CannotTransfer => (7102, StatusCode::FORBIDDEN),
            Self::InvalidReceipt => (7103, StatusCode::BAD_REQUEST),
            Self::InvalidPlayCredentials => (7107, StatusCode::SERVICE_UNAVAILABLE),
            Self::InvalidAppleKey => (7234, StatusCode::BAD_REQUEST),
            Self::Internal => (7110, StatusCode::INTERNAL_SERVER_ERROR),
            Self::TooFast => (7110, StatusCode::TOO_MANY_REQUESTS),
            Self::Later | Self::NotYet => (7110, StatusCode::SERVICE_UNAVAILABLE),
            Self::EmptyUserId => (7220, StatusCode::BAD_REQUEST),
            Self::InvalidKey => (7225, StatusCode::UNAUTHORIZED),
            Self::BadRequest => (7226, StatusCode::BAD_REQUEST),
            Self::SecretKeyUsed => (7243, StatusCode::FORBIDDEN),
            Self::SecretKeyRequired | Self::ReadOnlyKey => (7225, StatusCode::FORBIDDEN),
            Self::SubscriberNotFound => (7259, StatusCode::NOT_FOUND),
            Self::AttributesNotSaved => (7263, StatusCode::BAD_REQUEST),
            Self::InvalidAttributes => (7264, StatusCode::BAD_REQUEST),
            Self::NotHere => (7226, StatusCode::NOT_FOUND),
        }
    }

    /// In words.
    const fn message(self) -> &'static str {
        match self {
            Self::InvalidPlatform => "The platform is not one of this project's apps.",
            Self::StoreProblem => {
                "The store could not be asked. The purchase is kept and will be asked about again."
            }
            Self::CannotTransfer => {
                "The purchase belongs to another customer and cannot be transferred."
            }
            Self::InvalidReceipt => "The receipt is not valid.",
            Self::InvalidPlayCredentials => {
                "The store refused the app's credentials. The purchase is kept and will be asked about again."
            }
            Self::InvalidAppleKey => {
                "The app has no In-App Purchase key that offers could be signed with."
            }
            Self::Internal => "Something went wrong here; try again.",
            Self::TooFast => "New customers come too fast; try again.",
            Self::NotYet => "Nothing so new was seen of the customer yet; try again.",
            Self::Later => "Too much at once; try again.",
            Self::EmptyUserId => "The app user id is empty or stands for nobody.",
            Self::InvalidKey => "The API key is not known.",
            Self::BadRequest => "The request cannot be understood.",
            Self::SecretKeyUsed => {
                "This takes a public key: a secret key does not belong into a client."
            }
            Self::SecretKeyRequired => "This takes a secret key.",
            Self::ReadOnlyKey => "This key may not change anything.",
            Self::SubscriberNotFound => "There is no such subscriber.",
            Self::AttributesNotSaved => "Some attributes were not saved.",
            Self::InvalidAttributes => "The attributes cannot be read.",
            Self::NotHere => "This server has nothing of the kind.",
        }
    }
}

/// An error to answer with.
#[derive(Debug)]
pub(crate) struct Error {
    pub(super) code: Code,
    because: Option<String>,
    attributes: Vec<AttributeError>,
    /// Seconds until it may be tried again.
    again_in: Option<u64>,
}

/// An error as it is answered. Its members stand in the order of their names.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Error)]
struct Body {
    /// What is wrong with each attribute that was not saved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attribute_errors: Vec<AttributeError>,
    /// What went wrong, as RevenueCat numbers it.
    code: u32,
    /// The same in words.
    message: String,
}

/// What is wrong with an attribute.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = v1::AttributeError)]
struct AttributeError {
    key_name: String,
    message: String,
}

impl Error {
    pub(crate) const fn new(code: Code) -> Self {
        Self {
            code,
            because: None,
            attributes: Vec::new(),
            again_in: None,
        }
    }

    /// One to try again after this time.
    pub(super) fn again_after(code: Code, wait: Duration) -> Self {
        Self {
            again_in: Some(wait.as_secs() + 1),
            ..Self::new(code)
        }
    }

    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.because = Some(why.into());
        self
    }
}

impl From<IntakeError> for Error {
    fn from(error: IntakeError) -> Self {
        let because = error.told();
        let code = match &error {
            // What the code says is all that a client is told: the store's answer is for operators.
            IntakeError::Store(trouble) => {
                return Self::new(match trouble {
                    Trouble::Unknown(_) => Code::InvalidReceipt,
                    Trouble::Credentials(_) => Code::InvalidPlayCredentials,
                    Trouble::Unavailable { .. } | Trouble::Nonsense(_) | Trouble::Refused(_) => {
                        Code::StoreProblem
                    }
                });
            }
            // A client that is told no finishes the transaction: only what is certainly not genuine is told so.
            IntakeError::Refused(refusal) if refusal.code == RefusalCode::UnprovenClaim => {
                Code::SecretKeyRequired
            }
            IntakeError::Refused(refusal) => match refusal.verdict {
                Verdict::Refuse => Code::InvalidReceipt,
                Verdict::Again | Verdict::Park => Code::StoreProblem,
            },
            IntakeError::Name(name, _) if name.trim().is_empty() => {
                return Self::new(Code::EmptyUserId);
            }
            IntakeError::Name(..) | IntakeError::Ours(_) => Code::BadRequest,
            IntakeError::OwnedByAnother => Code::CannotTransfer,
            IntakeError::Crowded => return Self::again_after(Code::Later, CROWDED),
            IntakeError::Ledger(error) => {
                tracing::error!(%error, "a client's request could not be made durable");
                return Self::new(Code::Internal);
            }
            // An app that is gone, or whose settings cannot be used, is our fault too: the client sends the purchase again.
            IntakeError::UnknownApp(_)
            | IntakeError::AppUnusable(_)
            | IntakeError::Contended
            | IntakeError::Stopping => Code::Internal,
        };
        Self::new(code).because(because)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(refused) => Self {
                attributes: refused
                    .into_iter()
                    .map(|refused| AttributeError {
                        key_name: refused.key,
                        message: refused.problem,
                    })
                    .collect(),
                ..Self::new(Code::AttributesNotSaved)
            },
            WriteError::Customer(error) => error.into(),
        }
    }
}

impl From<CustomerError> for Error {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Unknown(_) => Self::new(Code::SubscriberNotFound),
            CustomerError::UnknownEntitlement(_) => {
                Self::new(Code::BadRequest).because(error.to_string())
            }
            CustomerError::Intake(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (code, status) = self.code.facts();
        let message = self.code.message();
        let message = match self.because {
            Some(because) => format!("{message} {because}"),
            None => message.to_owned(),
        };
        let body = Body {
            attribute_errors: self.attributes,
            code,
            message,
        };
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(seconds) = self.again_in {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl Answers for Error {
    fn answer(of: &mut Description) {
        of.fails_with::<Body>("application/json");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::AppId;
    use web::problem::Problem;

    #[test]
    fn what_a_store_answered_is_told_to_no_client() {
        const INTERNAL: &str = "aws_secret_access_key=hunter2";
        for trouble in [
            Trouble::Unavailable {
                detail: INTERNAL.into(),
                again_at: None,
            },
            Trouble::Credentials(INTERNAL.into()),
            Trouble::Nonsense(INTERNAL.into()),
            Trouble::Unknown(INTERNAL.into()),
            Trouble::Refused(INTERNAL.into()),
        ] {
            let v1 = Error::from(IntakeError::Store(trouble.clone()));
            assert!(!format!("{v1:?}").contains(INTERNAL), "{v1:?}");
            let problem = Problem::from(IntakeError::Store(trouble));
            assert!(!problem.detail().contains(INTERNAL), "{}", problem.detail());
        }
    }

    /// iOS finishes a transaction whose receipt is answered with anything but 5xx.
    #[test]
    fn a_client_keeps_a_purchase_that_was_not_taken_in_for_a_fault_of_ours() {
        let gone: AppId = "app_00000000000000000000000000".parse().unwrap();
        for error in [
            IntakeError::UnknownApp(gone),
            IntakeError::AppUnusable("no key".into()),
            IntakeError::Contended,
            IntakeError::Stopping,
        ] {
            let status = Error::from(error).into_response().status();
            assert!(status.is_server_error(), "{status}");
        }
    }
}
