//! What somebody's phone does with the key of a second factor.

use super::TestServer;
use crate::second_factor::{Secret, step_at};

impl TestServer {
    /// The secret that a page shows as a key in base 32.
    pub fn secret(&self, key: &str) -> Secret {
        let mut bits = key.bytes().flat_map(|sign| {
            let five = match sign {
                b'A'..=b'Z' => sign - b'A',
                b'2'..=b'7' => sign - b'2' + 26,
                other => panic!("{other} is no base 32"),
            };
            (0..5).rev().map(move |bit| five >> bit & 1)
        });
        let mut bytes = Vec::new();
        while let Some(first) = bits.next() {
            let rest = bits.by_ref().take(7);
            bytes.push(rest.fold(first, |byte, bit| byte << 1 | bit));
        }
        Secret::of(&bytes).unwrap()
    }

    /// The code that the phone shows now.
    pub fn code(&self, secret: &Secret) -> String {
        secret.code(step_at(self.now()))
    }
}
