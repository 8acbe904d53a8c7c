//! A message as it is handed to a mail server.

use super::line;
use crate::Request;
use base64::{Engine, engine::general_purpose::STANDARD};
use lettre::message::{
    Body, Mailboxes,
    header::{self, HeaderName, HeaderValue},
};

/// How long a line of addresses becomes. Source: RFC 5322, section 2.1.1: better no longer than 78.
const LINE: usize = 70;
/// Bytes of a name in an encoded word: its 75 letters are 12 around it, and four for three of these.
const WORD: usize = 45;

/// The message as it is handed in: its headers and its text, encoded. Source: RFC 2045, RFC 2047.
///
/// # Errors
///
/// When a header has a name that there cannot be, or names nobody.
pub fn written(request: &Request) -> Result<Vec<u8>, String> {
    let mut headers = header::Headers::new();
    for header in &request.headers {
        let name = HeaderName::new_from_ascii(capitalised(header.name))
            .map_err(|_| format!("{:?} is no header", header.name))?;
        let value = line(&header.value);
        headers.insert_raw(match header.name {
            "from" | "to" => {
                let named = addresses(&value)?;
                HeaderValue::dangerous_new_pre_encoded(name, value, named)
            }
            _ => HeaderValue::new(name, value),
        });
    }
    let body = Body::new(String::from_utf8_lossy(&request.body).into_owned());
    headers.set(header::MIME_VERSION_1_0);
    headers.set(body.encoding());
    let mut all = headers.to_string().into_bytes();
    all.extend(b"\r\n");
    all.extend(body.into_vec());
    Ok(all)
}

/// Mailboxes as they are written in headers. Names are encoded apart from their addresses, and without the quotes around them.
fn addresses(text: &str) -> Result<String, String> {
    let all: Mailboxes = text.parse().map_err(|_| format!("{text:?} names nobody"))?;
    let mut written = String::new();
    let mut column = 0;
    for mailbox in all {
        let one = match &mailbox.name {
            Some(name) if !name.is_ascii() => format!("{} <{}>", encoded(name), mailbox.email),
            _ => mailbox.to_string(),
        };
        if !written.is_empty() {
            written.push(',');
            let is_long = column + one.len() > LINE;
            written.push_str(if is_long { "\r\n " } else { " " });
            column = if is_long { 0 } else { column };
        }
        column += one.len() + 2;
        written.push_str(&one);
    }
    Ok(written)
}

/// A name in encoded words. Source: RFC 2047, section 2: each has at most 75 letters, and no character is divided.
fn encoded(name: &str) -> String {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        let is_full = words
            .last()
            .is_none_or(|word| word.len() + letter.len_utf8() > WORD);
        if is_full {
            words.push(String::new());
        }
        words.last_mut().expect("there is one").push(letter);
    }
    let words = words.iter();
    let words: Vec<_> = words
        .map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word)))
        .collect();
    words.join("\r\n ")
}

/// `message-id` as `Message-Id`.
fn capitalised(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    };
    let parts: Vec<String> = name.split('-').map(part).collect();
    parts.join("-")
}
