//! Standard Webhooks signatures: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, keyed by the bytes of the secret.
//! Source: Standard Webhooks specification 1.0.0.
//!
//! RevenueCat signs in its own way: `t=` and the second, then a `v1=` and the hexadecimal HMAC-SHA256 of `t.body` for each secret, keyed by the
//! secret as it is written. Read off receivers that verify it, in November 2026; the vendor's documentation has no page on it.

use crate::encode::hex;
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};

fn key(secret: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(secret.strip_prefix("whsec_")?).ok()
}

/// Whether `secret` can sign: `whsec_` and the base64 of 24 to 64 bytes.
pub fn check_secret(secret: &str) -> Result<(), &'static str> {
    match key(secret).map(|key| key.len()) {
        Some(24..=64) => Ok(()),
        _ => Err("must be `whsec_` followed by the base64 of 24 to 64 bytes"),
    }
}

/// A new secret from random bytes.
pub fn secret_from(random: &[u8]) -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(random))
}

/// The signature of one message, or `None` for an unusable secret.
pub fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key(secret)?));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    Some(format!("v1,{}", BASE64_STANDARD.encode(context.sign())))
}

/// What `X-RevenueCat-Webhook-Signature` says; `None` without a secret.
pub(super) fn revenuecat<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    timestamp: &str,
    body: &[u8],
) -> Option<String> {
    let signed = secrets.into_iter().map(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for part in [timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        format!(",v1={}", hex(context.sign().as_ref()))
    });
    let signed: String = signed.collect();
    (!signed.is_empty()).then(|| format!("t={timestamp}{signed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests are those of `openssl dgst -sha256 -hmac`.
    #[test]
    fn revenuecat_has_a_digest_for_each_secret() {
        let of = |secrets: &[&str]| revenuecat(secrets.iter().copied(), "1793491200", b"{\"a\":1}");
        assert_eq!(of(&[]), None);
        let new = "7a5d5dd5a26df8dd4a477f746c8640c1d2b62e3549e94c8b3edf2adbdf3290bb";
        let old = "f7477669b9d65e98f1b14ba017cde3ca4e831069319f7d4ab7fb91d35890ccda";
        assert_eq!(
            of(&["new-secret"]).unwrap(),
            format!("t=1793491200,v1={new}")
        );
        assert_eq!(
            of(&["new-secret", "old-secret"]).unwrap(),
            format!("t=1793491200,v1={new},v1={old}")
        );
    }

    #[test]
    fn matches_the_example_of_the_specification() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn short_or_unprefixed_secrets_are_refused() {
        for secret in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_***",
        ] {
            assert!(check_secret(secret).is_err(), "{secret}");
        }
    }
}
