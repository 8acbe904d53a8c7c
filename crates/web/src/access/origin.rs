//! Where a form comes from.

use crate::App;
use axum::http::{HeaderMap, request::Parts};

/// Whether a request was sent by a page of ours.
pub(super) fn is_from_our_page(app: &App, head: &Parts) -> bool {
    let gate = &app.gate;
    let ours = match gate.stated_url.as_deref() {
        Some(url) => Origin::of(url),
        None => asked(
            &head.headers,
            gate.proxies.is_encrypted(&head.extensions, &head.headers),
        ),
    };
    comes_from(&head.headers, ours.as_ref())
}

/// The place that was asked, as whoever asks sees it: for a server that was not told where people reach it.
fn asked(headers: &HeaderMap, is_encrypted: bool) -> Option<Origin> {
    let host = headers.get("host")?.to_str().ok()?;
    let scheme = if is_encrypted { "https" } else { "http" };
    Origin::of(&format!("{scheme}://{host}"))
}

/// A form must come from a page of ours. Browsers say so in `Sec-Fetch-Site`, wherever nobody in between can write that; others in `Origin`:
/// scheme, host and port are those of this server, so that neither a page over HTTP, which anybody in between can write, nor one of another
/// port is taken for ours. A page that hides where it comes from (`null`) is none.
///
/// Whoever says both has to mean the same by them: a browser whose page is of the same origin as what it asks names there what it asks, be it not the
/// name that this server was told.
fn comes_from(headers: &HeaderMap, ours: Option<&Origin>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // No browser says either twice: of two, one is somebody else's.
    let is_said_twice = |name: &str| headers.get_all(name).iter().nth(1).is_some();
    if is_said_twice("sec-fetch-site") || is_said_twice("origin") {
        return false;
    }
    match (text("sec-fetch-site"), headers.get("origin")) {
        (_, Some(origin)) if origin == "null" => false,
        (Some(site), None) => site == "same-origin",
        (Some(site), Some(origin)) => {
            let origin = origin.to_str().ok().and_then(Origin::of);
            let is_asked = |origin: &Origin| text("host").is_some_and(|host| origin.is_at(host));
            let is_here = |origin: Origin| Some(&origin) == ours || is_asked(&origin);
            site == "same-origin" && origin.is_some_and(is_here)
        }
        (None, Some(origin)) => {
            let origin = origin.to_str().ok().and_then(Origin::of);
            origin.is_some() && origin.as_ref() == ours
        }
        (None, None) => false,
    }
}

/// Scheme, host and port. Source: RFC 6454, section 4.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// That of a URL with nothing behind its port, or of what stands in `Origin`.
    fn of(url: &str) -> Option<Self> {
        let (scheme, place) = url.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        // The colons within an IPv6 address separate nothing.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, usual),
        };
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@']);
        is_host.then(|| Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// Whether it is what is asked at a host, with its port where that is not the usual one. Whether that is encrypted, a proxy may keep to itself.
    fn is_at(&self, host: &str) -> bool {
        Self::of(&format!("{}://{host}", self.scheme)).as_ref() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn request(headers: &'static [(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        let mut all = HeaderMap::new();
        for (name, value) in headers.iter().map(named) {
            all.append(name, value);
        }
        all
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        type Headers = &'static [(&'static str, &'static str)];
        let rows: [(Headers, &str, bool); 33] = [
            (&[("sec-fetch-site", "same-origin")], "http://a:1", true),
            (&[("sec-fetch-site", "same-site")], "http://a:1", false),
            (&[("sec-fetch-site", "none")], "http://a:1", false),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "http://a:1")],
                "http://a:1",
                false,
            ),
            (
                &[("sec-fetch-site", "same-origin"), ("origin", "null")],
                "http://a:1",
                false,
            ),
            // Both are said: of one who asks us, as we are called or by another name that leads here.
            (
                &[("sec-fetch-site", "same-origin"), ("origin", "http://a:1")],
                "http://a:1",
                true,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://b:1"),
                    ("host", "b:1"),
                ],
                "http://a:1",
                true,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://b"),
                    ("host", "b"),
                ],
                "http://b",
                true,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://evil"),
                    ("host", "a:1"),
                ],
                "http://a:1",
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://a:2"),
                    ("host", "a:1"),
                ],
                "http://a:1",
                false,
            ),
            (
                &[("sec-fetch-site", "same-origin"), ("origin", "http://evil")],
                "http://a:1",
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-site"),
                    ("origin", "http://a:1"),
                    ("host", "a:1"),
                ],
                "http://a:1",
                false,
            ),
            (&[("origin", "http://a:1")], "http://a:1", true),
            (&[("origin", "http://evil")], "http://a:1", false),
            (&[("origin", "null")], "http://a:1", false),
            (&[("origin", "http://a:2")], "http://a:1", false),
            (&[("origin", "http://a")], "http://a:1", false),
            (&[("origin", "https://a")], "https://a", true),
            (&[("origin", "https://a:443")], "https://a", true),
            (&[("origin", "https://a")], "https://a:443", true),
            (&[("origin", "HTTPS://A")], "https://a", true),
            // Of the same name, and written by anybody in between.
            (&[("origin", "http://a")], "https://a", false),
            (&[("origin", "http://a:443")], "https://a", false),
            (&[("origin", "https://a:80")], "http://a", false),
            (&[("origin", "ftp://a")], "ftp://a", false),
            (&[("origin", "https://a@b")], "https://a@b", false),
            (&[("origin", "https://a/")], "https://a", false),
            (
                &[("origin", "http://[::1]:8080")],
                "http://[::1]:8080",
                true,
            ),
            (&[("origin", "http://[::1]")], "http://[::1]:80", true),
            (
                &[("origin", "http://a:1"), ("origin", "http://evil")],
                "http://a:1",
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                ],
                "http://a:1",
                false,
            ),
            (&[("origin", "")], "http://a:1", false),
            (&[], "http://a:1", false),
        ];
        for (headers, ours, is_ours) in rows {
            let found = comes_from(&request(headers), Origin::of(ours).as_ref());
            assert_eq!(found, is_ours, "{headers:?} {ours}");
        }
    }

    #[test]
    fn what_was_asked_is_reached_as_a_proxy_says() {
        for (host, is_encrypted, asked_for) in [
            ("a:8080", false, "http://a:8080"),
            ("a", true, "https://a"),
            ("[::1]:8080", false, "http://[::1]:8080"),
        ] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("host"),
                HeaderValue::from_static(host),
            )]);
            let asked = asked(&headers, is_encrypted);
            assert!(asked.is_some() && asked == Origin::of(asked_for), "{host}");
        }
        assert_eq!(asked(&HeaderMap::new(), true), None);
    }
}
