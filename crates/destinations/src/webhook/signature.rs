//! Standard Webhooks signatures: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, keyed by the bytes of the secret.
//! Source: Standard Webhooks specification 1.0.0.

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

#[cfg(test)]
mod tests {
    use super::*;

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
