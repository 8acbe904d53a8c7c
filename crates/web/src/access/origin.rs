//! Where a form comes from.

use axum::http::HeaderMap;

/// A form must come from a page of ours. Browsers say so in `Sec-Fetch-Site`; older ones in `Origin`.
pub fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin == host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn request(headers: &[(&'static str, &'static str)]) -> HeaderMap {
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
        assert!(is_from_our_page(&request(&[(
            "sec-fetch-site",
            "same-origin"
        )])));
        assert!(!is_from_our_page(&request(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://a"),
            ("host", "a")
        ])));
        assert!(is_from_our_page(&request(&[
            ("origin", "http://a:1"),
            ("host", "a:1")
        ])));
        assert!(!is_from_our_page(&request(&[
            ("origin", "http://evil"),
            ("host", "a:1")
        ])));
        assert!(!is_from_our_page(&request(&[])));
    }
}
