//! Shared Key of Azure Storage: over the method, the standard headers, every `x-ms-` header, and the path with its query. Source: Microsoft,
//! "Authorize with Shared Key", version 2015-02-21 and later, read 2026-11.

use super::parts::{hmac_sha256, pairs, parts};
use crate::{Method, Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Standard headers that are signed, in this order; the length of the body stands third.
const STANDARD_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Adds `x-ms-date` and `authorization`; without effect where `key` is no base64.
pub(crate) fn sign(request: &mut Request, account: &str, key: &str, at: Timestamp) {
    let Ok(key) = STANDARD.decode(key) else {
        return;
    };
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let dated = std::mem::replace(request, Request::new(Method::Get, ""));
    let dated = dated.with_header("x-ms-date", date);
    let signature = STANDARD.encode(hmac_sha256(&key, &said(&dated, account)));
    let value = format!("SharedKey {account}:{signature}");
    *request = dated.with_secret_header("authorization", value);
}

fn said(request: &Request, account: &str) -> String {
    let method = request.verb();
    let headers: BTreeMap<_, _> = request
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.trim()))
        .collect();
    let length = match request.body.len() {
        0 => String::new(),
        length => length.to_string(),
    };
    let standard = STANDARD_HEADERS.map(|name| match name {
        "content-length" => length.as_str(),
        _ => headers.get(name).copied().unwrap_or_default(),
    });
    let own: String = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let (_, path, query) = parts(&request.url);
    let mut query: Vec<_> = pairs(query).collect();
    query.sort_unstable();
    let query: String = query
        .iter()
        .map(|(name, value)| format!("\n{}:{value}", name.to_ascii_lowercase()))
        .collect();
    let standard = standard.join("\n");
    format!("{method}\n{standard}\n{own}/{account}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: Microsoft, "Authorize with Shared Key", "Constructing the signature string": the line of a `GET` of a container's metadata.
    #[test]
    fn what_is_signed_is_laid_out_as_documented() {
        let request = Request::new(
            Method::Get,
            "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata",
        )
        .with_header("x-ms-version", "2015-02-21")
        .with_header("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT");
        assert_eq!(
            said(&request, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container"
        );
    }

    /// The same signature was made by Microsoft's own `azure-storage-blob` for Python, and by openssl from the documented layout.
    #[test]
    fn a_blob_is_signed_as_the_library_of_microsoft_signs_it() {
        let url =
            "https://acct.blob.core.windows.net/events/tidings/v1/date%3D2026-01-01/a%20b.csv";
        let mut request = Request::new(Method::Put, url)
            .with_body("text/csv", b"id,kind\n".to_vec())
            .with_header("x-ms-blob-type", "BlockBlob")
            .with_header("x-ms-version", "2023-11-03");
        let key = STANDARD.encode("s3cr3t-value");
        let at = "2026-01-01T10:00:02Z".parse().unwrap();
        sign(&mut request, "acct", &key, at);
        let signed = request.headers.last().unwrap();
        assert_eq!(
            signed.value,
            "SharedKey acct:/m+m/AHLopUBEe7QUeMZgHEefZkf7/+EqDzNfzGSbgk="
        );
        assert!(signed.secret);
    }
}
