//! Problems: RFC 9457 bodies with stable codes.

use crate::{
    described::{Answers, Description},
    passwords::Busy,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::customer::NOT_OURS;
use engine::{CustomerError, IntakeError, RefundAnswerError, RefusalCode};
use ledger::LedgerError;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $title:literal;)*) => {
        /// Every problem the API can answer with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* #[doc = $title] $name,)* }
        impl Code {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// As callers read it; never changes.
            pub const fn id(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// Status of the answer.
            pub const fn status(self) -> StatusCode { match self { $(Self::$name => StatusCode::$status),* } }
            /// In words.
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title),* } }
        }
    };
}

codes! {
    MalformedBody = "malformed_body", BAD_REQUEST, "The body cannot be read";
    MalformedQuery = "malformed_query", BAD_REQUEST, "A query parameter cannot be read";
    MalformedPayload = "malformed_payload", BAD_REQUEST, "The store's message cannot be read";
    InvalidSignature = "invalid_signature", UNAUTHORIZED, "The signature does not match";
    UntrustedCertificate = "untrusted_certificate", UNAUTHORIZED, "The certificate chain is not trusted";
    CertificateRevoked = "certificate_revoked", UNAUTHORIZED, "The signing certificate was revoked";
    SignatureMissing = "signature_missing", UNAUTHORIZED, "The message is not signed";
    MalformedSignature = "malformed_signature", UNAUTHORIZED, "The signature cannot be read";
    SignatureTooOld = "signature_too_old", UNAUTHORIZED, "The signature is too old, or this machine's clock is wrong";
    PushNotAuthenticated = "push_not_authenticated", UNAUTHORIZED, "The push is not from the configured service account";
    PushNotSetUp = "push_not_set_up", SERVICE_UNAVAILABLE, "The app does not say who may push";
    PushKeysUnavailable = "push_keys_unavailable", SERVICE_UNAVAILABLE, "Google's signing keys could not be read";
    SigningSecretMissing = "signing_secret_missing", SERVICE_UNAVAILABLE, "The app has no signing secret";
    NoCallbacks = "no_callbacks", NOT_FOUND, "The app has no store that could call";
    InvalidPurchase = "invalid_purchase", UNPROCESSABLE_ENTITY, "The purchase cannot be taken in";
    OwnedByAnother = "owned_by_another", CONFLICT, "The purchase belongs to another customer";
    RefundNotAsked = "refund_not_asked", CONFLICT, "No store asks about a refund there";
    RefundDeadlinePassed = "refund_deadline_passed", CONFLICT, "The store no longer waits for an answer";
    RefusedByStore = "refused_by_store", UNPROCESSABLE_ENTITY, "The store refused it";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The store could not be asked";
    MissingKey = "missing_key", UNAUTHORIZED, "An API key is required";
    UnknownKey = "unknown_key", UNAUTHORIZED, "The API key is not known";
    Forbidden = "forbidden", FORBIDDEN, "Whoever asks may not do this";
    ForeignPage = "foreign_page", FORBIDDEN, "The form does not come from a page of this server";
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    UnknownApp = "unknown_app", NOT_FOUND, "There is no such app";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    Conflict = "conflict", CONFLICT, "The configuration was changed at the same time";
    TooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    TooSlow = "body_too_slow", REQUEST_TIMEOUT, "The body came too slowly";
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "Too many live streams are open";
    WrongApp = "wrong_app", UNPROCESSABLE_ENTITY, "The message is for another app";
    WrongEnvironment = "wrong_environment", UNPROCESSABLE_ENTITY, "The app does not accept this environment";
    MismatchedParts = "mismatched_parts", UNPROCESSABLE_ENTITY, "The parts of the message do not belong together";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Some values cannot be used";
    SignedInTheFuture = "signed_in_the_future", SERVICE_UNAVAILABLE, "This machine's clock is behind the store's";
    RevocationUnknown = "revocation_unknown", SERVICE_UNAVAILABLE, "Whether the signing certificate was revoked could not be found out";
    AppUnusable = "app_unusable", SERVICE_UNAVAILABLE, "The app's settings cannot be used";
    SecretsUnreadable = "secrets_unreadable", SERVICE_UNAVAILABLE, "What is sealed cannot be read with the server's secret key";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The ledger is not available";
    Stopping = "stopping", SERVICE_UNAVAILABLE, "The server is shutting down";
    NotYet = "not_yet", SERVICE_UNAVAILABLE, "Nothing so new was seen yet";
    Busy = "busy", SERVICE_UNAVAILABLE, "The server has too much to do at once";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.id())
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.iter().map(|code| code.id());
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema.enum_values(Some(words)).into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

/// Of a problem's body.
const MEDIA_TYPE: &str = "application/problem+json";

/// A problem as it is answered, as RFC 9457 has it. Its members stand in the order of their names.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct Body {
    /// What went wrong; never changes.
    code: Code,
    /// Which value and what to do.
    detail: String,
    /// Values that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What the server's log calls the request, where it says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The status of the answer.
    status: u16,
    /// The code in words.
    title: &'static str,
    /// Where the code is described.
    #[serde(rename = "type")]
    kind: String,
}

/// A value that cannot be used.
#[derive(Serialize, ToSchema)]
struct FieldError {
    /// Its path: `integrations.backend.settings.production_url`.
    field: String,
    /// What is wrong and what would be right.
    message: String,
}

/// What a page says of a problem.
#[derive(Debug, Clone)]
pub struct Readable {
    /// What went wrong, in words.
    pub title: &'static str,
    /// With which value, and what to do.
    pub detail: String,
    /// What the server's log calls the request, where it says more.
    pub request: Option<String>,
}

/// A problem to answer with.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<configuration::Problem>,
    /// What the server's log calls the request, where it says more.
    request: Option<String>,
}

impl Problem {
    /// `detail` says which value and what to do; whoever calls reads it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            request: None,
        }
    }

    /// Something went wrong here that the server's log tells under this id.
    pub fn of_request(id: String) -> Self {
        Self {
            request: Some(id),
            ..Self::new(
                Code::Internal,
                "the server's log says more under the id of the request",
            )
        }
    }

    /// Somebody else changed the configuration at the same time.
    pub fn changed_meanwhile() -> Self {
        Self::new(Code::Conflict, "read it again and repeat the request")
    }

    /// What went wrong.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Which value and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// There is no `what` of this name, or the caller does not reach it.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} {name:?}"))
    }

    /// Values that cannot be used, each with its path.
    pub fn invalid(errors: Vec<configuration::Problem>) -> Self {
        let detail = errors
            .iter()
            .map(|error| format!("{}: {}", error.path.join("."), error.message))
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            code: Code::Invalid,
            detail,
            errors,
            request: None,
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        tracing::error!(%error, "the ledger could not answer a request");
        // What the ledger says is for the operator's log, not for the caller.
        if error.is_retryable() {
            Self::new(Code::Unavailable, "try again")
        } else {
            Self::new(Code::Internal, "see the server's log")
        }
    }
}

/// What a refused message is answered with. What only its kind can tell apart (a receipt, a store's answer) is a message that cannot be
/// read; what is not proved may only be said with a secret key.
const fn of_refusal(code: RefusalCode) -> Code {
    match code {
        RefusalCode::MalformedPayload
        | RefusalCode::UnreadablePayload
        | RefusalCode::MalformedReceipt
        | RefusalCode::EmptyReceipt
        | RefusalCode::StoreAnswerUnreadable
        | RefusalCode::MalformedOperation
        | RefusalCode::MalformedLook => Code::MalformedPayload,
        RefusalCode::UnprovenClaim => Code::Forbidden,
        RefusalCode::InvalidPurchase => Code::InvalidPurchase,
        RefusalCode::NoCallbacks => Code::NoCallbacks,
        RefusalCode::WrongApp => Code::WrongApp,
        RefusalCode::WrongEnvironment => Code::WrongEnvironment,
        RefusalCode::MismatchedParts => Code::MismatchedParts,
        RefusalCode::SignedInTheFuture => Code::SignedInTheFuture,
        RefusalCode::UntrustedCertificate => Code::UntrustedCertificate,
        RefusalCode::CertificateRevoked => Code::CertificateRevoked,
        RefusalCode::RevocationUnknown => Code::RevocationUnknown,
        RefusalCode::SignatureMissing => Code::SignatureMissing,
        RefusalCode::MalformedSignature => Code::MalformedSignature,
        RefusalCode::InvalidSignature => Code::InvalidSignature,
        RefusalCode::SignatureTooOld => Code::SignatureTooOld,
        RefusalCode::SigningSecretMissing => Code::SigningSecretMissing,
        RefusalCode::PushNotSetUp => Code::PushNotSetUp,
        RefusalCode::PushNotAuthenticated => Code::PushNotAuthenticated,
        RefusalCode::PushKeysUnavailable => Code::PushKeysUnavailable,
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        let code = match &error {
            IntakeError::UnknownApp(_) => Code::UnknownApp,
            IntakeError::AppUnusable(_) => Code::AppUnusable,
            IntakeError::Refused(refusal) => of_refusal(refusal.code),
            IntakeError::Store(_) => Code::StoreUnavailable,
            IntakeError::Name(..) | IntakeError::Ours(_) => Code::Invalid,
            IntakeError::OwnedByAnother => Code::OwnedByAnother,
            IntakeError::Crowded => Code::Busy,
            IntakeError::Ledger(_) | IntakeError::Contended => Code::Unavailable,
            IntakeError::Stopping => Code::Stopping,
        };
        let errors = match &error {
            IntakeError::Refused(refusal) => {
                let wrong = refusal.fields.iter();
                let by_field = wrong.map(|wrong| configuration::Problem {
                    path: vec![wrong.field.clone()],
                    message: wrong.problem.clone(),
                });
                by_field.collect()
            }
            IntakeError::Ours(_) => vec![configuration::Problem {
                path: vec!["app_user_id".to_owned()],
                message: NOT_OURS.to_owned(),
            }],
            _ => Vec::new(),
        };
        let detail = match error {
            IntakeError::Ledger(error) => {
                tracing::error!(%error, "a store's message could not be made durable; the store was asked to send it again");
                "the message could not be made durable; send it again".to_owned()
            }
            error => error.told(),
        };
        Self {
            errors,
            ..Self::new(code, detail)
        }
    }
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Intake(error) => error.into(),
            CustomerError::Unknown(_) | CustomerError::UnknownEntitlement(_) => {
                Self::new(Code::NotFound, error.to_string())
            }
        }
    }
}

impl From<RefundAnswerError> for Problem {
    fn from(error: RefundAnswerError) -> Self {
        let code = match error {
            RefundAnswerError::Intake(error) => return error.into(),
            RefundAnswerError::Invalid(fields) => {
                let told = fields.into_iter().map(|wrong| configuration::Problem {
                    path: vec![wrong.field],
                    message: wrong.problem,
                });
                return Self::invalid(told.collect());
            }
            RefundAnswerError::NotAsked(_) => Code::RefundNotAsked,
            RefundAnswerError::TooLate(_) => Code::RefundDeadlinePassed,
            RefundAnswerError::Refused(_) => Code::RefusedByStore,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        let problem = "too many passwords are being checked; try again in a few seconds";
        Self::new(Code::Busy, problem)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let errors = self.errors.into_iter().map(|error| FieldError {
            field: error.path.join("."),
            message: error.message,
        });
        let body = Body {
            code: self.code,
            detail: self.detail.clone(),
            errors: errors.collect(),
            request_id: self.request.clone(),
            status: self.code.status().as_u16(),
            title: self.code.title(),
            kind: format!("/api/v1/problems#{}", self.code.id()),
        };
        let readable = Readable {
            title: self.code.title(),
            detail: self.detail,
            request: self.request,
        };
        let mut response = (
            self.code.status(),
            [(header::CONTENT_TYPE, MEDIA_TYPE)],
            serde_json::to_string(&body).unwrap_or_default(),
        )
            .into_response();
        if matches!(self.code, Code::Busy | Code::TooManyStreams) {
            let seconds = HeaderValue::from(Busy::WAIT_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(readable);
        response
    }
}

impl Answers for Problem {
    fn answer(of: &mut Description) {
        of.fails_with::<Body>(MEDIA_TYPE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSALS: [RefusalCode; 25] = [
        RefusalCode::MalformedPayload,
        RefusalCode::UnreadablePayload,
        RefusalCode::MalformedReceipt,
        RefusalCode::EmptyReceipt,
        RefusalCode::UnprovenClaim,
        RefusalCode::InvalidPurchase,
        RefusalCode::NoCallbacks,
        RefusalCode::WrongApp,
        RefusalCode::WrongEnvironment,
        RefusalCode::MismatchedParts,
        RefusalCode::SignedInTheFuture,
        RefusalCode::UntrustedCertificate,
        RefusalCode::CertificateRevoked,
        RefusalCode::RevocationUnknown,
        RefusalCode::SignatureMissing,
        RefusalCode::MalformedSignature,
        RefusalCode::InvalidSignature,
        RefusalCode::SignatureTooOld,
        RefusalCode::SigningSecretMissing,
        RefusalCode::PushNotSetUp,
        RefusalCode::PushNotAuthenticated,
        RefusalCode::PushKeysUnavailable,
        RefusalCode::StoreAnswerUnreadable,
        RefusalCode::MalformedOperation,
        RefusalCode::MalformedLook,
    ];

    /// Where a problem and a counter both have a word for a refusal, it is the same one.
    #[test]
    fn a_refusal_is_called_the_same_in_problems_and_counters() {
        for refusal in REFUSALS {
            let mut all = Code::ALL.iter();
            let namesake = all.find(|code| code.id() == refusal.text());
            let expected = namesake.copied().unwrap_or(match refusal {
                RefusalCode::UnprovenClaim => Code::Forbidden,
                _ => Code::MalformedPayload,
            });
            assert_eq!(of_refusal(refusal), expected, "{}", refusal.text());
        }
    }
}
