//! Base 32, as authenticator apps read secrets and people read codes. Source: RFC 4648, section 6.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let group = u64::from_be_bytes(group);
        let signs = (chunk.len() * 8).div_ceil(5);
        text.extend((0..signs).map(|sign| {
            let five = group >> (35 - 5 * sign) & 31;
            char::from(ALPHABET[usize::try_from(five).unwrap_or_default()])
        }));
    }
    text
}

/// In groups of four, as people copy it.
pub(super) fn grouped(bytes: &[u8]) -> String {
    let signs: Vec<_> = encode(bytes).chars().collect();
    let groups: Vec<String> = signs
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}

/// A code as somebody typed it, as it was shown but for groups and size of letters.
pub(super) fn plain(typed: &str) -> String {
    let signs = typed.chars().filter(char::is_ascii_alphanumeric);
    signs.map(|sign| sign.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn bytes_are_written_as_the_standard_has_them() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
        }
        assert_eq!(grouped(b"foobarfoob"), "MZXW-6YTB-OJTG-633C");
        assert_eq!(plain(" mzxw-6ytb ojtg-633c"), "MZXW6YTBOJTG633C");
    }
}
