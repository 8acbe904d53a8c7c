//! Whether a vendor was asked as it wants to be.

use super::answers::Asks;
use axum::http::{HeaderMap, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// A request to a vendor.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// The vendor's own path.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What is wrong with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its key.
    Key,
    /// Anything else.
    Form(String),
}

impl Asked<'_> {
    /// Whether it is one that a vendor takes, whose key is `key`.
    pub(super) fn check(&self, asks: &Asks, key: &str) -> Result<(), Wrong> {
        let method = self.method.as_str();
        if !asks.methods.iter().any(|wanted| wanted == method) {
            return Err(Wrong::Form(format!("{method} is not {:?}", asks.methods)));
        }
        self.check_form(asks.media.as_deref())
            .map_err(Wrong::Form)?;
        match &asks.key {
            Some(place) if !self.carries(place, key) => Err(Wrong::Key),
            _ => Ok(()),
        }
    }

    fn check_form(&self, wanted: Option<&str>) -> Result<(), String> {
        let body = std::str::from_utf8(self.body).map_err(|_| "the body is no text".to_owned())?;
        let Some(wanted) = wanted else {
            return match body {
                "" => pairs(self.query),
                _ => Err("there is a body".into()),
            };
        };
        let said = self.header(header::CONTENT_TYPE.as_str());
        let media_type = said.split(';').next().unwrap_or_default().trim();
        if media_type != wanted {
            return Err(format!("{media_type:?} is not {wanted}"));
        }
        match wanted {
            "application/x-www-form-urlencoded" => pairs(body),
            "application/x-ndjson" => body.lines().try_for_each(json),
            _ => json(body),
        }
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whether the key stands where it should.
    fn carries(&self, place: &str, key: &str) -> bool {
        match place.split_once(' ').unwrap_or((place, "")) {
            ("header", name) => is_credential(self.header(name), key),
            ("query", name) => self.query.split('&').any(|pair| {
                let pair = pair.split_once('=');
                pair == Some((name, key))
            }),
            ("body", pointer) => {
                let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
                body.pointer(pointer).and_then(Value::as_str) == Some(key)
            }
            ("path", _) => self.path.split('/').any(|part| part.ends_with(key)),
            _ => false,
        }
    }
}

/// An object or a list in JSON.
fn json(text: &str) -> Result<(), String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(_) | Value::Array(_)) => Ok(()),
        Ok(_) => Err("it is neither an object nor a list".into()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// Pairs of names and values, percent-encoded. Source: URL Living Standard, `application/x-www-form-urlencoded`.
fn pairs(text: &str) -> Result<(), String> {
    let is_whole = |pair: &str| {
        pair.contains('=')
            && !pair.contains(char::is_whitespace)
            && pair
                .split('%')
                .skip(1)
                .all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
    };
    match text.split('&').find(|pair| !is_whole(pair)) {
        None => Ok(()),
        Some(pair) => Err(format!("{pair:?} is no name and value")),
    }
}

/// Whether a header is the key: by itself, behind a word, as the name or the password of a pair, or as the key that a request is signed with.
/// Source: RFC 6750, 2.1; RFC 7617; AWS, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
fn is_credential(header: &str, key: &str) -> bool {
    let Some((scheme, rest)) = header.split_once(' ') else {
        return header == key;
    };
    match scheme {
        "Basic" => {}
        "AWS4-HMAC-SHA256" => {
            let signed = rest.strip_prefix("Credential=");
            return signed.and_then(|rest| rest.split('/').next()) == Some(key);
        }
        _ => return rest == key,
    }
    let pair = STANDARD.decode(rest).unwrap_or_default();
    let pair = String::from_utf8_lossy(&pair);
    let (name, password) = pair.split_once(':').unwrap_or_default();
    name == key || password == key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source of the pair: RFC 7617, section 2, "Aladdin" with "open sesame".
    #[test]
    fn a_key_is_known_wherever_vendors_want_it() {
        for (header, key, expected) in [
            ("Bearer k1", "k1", true),
            ("Klaviyo-API-Key k1", "k1", true),
            ("k1", "k1", true),
            ("k12", "k1", false),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open sesame", true),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", true),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open", false),
            (
                "AWS4-HMAC-SHA256 Credential=k1/20130524/us-east-1/s3/aws4_request, SignedHeaders=host",
                "k1",
                true,
            ),
            (
                "AWS4-HMAC-SHA256 Credential=k12/20130524/us-east-1/s3/aws4_request, SignedHeaders=host",
                "k1",
                false,
            ),
            ("", "k1", false),
        ] {
            assert_eq!(is_credential(header, key), expected, "{header} {key}");
        }
    }

    #[test]
    fn pairs_are_told_from_anything_else() {
        for (text, expected) in [
            ("a=1&b=%20x", true),
            ("a=", true),
            ("a", false),
            ("", false),
            ("a=1&&b=2", false),
            ("a=%2", false),
            ("a=1 2", false),
        ] {
            assert_eq!(pairs(text).is_ok(), expected, "{text}");
        }
    }
}
