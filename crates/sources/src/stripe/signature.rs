//! `Stripe-Signature`. Source: Stripe, "Resolve webhook signature verification errors", manual verification.

use crate::RefusalCode;
use aws_lc_rs::{constant_time, hmac};
use domain::secret::Secret;
use jiff::{SignedDuration, Timestamp};

/// Why a signature was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// No header.
    #[error("expected a `Stripe-Signature` header")]
    Missing,
    /// No time, or one that is not a number.
    #[error("the `Stripe-Signature` header has no `t` with a UNIX time")]
    NoTime,
    /// No signature of the scheme that counts.
    #[error("the `Stripe-Signature` header has no `v1` signature")]
    NoSignature,
    /// None of ours.
    #[error(
        "no `v1` signature matches: the endpoint's signing secret is another, or the body was changed on its way"
    )]
    NoMatch,
    /// Too far from now.
    #[error(
        "the signature was made at {0} (UNIX seconds), too far from this machine's clock at {1}"
    )]
    TooOld(i64, i64),
}

impl SignatureProblem {
    /// Stable code.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Missing => RefusalCode::SignatureMissing,
            Self::NoTime | Self::NoSignature => RefusalCode::MalformedSignature,
            Self::NoMatch => RefusalCode::InvalidSignature,
            Self::TooOld(..) => RefusalCode::SignatureTooOld,
        }
    }
}

/// Checks the header against the raw body with each secret. The secret is used as it is written, prefix included.
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &[Secret],
    tolerance: SignedDuration,
    now: Timestamp,
) -> Result<(), SignatureProblem> {
    let header = header.ok_or(SignatureProblem::Missing)?;
    let mut time = None;
    let mut signatures = Vec::new();
    for (key, value) in header.split(',').filter_map(|part| part.split_once('=')) {
        match key.trim() {
            "t" => time = Some(value.trim()),
            "v1" => signatures.push(value.trim()),
            // `v0` and whatever comes later: believing them would open a way around `v1`.
            _ => {}
        }
    }
    let time = time.ok_or(SignatureProblem::NoTime)?;
    let second: i64 = time.parse().map_err(|_| SignatureProblem::NoTime)?;
    if signatures.is_empty() {
        return Err(SignatureProblem::NoSignature);
    }
    let signed = [time.as_bytes(), b".", body].concat();
    let matches = secrets.iter().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let expected = hex(hmac::sign(&key, &signed).as_ref());
        signatures.iter().any(|given| {
            constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
        })
    });
    if !matches {
        return Err(SignatureProblem::NoMatch);
    }
    if second.abs_diff(now.as_second()) > tolerance.as_secs().unsigned_abs() {
        return Err(SignatureProblem::TooOld(second, now.as_second()));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, body: &[u8], secret: &str, now: i64) -> Result<(), SignatureProblem> {
        verify(
            Some(header),
            body,
            &[Secret::new("whsec_other"), Secret::new(secret)],
            SignedDuration::from_mins(5),
            Timestamp::from_second(now).unwrap(),
        )
    }

    fn sign(secret: &str, time: &str, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hex(hmac::sign(&key, &[time.as_bytes(), b".", body].concat()).as_ref())
    }

    #[test]
    fn only_a_fresh_v1_of_a_known_secret_is_believed() {
        let body = br#"{"id":"evt_1"}"#;
        let signature = sign("whsec_now", "1000", body);
        let header = format!("t=1000,v1=00,v1={signature},v0=beef");
        let rows = [
            (header.as_str(), &body[..], "whsec_now", 1000, Ok(())),
            (&header, body, "whsec_now", 1300, Ok(())),
            (
                &header,
                body,
                "whsec_now",
                1301,
                Err(SignatureProblem::TooOld(1000, 1301)),
            ),
            (
                &header,
                body,
                "whsec_now",
                699,
                Err(SignatureProblem::TooOld(1000, 699)),
            ),
            (
                &header,
                body,
                "whsec_old",
                1000,
                Err(SignatureProblem::NoMatch),
            ),
            (
                &header,
                b"{ \"id\": \"evt_1\" }",
                "whsec_now",
                1000,
                Err(SignatureProblem::NoMatch),
            ),
            (
                "v1=00",
                body,
                "whsec_now",
                1000,
                Err(SignatureProblem::NoTime),
            ),
            (
                "t=x,v1=00",
                body,
                "whsec_now",
                1000,
                Err(SignatureProblem::NoTime),
            ),
            (
                "t=1000",
                body,
                "whsec_now",
                1000,
                Err(SignatureProblem::NoSignature),
            ),
        ];
        for (header, body, secret, now, expected) in rows {
            assert_eq!(
                check(header, body, secret, now),
                expected,
                "{header} at {now}"
            );
        }
        let downgraded = format!("t=1000,v0={signature}");
        assert_eq!(
            check(&downgraded, body, "whsec_now", 1000),
            Err(SignatureProblem::NoSignature)
        );
        let none = verify(
            None,
            body,
            &[Secret::new("s")],
            SignedDuration::ZERO,
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(none, Err(SignatureProblem::Missing));
    }

    /// What another program signed: `openssl dgst -sha256 -hmac 'whsec_test secret'`, of the time, a dot and the body.
    #[test]
    fn what_another_program_signed_verifies() {
        let body = concat!(
            "{\n  \"id\": \"evt_123\",\n  \"object\": \"event\",\n",
            "  \"type\": \"invoiceitem.created\",\n  \"livemode\": false\n}"
        );
        let header =
            "t=1533204620,v1=33a32c77210030287a195e552fae5307c06150471d4f7e74c0299ee625683b00";
        let checked = |body: &str, secret: &str, now| check(header, body.as_bytes(), secret, now);
        let secret = "whsec_test secret";
        assert_eq!(checked(body, secret, 1_533_204_620), Ok(()));
        assert!(checked(body, secret, 1_533_205_620).is_err());
        assert!(checked(body, "whsec_test secre", 1_533_204_620).is_err());
        assert!(checked(&format!("{body}\n"), secret, 1_533_204_620).is_err());
    }
}
