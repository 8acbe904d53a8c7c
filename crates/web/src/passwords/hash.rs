//! Passwords as they are kept: Argon2id, salted. What was kept with PBKDF2 opens still and is kept anew then.

use super::{Busy, Hashing};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{constant_time, pbkdf2};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use engine::System;
use std::num::NonZeroU32;

/// Memory, passes and lanes of Argon2id. Source: OWASP Password Storage Cheat Sheet, 2026.
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const ARGON2ID: &str = "argon2id";
/// Argon2 1.3, as it is written in a hash.
const VERSION: &str = "v=19";
/// The scheme before: PBKDF2 with HMAC-SHA-256.
const PBKDF2: &str = "pbkdf2-sha256";
const PBKDF2_ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("is not zero");
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Most that a stored hash may ask for: what was tampered with takes neither memory nor time.
const MOST_MEMORY_KIB: u32 = 256 << 10;
const MOST_PASSES: u32 = 16;
const MOST_ROUNDS: u32 = 2_000_000;

/// What makes a hash of a password, the salt excepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Argon2id {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    },
    Pbkdf2 {
        rounds: NonZeroU32,
    },
}

/// The scheme that passwords are kept with now.
const NOW: Scheme = Scheme::Argon2id {
    memory_kib: MEMORY_KIB,
    passes: PASSES,
    lanes: LANES,
};
/// The scheme they were kept with before.
const BEFORE: Scheme = Scheme::Pbkdf2 {
    rounds: PBKDF2_ROUNDS,
};

/// A hash as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    scheme: Scheme,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scheme {
    /// Takes a noticeable time. `None` when the scheme asks for what cannot be done.
    fn derive(self, salt: &[u8], password: &str) -> Option<[u8; HASH_BYTES]> {
        let mut hash = [0; HASH_BYTES];
        match self {
            Self::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => {
                let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).ok()?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                argon2
                    .hash_password_into(password.as_bytes(), salt, &mut hash)
                    .ok()?;
            }
            Self::Pbkdf2 { rounds } => {
                let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
                pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut hash);
            }
        }
        Some(hash)
    }
}

impl Kept {
    /// Reads `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` or `pbkdf2-sha256$600000$salt$hash`.
    fn read(stored: &str) -> Option<Self> {
        let mut parts = stored.trim_start_matches('$').split('$');
        let scheme = match parts.next()? {
            ARGON2ID if parts.next()? == VERSION => {
                let mut numbers = parts.next()?.split(',');
                let mut number = |name: &str| {
                    let (known, value) = numbers.next()?.split_once('=')?;
                    value.parse::<u32>().ok().filter(|_| known == name)
                };
                Scheme::Argon2id {
                    memory_kib: number("m").filter(|memory| *memory <= MOST_MEMORY_KIB)?,
                    passes: number("t").filter(|passes| *passes <= MOST_PASSES)?,
                    lanes: number("p").filter(|lanes| *lanes <= LANES)?,
                }
            }
            PBKDF2 => {
                let rounds: NonZeroU32 = parts.next()?.parse().ok()?;
                Scheme::Pbkdf2 {
                    rounds: Some(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?,
                }
            }
            _ => return None,
        };
        let mut bytes = || BASE64_STANDARD_NO_PAD.decode(parts.next()?).ok();
        let (salt, hash) = (bytes()?, bytes()?);
        (hash.len() == HASH_BYTES).then_some(Self { scheme, salt, hash })
    }

    /// With the scheme of now.
    fn new(salt: Vec<u8>, password: &str) -> Self {
        let hash = NOW.derive(&salt, password).expect(
            "the parameters are constants that Argon2 takes, and so is the length of the salt",
        );
        Self {
            scheme: NOW,
            salt,
            hash: hash.into(),
        }
    }

    fn text(&self) -> String {
        let text = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        let (salt, hash) = (text(&self.salt), text(&self.hash));
        match self.scheme {
            Scheme::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => format!("${ARGON2ID}${VERSION}$m={memory_kib},t={passes},p={lanes}${salt}${hash}"),
            Scheme::Pbkdf2 { rounds } => format!("{PBKDF2}${rounds}${salt}${hash}"),
        }
    }
}

/// Whether a hash was kept with another scheme than that of now.
pub fn is_old(stored: &str) -> bool {
    Kept::read(stored).is_some_and(|kept| kept.scheme != NOW)
}

/// The salt for a new password of somebody who has these already: accounts of one address have one salt, so that checking a password against
/// all of them takes as long as against one.
fn salt(system: &dyn System, others: &[String]) -> Vec<u8> {
    let mut kept = others.iter().filter_map(|other| Kept::read(other));
    let known = kept.find(|kept| kept.scheme == NOW && kept.salt.len() == SALT_BYTES);
    known.map_or_else(
        || {
            std::iter::repeat_with(|| system.entropy().to_le_bytes())
                .flatten()
                .take(SALT_BYTES)
                .collect()
        },
        |kept| kept.salt,
    )
}

/// How a password is kept. `others` are those that are kept of accounts of the same address.
///
/// Errors: as many are being hashed as may be.
pub async fn hash(
    hashing: &Hashing,
    system: &dyn System,
    password: String,
    others: &[String],
) -> Result<String, Busy> {
    let salt = salt(system, others);
    hashing.run(move || Kept::new(salt, &password).text()).await
}

/// What a password was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which of those kept it opens, the first of them.
    pub opens: Option<usize>,
    /// How that one is to be kept from now on, where it was kept with an older scheme.
    pub anew: Option<String>,
}

/// Whether a password is one of those that are `kept`: of the accounts of one address. It takes as long when there are none, so that nobody
/// learns who exists; and `has_old`, whether anybody's is kept with the older scheme, makes it as long for everybody.
///
/// Errors: as many are being hashed as may be.
pub async fn check(
    hashing: &Hashing,
    system: &dyn System,
    kept: Vec<String>,
    has_old: bool,
    password: String,
) -> Result<Checked, Busy> {
    let new_salt = salt(system, &kept);
    hashing
        .run(move || {
            let known: Vec<_> = kept.iter().map(|stored| Kept::read(stored)).collect();
            let opens = opens(&known, has_old, &password);
            let is_old =
                |index: usize| known[index].as_ref().is_some_and(|kept| kept.scheme != NOW);
            let anew = opens.filter(|index| is_old(*index));
            let anew = anew.map(|_| Kept::new(new_salt, &password).text());
            Checked { opens, anew }
        })
        .await
}

fn opens(known: &[Option<Kept>], has_old: bool, password: &str) -> Option<usize> {
    // Each way of hashing once, whether anything was kept that way or not.
    let mut ways: Vec<(Scheme, &[u8])> = Vec::new();
    for kept in known.iter().flatten() {
        let way = (kept.scheme, kept.salt.as_slice());
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let wanted = [Some(NOW), has_old.then_some(BEFORE)];
    for scheme in wanted.into_iter().flatten() {
        if ways.iter().all(|(known, _)| *known != scheme) {
            ways.push((scheme, &[0; SALT_BYTES]));
        }
    }
    let hashes: Vec<_> = ways
        .iter()
        .map(|(scheme, salt)| scheme.derive(salt, password))
        .collect();
    let mut found = None;
    for (index, kept) in known.iter().enumerate().rev() {
        let Some(kept) = kept else { continue };
        let way = ways
            .iter()
            .position(|way| *way == (kept.scheme, &kept.salt));
        let hash = way.and_then(|way| hashes[way]);
        let is_same = |hash: [u8; HASH_BYTES]| {
            constant_time::verify_slices_are_equal(&hash, &kept.hash).is_ok()
        };
        if hash.is_some_and(is_same) {
            found = Some(index);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    struct Fixed;
    impl System for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn entropy(&self) -> u64 {
            7
        }
    }

    async fn is_right(kept: &[&str], password: &str) -> Checked {
        let kept = kept.iter().map(|kept| (*kept).to_owned()).collect();
        let checked = check(&Hashing::default(), &Fixed, kept, true, password.into()).await;
        checked.unwrap()
    }

    const NONE: Checked = Checked {
        opens: None,
        anew: None,
    };

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let hashing = Hashing::default();
        let stored = hash(&hashing, &Fixed, "correct horse".into(), &[]).await;
        let stored = stored.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(!stored.contains("horse") && !is_old(&stored));
        let right = Checked {
            opens: Some(0),
            anew: None,
        };
        assert_eq!(is_right(&[&stored], "correct horse").await, right);
        assert_eq!(is_right(&[&stored], "correct horsE").await, NONE);
        for unreadable in [
            "",
            "pbkdf2-sha256$1$$",
            "$argon2id$v=19$m=4294967295,t=2,p=1$AAAA$AAAA",
            "pbkdf2-sha256$4000000000$AAAA$AAAA",
        ] {
            assert_eq!(is_right(&[unreadable], "").await, NONE, "{unreadable}");
        }
        assert_eq!(is_right(&[], "correct horse").await, NONE);
    }

    /// Made by the reference implementation, through `argon2-cffi` of Python.
    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_opens() {
        let opened = is_right(&[REFERENCE], "correct horse battery").await;
        assert_eq!((opened.opens, opened.anew), (Some(0), None));
        assert_eq!(is_right(&[REFERENCE], "correct horse batterx").await, NONE);
    }

    const REFERENCE: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$/HetJC6LZ4lnwgLB+wJSS2a9bFu2Kq4HxwNWzoJq2qU";

    /// Made by Python's `hashlib.pbkdf2_hmac("sha256", b"correct horse", b"0123456789abcdef", 600000)`.
    #[tokio::test]
    async fn what_was_kept_before_opens_and_is_kept_anew() {
        let old = "pbkdf2-sha256$600000$MDEyMzQ1Njc4OWFiY2RlZg$kYKAg/dg7WC7VQ4k8+iaopu8snxCGdA0xMTwPC5tudk";
        assert!(is_old(old));
        let opened = is_right(&[old], "correct horse").await;
        let anew = opened.anew.unwrap();
        assert_eq!(opened.opens, Some(0));
        assert!(!is_old(&anew));
        let again = is_right(&[&anew], "correct horse").await;
        assert_eq!((again.opens, again.anew), (Some(0), None));
        assert_eq!(is_right(&[old], "correct hors").await, NONE);
    }

    #[tokio::test]
    async fn accounts_of_one_address_have_one_salt_and_passwords_of_their_own() {
        let hashing = Hashing::default();
        let first = hash(&hashing, &Fixed, "the first one".into(), &[]).await;
        let first = first.unwrap();
        let others = [first.clone()];
        let second = hash(&hashing, &Fixed, "the second one".into(), &others).await;
        let second = second.unwrap();
        let salt = |stored: &str| Kept::read(stored).unwrap().salt;
        assert_eq!(salt(&first), salt(&second));
        for (password, opens) in [
            ("the first one", Some(0)),
            ("the second one", Some(1)),
            ("the third one", None),
        ] {
            let checked = is_right(&[&first, &second], password).await;
            assert_eq!(checked.opens, opens, "{password}");
        }
    }
}
