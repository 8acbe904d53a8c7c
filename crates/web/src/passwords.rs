//! Passwords: kept as salted, slow hashes, and guessed slowly.

use aws_lc_rs::pbkdf2;
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use engine::{Guarded, System};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, num::NonZeroU32};

/// Rounds of PBKDF2 with HMAC-SHA-256. Source: OWASP Password Storage Cheat Sheet, 2026.
const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("is not zero");
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
const SCHEME: &str = "pbkdf2-sha256";
/// Shortest password, in characters.
pub const SHORTEST: usize = 10;
/// Longest; hashing more costs and says nothing.
const LONGEST: usize = 200;

/// What is wrong with a password, if anything.
pub fn problem(password: &str) -> Option<String> {
    let length = password.chars().count();
    (!(SHORTEST..=LONGEST).contains(&length))
        .then(|| format!("has {SHORTEST} to {LONGEST} characters"))
}

/// Takes a noticeable time, on a thread that may block.
pub async fn hash(system: &dyn System, password: String) -> String {
    let salt: Vec<u8> = std::iter::repeat_with(|| system.entropy().to_le_bytes())
        .flatten()
        .take(SALT_BYTES)
        .collect();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hash = [0; HASH_BYTES];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
        let text = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        format!("{SCHEME}${ROUNDS}${}${}", text(&salt), text(&hash))
    });
    // A hash of nothing opens nothing.
    hashed.await.unwrap_or_default()
}

/// Whether a password is the one that was hashed. Without a hash it takes as long, so that nobody learns who exists.
pub async fn is_right(stored: Option<String>, password: String) -> bool {
    let checked = tokio::task::spawn_blocking(move || {
        let known = stored.as_deref().and_then(read);
        let is_known = known.is_some();
        let (rounds, salt, hash) =
            known.unwrap_or_else(|| (ROUNDS, vec![0; SALT_BYTES], vec![0; HASH_BYTES]));
        let verified = pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            password.as_bytes(),
            &hash,
        );
        is_known && verified.is_ok()
    });
    checked.await.unwrap_or(false)
}

fn read(stored: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = stored.split('$');
    let scheme = parts.next()?;
    let rounds = parts.next()?.parse().ok()?;
    let mut bytes = || BASE64_STANDARD_NO_PAD.decode(parts.next()?).ok();
    let (salt, hash) = (bytes()?, bytes()?);
    (scheme == SCHEME && !hash.is_empty()).then_some((rounds, salt, hash))
}

/// Wrong tries before the next has to wait.
const FREE_TRIES: u32 = 5;
/// Names remembered.
const MOST_NAMES: usize = 10_000;
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// Slows guessing down, by name: each wrong try beyond the first few doubles the wait.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: Guarded<BTreeMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// Takes a try of a name before it is made, as one in vain until it is [forgiven](Self::forgive): however many are made at
    /// once, only so many go through. Errors: how long the name still has to wait.
    pub fn take_try(&self, name: &str, now: Timestamp) -> Result<(), SignedDuration> {
        let mut tries = self.tries.lock();
        if tries.len() >= MOST_NAMES {
            tries.retain(|_, (_, until)| now < *until);
        }
        let (count, until) = tries.entry(name.to_owned()).or_insert((0, now));
        if now < *until {
            return Err(now.duration_until(*until));
        }
        *count += 1;
        let over = count.saturating_sub(FREE_TRIES);
        if over > 0 {
            let wait = SignedDuration::from_secs(1_i64 << over.min(10)).min(LONGEST_WAIT);
            *until = now.saturating_add(wait).unwrap_or(now);
        }
        Ok(())
    }

    /// A try was right: those before it count no more.
    pub fn forgive(&self, name: &str) {
        self.tries.lock().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl System for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn entropy(&self) -> u64 {
            7
        }
    }

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let stored = hash(&Fixed, "correct horse".into()).await;
        assert!(stored.starts_with("pbkdf2-sha256$600000$") && !stored.contains("horse"));
        assert!(is_right(Some(stored.clone()), "correct horse".into()).await);
        assert!(!is_right(Some(stored), "correct horsE".into()).await);
        for stored in [None, Some(String::new()), Some("pbkdf2-sha256$1$$".into())] {
            assert!(!is_right(stored, String::new()).await);
        }
        assert!(problem("short").is_some() && problem("long enough").is_none());
    }

    #[test]
    fn guessing_slows_down_and_a_right_try_forgives() {
        let (throttle, start) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        let try_at =
            |second| throttle.take_try("a@b.example", start + SignedDuration::from_secs(second));
        // As many as are made at once: none has been found wrong yet.
        let at_once = (0..100).filter(|_| try_at(0).is_ok()).count();
        assert_eq!(at_once, 6);
        assert_eq!(try_at(1), Err(SignedDuration::from_secs(1)));
        assert_eq!(try_at(2), Ok(()));
        assert_eq!(try_at(2), Err(SignedDuration::from_secs(4)));
        assert_eq!(
            throttle.take_try("c@d.example", start),
            Ok(()),
            "others are free"
        );
        throttle.forgive("a@b.example");
        assert_eq!(try_at(2), Ok(()));
    }
}
