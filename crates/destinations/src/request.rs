//! What is sent, how it travels, and what comes back.

use crate::{
    encode, grant::Grant, mail::Mail, publication::Publication, record::Record, routed::Routed,
    table::Rows,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Headers, secret::Secret};
use std::{fmt, time::Duration};

/// A header of a request, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, lower-case in HTTP.
    pub name: &'static str,
    /// Value, sent verbatim.
    pub value: String,
    /// Whether it must not be shown.
    pub secret: bool,
}

/// What is asked of a resource. Source: RFC 9110, 9.3; RFC 5789.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

impl Method {
    /// Its name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// How a request travels.
#[derive(Clone, PartialEq, Eq)]
pub enum Via {
    /// Over HTTP.
    Http(Method),
    /// Published to a subject of NATS; the answer is what the stream says of it.
    Nats(Publication),
    /// Handed to a mail server; the answer is its reply.
    Mail(Mail),
    /// Stored in a table of a database; the answer is what that says.
    Rows(Rows),
    /// Published to an exchange of RabbitMQ; the answer is the broker's word.
    Routed(Routed),
    /// Put into a topic of Kafka; the answer is the broker's.
    Record(Record),
}

/// A request: over HTTP, or in another way.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// How it travels.
    pub via: Via,
    /// Where to, with its query.
    pub url: String,
    /// Whether all behind the host is a secret.
    pub secret_url: bool,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// Body.
    pub body: Vec<u8>,
    /// Texts in the URL or the body that must not be shown, wherever the request, or what is answered to it, is.
    pub redact: Vec<Secret>,
    /// The token that it needs, which whoever sends it asks for and keeps.
    pub grant: Option<Grant>,
    /// Certificate authorities, in PEM, that its host may be certified by, beside those that everybody trusts.
    pub authorities: Option<String>,
    /// Whether it would count twice if it came twice: then it goes once more only where nothing of it has gone before.
    pub counts_twice: bool,
}

/// What is compressed begins so. Source: RFC 1952, 2.3.1.
const GZIP: &[u8] = b"\x1f\x8b";
/// What stands for a text that must not be shown.
const MASK: &str = "***";

impl Request {
    /// A request without a body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            via: Via::Http(method),
            url: url.into(),
            secret_url: false,
            headers: Vec::new(),
            body: Vec::new(),
            redact: Vec::new(),
            grant: None,
            authorities: None,
            counts_twice: false,
        }
    }

    /// One that travels in another way than over HTTP. What its headers and its body stand for there, the way says.
    pub(crate) fn by(via: Via, url: impl Into<String>) -> Self {
        Self {
            via,
            ..Self::new(Method::Post, url)
        }
    }

    /// A `POST` of JSON to `url`.
    pub fn json(url: &str, body: Vec<u8>) -> Self {
        Self::new(Method::Post, url).with_body("application/json", body)
    }

    /// A `POST` of a form to `url`. Source: URL Living Standard, `application/x-www-form-urlencoded`.
    pub fn form<'a>(url: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let body = encode::pairs(fields).into_bytes();
        Self::new(Method::Post, url).with_body("application/x-www-form-urlencoded", body)
    }

    /// The same with another method.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.via = Via::Http(method);
        self
    }

    /// The same with a body of this media type.
    #[must_use]
    pub fn with_body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.with_header("content-type", media_type)
    }

    /// The same with more behind the `?` of its URL.
    #[must_use]
    pub fn with_query<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let query = encode::pairs(pairs);
        if !query.is_empty() {
            self.url
                .push(if self.url.contains('?') { '&' } else { '?' });
            self.url.push_str(&query);
        }
        self
    }

    /// The same with a header that may be shown.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            name,
            value: value.into(),
            secret: false,
        });
        self
    }

    /// The same with a header that must not be shown.
    #[must_use]
    pub fn with_secret_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            name,
            value: value.into(),
            secret: true,
        });
        self
    }

    /// The same with a bearer token. Source: RFC 6750, 2.1.
    #[must_use]
    pub fn with_bearer(self, token: &Secret) -> Self {
        let value = format!("Bearer {}", token.expose());
        self.redacting(token)
            .with_secret_header("authorization", value)
    }

    /// The same with a token that was given for its grant, where its way has a place for one.
    #[must_use]
    pub fn with_token(mut self, token: &Secret) -> Self {
        match &mut self.via {
            Via::Mail(Mail {
                login: Some(login), ..
            }) => login.secret = token.clone(),
            Via::Record(Record {
                login: Some(sasl), ..
            }) => sasl.password = token.clone(),
            _ => return self.with_bearer(token),
        }
        self.redacting(token)
    }

    /// Whether an answer says that its token counts no longer. Source: RFC 9110, 15.5.2; RFC 4954, section 6; Kafka, "Error codes".
    pub const fn is_token_refused(&self, response: &Response) -> bool {
        response.status
            == match self.via {
                Via::Mail(_) => 535,
                Via::Record(_) => 58,
                Via::Http(_) | Via::Nats(_) | Via::Rows(_) | Via::Routed(_) => 401,
            }
    }

    /// The same with a user name and password. Source: RFC 7617.
    #[must_use]
    pub fn with_basic(self, user: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.redacting(&Secret::new(&pair))
            .with_secret_header("authorization", format!("Basic {pair}"))
    }

    /// The same with a text that must not be shown, which its URL or its body holds, or what is answered may repeat.
    #[must_use]
    pub fn redacting(mut self, secret: &Secret) -> Self {
        if !secret.is_empty() && !self.redact.contains(secret) {
            self.redact.push(secret.clone());
        }
        self
    }

    /// The same where all behind the host of its URL is a secret.
    #[must_use]
    pub fn with_secret_url(mut self) -> Self {
        self.secret_url = true;
        let path = self.url.get(self.host_end()..).unwrap_or_default();
        // A slash alone is everybody's: without it nothing that is said of the request could be read.
        if path == "/" {
            return self;
        }
        let path = Secret::new(path);
        self.redacting(&path)
    }

    fn host_end(&self) -> usize {
        self.url.split_once("://").map_or(0, |(scheme, rest)| {
            scheme.len() + 3 + rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())
        })
    }

    /// The same with a token of this kind, fetched before it is sent.
    #[must_use]
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.grant = Some(grant);
        self
    }

    /// A text that has to do with this request, as people may see it: without what must not be shown, in whichever way that is written.
    pub fn concealed(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.redact {
            for written in writings(secret.expose()) {
                if shown.contains(&written) {
                    shown = shown.replace(&written, MASK);
                }
            }
        }
        shown
    }

    /// The URL as people may see it.
    pub fn shown_url(&self) -> String {
        if self.secret_url {
            let host = self.url.get(..self.host_end()).unwrap_or_default();
            return format!("{host}/{MASK}");
        }
        self.concealed(&self.url)
    }

    /// The body as people may see it: what is compressed is unpacked.
    pub fn shown_body(&self) -> String {
        let unpacked = encode::gunzip(&self.body);
        let body = unpacked.as_deref().unwrap_or(&self.body);
        self.concealed(&String::from_utf8_lossy(body))
    }

    /// How long its body is before it is compressed. Source: RFC 1952, 2.3.1, where the last four bytes say so.
    pub fn length(&self) -> usize {
        let said = self.body.strip_prefix(GZIP).and_then(<[u8]>::last_chunk);
        said.map_or(self.body.len(), |said: &[u8; 4]| {
            usize::try_from(u32::from_le_bytes(*said)).unwrap_or(usize::MAX)
        })
    }

    /// What is done with it, for people.
    pub const fn verb(&self) -> &'static str {
        match self.via {
            Via::Http(method) => method.id(),
            Via::Nats(_) => "PUB",
            Via::Mail(_) => "SMTP",
            Via::Rows(_) => "UPSERT",
            Via::Routed(_) => "PUBLISH",
            Via::Record(_) => "PRODUCE",
        }
    }

    /// The headers as people may see them.
    pub fn shown_headers(&self) -> Headers {
        let shown = |header: &Header| {
            if header.secret {
                MASK.to_owned()
            } else {
                self.concealed(&header.value)
            }
        };
        let headers = self.headers.iter();
        headers.map(|header| (header.name, shown(header))).collect()
    }
}

/// A secret as it may be written in a URL, in JSON, or as it is; the longest first.
fn writings(secret: &str) -> Vec<String> {
    let mut all = vec![
        secret.to_owned(),
        encode::percent(secret),
        serde_json::Value::from(secret).to_string(),
    ];
    if let Some(quoted) = all.last_mut() {
        *quoted = quoted.trim_matches('"').to_owned();
    }
    all.sort_by_key(|written| std::cmp::Reverse(written.len()));
    all.dedup();
    all
}

/// Headers of an answer that are kept: what says when to come again, where to, what the body is, and how to find the request in the logs of
/// whoever answered. Whatever may hold a secret, as cookies do, is not among them.
pub const KEPT_HEADERS: [&str; 21] = [
    "cf-ray",
    "content-type",
    "date",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "www-authenticate",
    "x-amz-request-id",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-clickhouse-exception-code",
    "x-correlation-id",
    "x-mp-rate-limit-exceeded",
    "x-ms-error-code",
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-retry-after",
    "x-request-id",
];

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.shown_url())
            .field("headers", &self.shown_headers())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code. Of a stream: 200 when it has stored the message, otherwise the code of its error; 503 when there is no stream. Of a mail server: the
    /// code of its reply. Of a broker of Kafka: the code of its error, or 0.
    pub status: u16,
    /// How long it asks to be left alone, where it says so in one of the headers that are read everywhere.
    pub retry_after: Option<Duration>,
    /// Those of its headers that are kept, with their names in lower case.
    pub headers: Headers,
    /// At most 64 KiB of the body.
    pub body: Vec<u8>,
    /// Why the body is not whole, where it broke off or did not end. What was read of the answer stands.
    pub unread: Option<String>,
}

impl Response {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The beginning of the body, for people.
    pub fn said(&self) -> String {
        let said = String::from_utf8_lossy(&self.body);
        said.trim().chars().take(300).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_none_of_the_ways_it_can_be_written() {
        let secret = Secret::new("k y/\"1");
        let body = serde_json::json!({ "api_key": secret.expose(), "event": "x" });
        let request = Request::json("https://a.example/in", body.to_string().into_bytes())
            .with_query([("key", secret.expose()), ("v", "1")])
            .with_header("x-mirror", secret.expose())
            .redacting(&secret);
        assert_eq!(request.shown_url(), "https://a.example/in?key=***&v=1");
        assert_eq!(request.shown_body(), r#"{"api_key":"***","event":"x"}"#);
        assert_eq!(request.shown_headers().first("x-mirror"), Some("***"));
        assert_eq!(request.concealed("bad key k y/\"1"), "bad key ***");
        let debug = format!("{request:?}");
        assert!(
            !debug.contains("k%20y") && !debug.contains("k y"),
            "{debug}"
        );
    }

    #[test]
    fn a_secret_url_without_a_path_hides_no_slash() {
        let said = "`--allow-networks integrations=127.0.0.1/32` opens it";
        for (url, shown) in [
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/***"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/***"),
        ] {
            let request = Request::new(Method::Post, url).with_secret_url();
            assert_eq!(request.concealed(said), said);
            assert_eq!(request.shown_url(), shown);
        }
        let request = Request::new(Method::Post, "http://127.0.0.1:9000/T/x").with_secret_url();
        assert_eq!(request.concealed("at /T/x"), "at ***");
    }

    #[test]
    fn a_query_goes_behind_what_a_url_has() {
        let request =
            Request::new(Method::Get, "https://a.example/in?x=1").with_query([("y", "2 3")]);
        assert_eq!(request.url, "https://a.example/in?x=1&y=2%203");
        assert_eq!(request.verb(), "GET");
        let form = Request::form("https://a.example/in", [("a", "1+1")]);
        assert_eq!(form.body, b"a=1%2B1");
    }
}
