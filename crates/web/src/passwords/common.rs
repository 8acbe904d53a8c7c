//! Passwords that are tried first: those that many people have, alone or with a little around them, and those that follow a pattern.

use std::{collections::BTreeSet, sync::LazyLock};

/// Passwords that many people have, in small letters, one a line: those of ten characters and more that are seen most often in what was
/// taken from others, and shorter ones that people lengthen.
static COMMON: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Neighbours on a keyboard, and in alphabet and numbers.
const ROWS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1q2w3e4r5t6y7u8i9o0p",
];
/// Fewest characters that are one of somebody's names, and not chance.
const SHORTEST_NAME: usize = 4;

/// Why a password is among the first that are tried; `None` when it is not.
pub(super) fn why_common(password: &str, names: &[&str]) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let core = core(&lower);
    let is_common = |text: &str| COMMON.contains(text);
    if is_common(&lower) || is_common(core) || is_common(&plain(core)) || is_common(&plain(&lower))
    {
        return Some("many people have it, or one like it");
    }
    if distinct(&lower) <= 3 || repeats(&lower) {
        return Some("it repeats itself");
    }
    if follows_rows(&lower) {
        return Some("it follows the keyboard or the alphabet");
    }
    let mut parts: Vec<_> = names.iter().flat_map(|name| parts(name)).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    // Whoever takes one's names away must not be left with nearly nothing.
    let rest = parts
        .iter()
        .fold(lower.clone(), |rest, part| rest.replace(part, ""));
    let is_named = rest.len() < lower.len() && letters(&rest) < SHORTEST_NAME;
    is_named.then_some("it is made of your name or address")
}

/// Without what people put before and behind a word to lengthen it: digits and signs.
fn core(text: &str) -> &str {
    text.trim_matches(|sign: char| !sign.is_alphabetic())
}

/// As it reads when signs stand for letters.
fn plain(text: &str) -> String {
    let letter = |sign| match sign {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

fn distinct(text: &str) -> usize {
    text.chars().collect::<BTreeSet<_>>().len()
}

/// Whether it is a shorter text several times: the last time may be cut off.
fn repeats(text: &str) -> bool {
    let signs: Vec<_> = text.chars().collect();
    (1..=signs.len() / 2).any(|length| {
        let again = signs.iter().zip(&signs[length..]);
        let mut again = again.map(|(one, next)| one == next);
        again.all(|is_same| is_same)
    })
}

/// Whether it is pieces of rows, forwards or backwards, of four or more each.
fn follows_rows(text: &str) -> bool {
    const PIECE: usize = 4;
    let signs: Vec<_> = text.chars().collect();
    let is_in_row = |piece: &[char]| {
        let forwards: String = piece.iter().collect();
        let backwards: String = piece.iter().rev().collect();
        let mut rows = ROWS.iter();
        rows.any(|row| row.contains(&forwards) || row.contains(&backwards))
    };
    let mut at = 0;
    while at < signs.len() {
        let lengths = (PIECE.min(signs.len() - at)..=signs.len() - at).rev();
        let mut fitting = lengths.filter(|length| is_in_row(&signs[at..at + length]));
        match fitting.next() {
            Some(length) => at += length,
            None => return false,
        }
    }
    true
}

/// The words of a name or address, in small letters; and all that stands before the `@` of one.
fn parts(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|sign: char| !sign.is_alphanumeric());
    let local = lower.split('@').next().unwrap_or_default();
    words
        .chain([local])
        .filter(|part| part.chars().count() >= SHORTEST_NAME)
        .map(str::to_owned)
        .collect()
}

fn letters(text: &str) -> usize {
    text.chars().filter(|sign| sign.is_alphabetic()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_known() {
        let names = ["Ann Lovelace", "ann.lovelace@example.com"];
        for common in [
            "password123",
            "Password2026!",
            "P@ssw0rd!!",
            "1q2w3e4r5t",
            "qwertyuiop",
            "QwertzuioP",
            "abcdefghijkl",
            "9876543210",
            "12341234123",
            "aaaaaaaaaaaa",
            "abababababab",
            "asdfghjklqwerty",
            "lovelace1815",
            "annlovelace",
            "ann.lovelace!",
            "ann.lovelace@example.com",
            "!!basketball99",
        ] {
            assert!(why_common(common, &names).is_some(), "{common}");
        }
        for good in [
            "correct horse",
            "long enough",
            "a first password",
            "lovelace and the engine",
            "tomato-crane-44",
            "x9$kQ2vLpw",
            "ünïcödé wörds",
        ] {
            assert_eq!(why_common(good, &names), None, "{good}");
        }
    }

    #[test]
    fn the_list_is_in_small_letters_and_sorted() {
        let lines: Vec<_> = include_str!("common.txt").lines().collect();
        assert!(lines.len() > 3000 && lines.is_sorted());
        assert!(
            lines
                .iter()
                .all(|line| *line == line.to_lowercase() && line.trim() == *line)
        );
    }
}
