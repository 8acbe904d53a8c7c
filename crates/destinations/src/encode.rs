//! Encodings of what is sent, each in one place.

use aws_lc_rs::digest::{SHA256, digest};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use std::io::{Read as _, Write as _};

/// More than any file of ours holds.
const LARGEST_UNPACKED: u64 = 128 << 20;

/// Everything but what is unreserved is percent-encoded: a segment of a path, a name or a value of a query. Source: RFC 3986, 2.3.
pub(crate) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
            encoded.extend([digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

/// Names with their values, as a query or a form has them: `a=1&b=x%20y`. Readers of forms take `%20` for the space that `+` is as well.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encoded = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    encoded.collect::<Vec<_>>().join("&")
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// The SHA-256 digest of a text or of bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(digest(&SHA256, bytes.as_ref()).as_ref())
}

/// Bytes compressed with gzip, without the moment or the machine: the same bytes give the same.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes);
    written.expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// What was compressed so; `None` where it was not.
pub(crate) fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    // Source: RFC 1952, 2.3.1: the first two bytes, and the only method there is.
    let packed = bytes.starts_with(&[0x1f, 0x8b, 8]).then_some(bytes)?;
    let mut unpacked = Vec::new();
    let mut decoder = GzDecoder::new(packed).take(LARGEST_UNPACKED);
    decoder.read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_unreserved_is_encoded() {
        assert_eq!(percent("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(percent("a b/c+é&="), "a%20b%2Fc%2B%C3%A9%26%3D");
        assert_eq!(pairs([("q", "1 2"), ("w&", "=")]), "q=1%202&w%26=%3D");
    }

    /// Source: FIPS 180-4, the example of a message of one block.
    #[test]
    fn digests_are_of_the_text_as_it_is() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
    }
}
