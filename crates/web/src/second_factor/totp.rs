//! Codes of half a minute. Source: RFC 6238, with what authenticator apps take for granted: HMAC-SHA-1, thirty seconds, six digits.

use super::base32;
use aws_lc_rs::{constant_time, hmac};
use engine::System;
use jiff::Timestamp;

/// Seconds that a code is shown.
const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// As long as the key of HMAC-SHA-1 that RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Steps before and after that of now whose code is taken: clocks of phones are off, and people are slow.
const NEIGHBOURS: u64 = 1;

/// The step that a moment is in.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_second() / STEP_SECONDS).unwrap_or_default()
}

/// Whether a text looks like a code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|sign| sign.is_ascii_digit())
}

/// Random bytes.
pub(super) fn random<const LENGTH: usize>(system: &dyn System) -> [u8; LENGTH] {
    let mut bytes = std::iter::repeat_with(|| system.entropy().to_le_bytes()).flatten();
    [0; LENGTH].map(|_| bytes.next().unwrap_or_default())
}

/// What codes are made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    /// A new one.
    pub fn new(system: &dyn System) -> Self {
        Self(random(system))
    }

    /// One that was kept.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To be sealed and kept.
    pub const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As somebody types it into an app.
    pub fn text(&self) -> String {
        base32::encode(&self.0)
    }

    /// The code of a step.
    pub fn code(&self, step: u64) -> String {
        code(&self.0, step, MODULUS, DIGITS)
    }

    /// The step whose code this is, of those that are taken now.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        let step = step_at(now);
        let mut taken = step.saturating_sub(NEIGHBOURS)..=step + NEIGHBOURS;
        taken.find(|step| {
            let right = self.code(*step);
            constant_time::verify_slices_are_equal(right.as_bytes(), code.as_bytes()).is_ok()
        })
    }
}

fn code(secret: &[u8], step: u64, modulus: u32, digits: usize) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // Dynamic truncation, RFC 4226, section 5.3.
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let four = tag[offset..offset + 4]
        .iter()
        .fold(0_u32, |four, byte| four << 8 | u32::from(*byte));
    format!("{:0digits$}", (four & 0x7fff_ffff) % modulus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    /// RFC 6238, appendix B, the rows of SHA-1, which have eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (second, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(code(secret, step_at(now), 100_000_000, 8), expected);
            let six = Secret::of(secret).unwrap().code(step_at(now));
            assert_eq!(Some(six.as_str()), expected.get(2..));
        }
    }

    #[test]
    fn a_code_is_good_for_its_half_minute_and_its_neighbours() {
        let secret = Secret::of(b"12345678901234567890").unwrap();
        let at = |second| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let code = secret.code(100);
        for (second, step) in [
            (2969, None),
            (2970, Some(100)),
            (3000, Some(100)),
            (3059, Some(100)),
            (3060, None),
        ] {
            assert_eq!(secret.step_of(&code, at(second)), step, "{second}");
        }
        assert!(is_code("012345"));
        assert!(!is_code("12345") && !is_code("1234567") && !is_code("12345A"));
    }
}
