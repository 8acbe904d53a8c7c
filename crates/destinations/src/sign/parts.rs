//! What both signatures are made of.

use aws_lc_rs::hmac;

/// Host (with its port, where it has one), path, and query of a URL, as they are sent.
pub(super) fn parts(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    match place.find('/') {
        Some(at) => {
            let (host, path) = place.split_at(at);
            (host, path, query)
        }
        None => (place, "/", query),
    }
}

/// The names of a query with their values, as they are written.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

pub(super) fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}
