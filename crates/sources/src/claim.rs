//! Whose a purchase is said to be: by whom, and by the store itself.

use crate::{Refusal, RefusalCode};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::customer::is_client_name;
use serde::{Deserialize, Serialize};

/// Who sends a purchase in, and so how far it is believed about whose that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// A copy of the app, with the public key that every copy has: believed as far as what it sends is a proof.
    #[default]
    Client,
    /// A key of the project that may write, or whoever operates this server: believed.
    Project,
}

impl Sender {
    /// Whether it has only the public key.
    pub fn is_client(&self) -> bool {
        *self == Self::Client
    }

    /// Refuses a client that sends `what`, which says which purchase it is and not whose, instead of a `proof`.
    pub(crate) fn must_not_be_a_client(self, what: &str, proof: &str) -> Result<(), Refusal> {
        match self {
            Self::Project => Ok(()),
            Self::Client => Err(Refusal::refuse(
                RefusalCode::UnprovenClaim,
                format!("{what} says which purchase it is, not whose: send {proof}"),
            )),
        }
    }
}

/// Whether what a store carries for the app (`appAccountToken`, `obfuscatedExternalAccountId`, metadata) stands for the customer of
/// this name: the name itself, in any case where it is a UUID, or its SHA-256. Source: Apple, `appAccountToken`;
/// purchases-android, `setObfuscatedAccountId`, which sends the digest in base64; Google, "Detect fraud", which asks for a
/// one-way hash.
pub fn stands_for(token: &str, name: &str) -> bool {
    let is_uuid = token.len() == 36 && token.bytes().filter(|byte| *byte == b'-').count() == 4;
    if token == name || (is_uuid && token.eq_ignore_ascii_case(name)) {
        return true;
    }
    let hash = digest(&SHA256, name.as_bytes());
    let hex = || -> String {
        let digits = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
        digits.collect()
    };
    token == STANDARD.encode(hash) || token.eq_ignore_ascii_case(&hex())
}

/// What a store carries for whoever bought, where it says who that is: a name, or the hash of one. What programs send for nobody is
/// nobody, and what nobody may be called is no name; a store's message with such a name is taken in as one with none.
pub(crate) fn carried(token: Option<&str>) -> Option<String> {
    let is_hash = |token: &str| {
        STANDARD
            .decode(token)
            .is_ok_and(|hash| hash.len() == SHA256.output_len())
    };
    let token = token.filter(|token| is_client_name(token) || is_hash(token));
    token.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_for_the_name_it_is_or_was_made_of() {
        let uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
        for (token, name, expected) in [
            ("ann", "ann", true),
            ("Ann", "ann", false),
            (uuid, "0F0E0D0C-0B0A-4908-8706-050403020100", true),
            (uuid, "0F0E0D0C-0B0A-4908-8706-050403020101", false),
            // `printf ann | openssl dgst -sha256`, in hexadecimal and with `-binary | base64`.
            (
                "49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe3268693a6a1",
                "ann",
                true,
            ),
            ("SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=", "ann", true),
            ("SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=", "bob", false),
            ("", "ann", false),
        ] {
            assert_eq!(stands_for(token, name), expected, "{token} {name}");
        }
    }

    #[test]
    fn what_says_nobody_is_carried_for_nobody() {
        let hash = "SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=";
        for name in ["ann", "Ann B", "0f0e0d0c-0b0a-4908-8706-050403020100", hash] {
            assert_eq!(carried(Some(name)).as_deref(), Some(name));
        }
        let long = "a".repeat(256);
        for nobody in [
            "",
            " ",
            "null",
            "undefined",
            "0",
            "a/b",
            "a\nb",
            "SZ/=",
            &long,
        ] {
            assert_eq!(carried(Some(nobody)), None, "{nobody:?}");
        }
        assert_eq!(carried(None), None);
    }
}
