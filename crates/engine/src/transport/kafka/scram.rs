//! How a password is proved without being told. Source: RFC 5802; RFC 7677.

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::prelude::*;
use destinations::kafka::{Mechanism, Sasl};
use std::{num::NonZeroU32, ops::RangeInclusive};

/// How many rounds are done for a broker, which says how many. With fewer, whoever listens guesses the password from what is proved. Source: RFC 7677,
/// section 4. Kafka has up to 16,384, and what is beyond 100,000 no client of PostgreSQL does either (CVE-2026-42198).
const ROUNDS: RangeInclusive<u32> = 4_096..=100_000;

/// A conversation of which the first half is over.
pub(super) struct Scram {
    sasl: Sasl,
    nonce: String,
    digest: &'static digest::Algorithm,
    keyed: hmac::Algorithm,
    stretched: pbkdf2::Algorithm,
}

impl Scram {
    /// One with this nonce; `None` where it is told what proves a name.
    pub(super) fn new(sasl: &Sasl, nonce: String) -> Option<Self> {
        let (digest, keyed, stretched) = match sasl.mechanism {
            Mechanism::Plain | Mechanism::OauthBearer => return None,
            Mechanism::ScramSha256 => (
                &digest::SHA256,
                hmac::HMAC_SHA256,
                pbkdf2::PBKDF2_HMAC_SHA256,
            ),
            Mechanism::ScramSha512 => (
                &digest::SHA512,
                hmac::HMAC_SHA512,
                pbkdf2::PBKDF2_HMAC_SHA512,
            ),
        };
        Some(Self {
            sasl: sasl.clone(),
            nonce,
            digest,
            keyed,
            stretched,
        })
    }

    fn first_bare(&self) -> String {
        format!("n={},r={}", self.sasl.user, self.nonce)
    }

    /// What is said first.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first_bare())
    }

    fn hmac(&self, key: &[u8], text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.keyed, key), text)
    }

    /// What a broker says first: its nonce, its salt, and how many rounds it wants.
    pub(super) fn challenge<'a>(
        &self,
        said: &'a str,
    ) -> Result<(&'a str, Vec<u8>, NonZeroU32), &'static str> {
        const WRONG: &str = "the broker does not speak SCRAM";
        let part = |name: &str| said.split(',').find_map(|part| part.strip_prefix(name));
        let (nonce, salt) = (part("r=").ok_or(WRONG)?, part("s=").ok_or(WRONG)?);
        let rounds: NonZeroU32 = part("i=")
            .and_then(|rounds| rounds.parse().ok())
            .ok_or(WRONG)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the broker answers somebody else");
        }
        if rounds.get() < *ROUNDS.start() {
            return Err("the broker wants so few rounds that the password could be guessed");
        }
        if !ROUNDS.contains(&rounds.get()) {
            return Err("the broker wants more rounds than anybody needs");
        }
        let salt = BASE64_STANDARD.decode(salt).map_err(|_| WRONG)?;
        Ok((nonce, salt, rounds))
    }

    /// What is said to the first words of the broker, and what it has to say then. Takes up to a tenth of a second of work.
    pub(super) fn last(&self, said: &str) -> Result<(String, String), &'static str> {
        let (nonce, salt, rounds) = self.challenge(said)?;
        let mut salted = vec![0; self.digest.output_len()];
        let password = self.sasl.password.expose().as_bytes();
        pbkdf2::derive(self.stretched, rounds, &salt, password, &mut salted);
        let key = self.hmac(&salted, b"Client Key");
        let stored = digest::digest(self.digest, key.as_ref());
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{said},{without_proof}", self.first_bare());
        let signature = self.hmac(stored.as_ref(), all.as_bytes());
        let proof = key
            .as_ref()
            .iter()
            .zip(signature.as_ref())
            .map(|(a, b)| a ^ b);
        let proof = BASE64_STANDARD.encode(proof.collect::<Vec<u8>>());
        let server = self.hmac(&salted, b"Server Key");
        let verifier = self.hmac(server.as_ref(), all.as_bytes());
        let expected = format!("v={}", BASE64_STANDARD.encode(verifier.as_ref()));
        Ok((format!("{without_proof},p={proof}"), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret::Secret;

    /// Source: RFC 7677, section 3.
    #[test]
    fn a_password_is_proved_as_the_example_of_the_standard_proves_it() {
        let sasl = Sasl {
            mechanism: Mechanism::ScramSha256,
            user: "user".into(),
            password: Secret::new("pencil"),
        };
        let scram = Scram::new(&sasl, "rOprNGfwEbeRWgbNEkqO".into()).unwrap();
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let said = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, expected) = scram.last(said).unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(expected, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        for (wrong, why) in [
            ("", "does not speak"),
            ("r=x,s=AA==,i=4096", "somebody else"),
            ("r=rOprNGfwEbeRWgbNEkqO1,s=AA==,i=0", "does not speak"),
            ("r=rOprNGfwEbeRWgbNEkqO1,s=AA==,i=1", "guessed"),
            ("r=rOprNGfwEbeRWgbNEkqO1,s=AA==,i=4095", "guessed"),
            ("r=rOprNGfwEbeRWgbNEkqO1,s=AA==,i=100001", "more rounds"),
            ("r=rOprNGfwEbeRWgbNEkqO1,s=AA==,i=4000000000", "more rounds"),
        ] {
            let said = scram.last(wrong).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
