//! Why a message was not accepted, and what its store should do.

use domain::time::is_ahead;
use jiff::Timestamp;

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// What is wrong and what would be right. Holds nothing secret.
    pub detail: String,
    /// The same by field, where it is a body of fields.
    pub fields: Vec<Wrong>,
    /// What the store should do.
    pub verdict: Verdict,
}

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its path: `price.amount`.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Wrong {
    /// Something is wrong with a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, detail: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            verdict,
        }
    }

    /// It is not genuine, or not for this app.
    pub fn refuse(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::new(code, detail, Verdict::Refuse)
    }

    /// Some of its fields cannot be used.
    pub fn of_fields(code: RefusalCode, fields: Vec<Wrong>) -> Self {
        let told = fields.iter();
        let told: Vec<_> = told
            .map(|wrong| format!("{}: {}", wrong.field, wrong.problem))
            .collect();
        Self {
            fields,
            ..Self::refuse(code, told.join("; "))
        }
    }

    /// It may be genuine, and whether it is cannot be found out now.
    pub fn again(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::new(code, detail, Verdict::Again)
    }

    /// Errors: what was signed at `at` lies so far ahead of `now` that this machine's clock is wrong. It is to be sent again.
    pub(crate) fn unless_ahead(at: Timestamp, now: Timestamp) -> Result<(), Self> {
        if is_ahead(at, now) {
            let detail = format!("the message is of {at}, ahead of this machine's clock");
            return Err(Self::again(RefusalCode::SignedInTheFuture, detail));
        }
        Ok(())
    }

    /// It is genuine, but cannot be read.
    pub fn park(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::new(code, detail, Verdict::Park)
    }
}

/// Why, as a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// Not what this store sends.
    MalformedPayload,
    /// Genuine, but not to be read by this release.
    UnreadablePayload,
    /// Not what this store gives its clients.
    MalformedReceipt,
    /// A receipt of no purchase.
    EmptyReceipt,
    /// Says which purchase it is, not whose, and comes from whoever has only the public key.
    UnprovenClaim,
    /// A statement that cannot be used.
    InvalidPurchase,
    /// The app has no store that could call.
    NoCallbacks,
    /// Another app's.
    WrongApp,
    /// Of an environment that the app does not accept.
    WrongEnvironment,
    /// Its parts are of different purchases.
    MismatchedParts,
    /// Signed ahead of our clock.
    SignedInTheFuture,
    /// Signed by a chain that is not trusted.
    UntrustedCertificate,
    /// Signed with a certificate that was revoked.
    CertificateRevoked,
    /// Whether its certificate was revoked cannot be found out now.
    RevocationUnknown,
    /// Not signed.
    SignatureMissing,
    /// Its signature cannot be read.
    MalformedSignature,
    /// Its signature does not match.
    InvalidSignature,
    /// Signed too long ago.
    SignatureTooOld,
    /// The app has no secret to check signatures with.
    SigningSecretMissing,
    /// The app does not say who may push.
    PushNotSetUp,
    /// Pushed by somebody else than the app says.
    PushNotAuthenticated,
    /// The keys that pushes are signed with cannot be fetched now.
    PushKeysUnavailable,
    /// The store's answer cannot be read.
    StoreAnswerUnreadable,
    /// What was done to two customers, kept in a form that cannot be read.
    MalformedOperation,
    /// What the clock decided, kept in a form that cannot be read.
    MalformedLook,
}

impl RefusalCode {
    /// As it is written in problems and counters.
    pub const fn text(self) -> &'static str {
        match self {
            Self::MalformedPayload => "malformed_payload",
            Self::UnreadablePayload => "unreadable_payload",
            Self::MalformedReceipt => "malformed_receipt",
            Self::EmptyReceipt => "empty_receipt",
            Self::UnprovenClaim => "unproven_claim",
            Self::InvalidPurchase => "invalid_purchase",
            Self::NoCallbacks => "no_callbacks",
            Self::WrongApp => "wrong_app",
            Self::WrongEnvironment => "wrong_environment",
            Self::MismatchedParts => "mismatched_parts",
            Self::SignedInTheFuture => "signed_in_the_future",
            Self::UntrustedCertificate => "untrusted_certificate",
            Self::CertificateRevoked => "certificate_revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::SignatureMissing => "signature_missing",
            Self::MalformedSignature => "malformed_signature",
            Self::InvalidSignature => "invalid_signature",
            Self::SignatureTooOld => "signature_too_old",
            Self::SigningSecretMissing => "signing_secret_missing",
            Self::PushNotSetUp => "push_not_set_up",
            Self::PushNotAuthenticated => "push_not_authenticated",
            Self::PushKeysUnavailable => "push_keys_unavailable",
            Self::StoreAnswerUnreadable => "store_answer_unreadable",
            Self::MalformedOperation => "malformed_operation",
            Self::MalformedLook => "malformed_look",
        }
    }
}

/// What the store should do with a refused message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is not genuine, or not for this app.
    Refuse,
    /// Send it again later: the fault is ours.
    Again,
    /// Nothing: it is genuine, but this release cannot read it. It is kept and tried again.
    Park,
}
