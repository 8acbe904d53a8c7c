//! Where a form comes from.

use axum::http::HeaderMap;

/// A form must come from a page of ours. Browsers say so in `Sec-Fetch-Site`; older ones in `Origin`: the host that was asked, reached as people
/// reach this server, so that a page over HTTP, which anybody in between can write, is not taken for one over HTTPS.
pub fn is_from_our_page(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => site == "same-origin",
        (None, Some(origin), Some(host)) => {
            let scheme = public_url.split_once("://").map(|(scheme, _)| scheme);
            origin
                .split_once("://")
                .is_some_and(|(of, origin)| Some(of) == scheme && origin == host)
        }
        _ => false,
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
        headers.iter().map(named).collect()
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let (plain, guarded) = ("http://a:1", "https://a");
        type Headers = &'static [(&'static str, &'static str)];
        let rows: [(Headers, &str, bool); 8] = [
            (&[("sec-fetch-site", "same-origin")], plain, true),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://a:1"),
                    ("host", "a:1"),
                ],
                plain,
                false,
            ),
            (&[("origin", "http://a:1"), ("host", "a:1")], plain, true),
            (&[("origin", "http://evil"), ("host", "a:1")], plain, false),
            (&[("origin", "null"), ("host", "a:1")], plain, false),
            (&[("origin", "https://a"), ("host", "a")], guarded, true),
            // Of the same name, and written by anybody in between.
            (&[("origin", "http://a"), ("host", "a")], guarded, false),
            (&[], plain, false),
        ];
        for (headers, public_url, is_ours) in rows {
            let found = is_from_our_page(&request(headers), public_url);
            assert_eq!(found, is_ours, "{headers:?} {public_url}");
        }
    }
}
