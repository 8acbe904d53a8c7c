//! Passwords: which are good enough, how they are kept, and how slowly they can be guessed.
//!
//! **How it works.** A password is kept as a salted, memory-hard hash ([`hash`]). Hashing is dear, so few are made at once and few
//! wait ([`Hashing`]); a try is counted before anything is hashed for it ([`Throttle`]).

mod common;
mod hash;
mod queue;
mod throttle;

pub use hash::{Checked, check, hash, is_old};
pub use queue::{Busy, Hashing};
pub use throttle::{Asker, Throttle};

/// Shortest password, in characters.
pub const SHORTEST: usize = 10;
/// Longest; hashing more costs and says nothing.
const LONGEST: usize = 200;

/// What is wrong with a password of whoever is called `names`, if anything.
pub fn problem(password: &str, names: &[&str]) -> Option<String> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Some(format!("has {SHORTEST} to {LONGEST} characters"));
    }
    let why = common::why_common(password, names)?;
    Some(format!("is easily guessed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_enough_and_hard_to_guess() {
        assert!(problem("short", &[]).is_some() && problem(&"é".repeat(201), &[]).is_some());
        assert_eq!(problem("long enough", &[]), None);
        let common = problem("1q2w3e4r5t6y", &[]).unwrap();
        assert!(common.starts_with("is easily guessed"), "{common}");
    }
}
