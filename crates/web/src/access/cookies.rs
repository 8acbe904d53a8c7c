//! Cookies, which browsers guard where people reach the server over HTTPS: one of another name is not taken there, because anybody who gets between
//! once, or has a host beside ours, can set it.
//!
//! Cookies are those of a host, whatever its port. So the port is part of a cookie's name, where it is not the usual one: signing in at one port of
//! `localhost` ends no session at another.

use axum::http::{HeaderMap, header};
use cookie::{Cookie, SameSite};
use jiff::SignedDuration;

/// A cookie of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Over plain HTTP.
    plain: &'static str,
    /// Over HTTPS: the browser takes it from this host only, over HTTPS only, and sends it nowhere else.
    guarded: &'static str,
    same_site: SameSite,
}

/// Keeps a session. It comes along when a link leads to us.
pub(crate) const SESSION: Kept = Kept {
    plain: "tidings_session",
    guarded: "__Host-tidings_session",
    same_site: SameSite::Lax,
};

/// Says that somebody signed in in this browser before.
pub(crate) const KNOWN: Kept = Kept {
    plain: "tidings_known",
    guarded: "__Host-tidings_known",
    same_site: SameSite::Strict,
};

fn is_guarded(public_url: &str) -> bool {
    public_url.starts_with("https://")
}

/// The port of an address, where it is said.
fn port(public_url: &str) -> Option<u16> {
    let (_, place) = public_url.split_once("://")?;
    let (_, port) = place.split('/').next()?.rsplit_once(':')?;
    port.parse().ok()
}

impl Kept {
    /// What it is called where people reach the server under this address.
    pub(crate) fn name(self, public_url: &str) -> String {
        let (name, usual) = if is_guarded(public_url) {
            (self.guarded, 443)
        } else {
            (self.plain, 80)
        };
        match port(public_url).filter(|port| *port != usual) {
            Some(port) => format!("{name}_{port}"),
            None => name.to_owned(),
        }
    }

    /// What stands in it.
    pub(super) fn find(self, headers: &HeaderMap, public_url: &str) -> Option<String> {
        let name = self.name(public_url);
        let lines = headers.get_all(header::COOKIE).iter();
        let lines = lines.filter_map(|value| value.to_str().ok());
        let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
        let found = cookies.find(|cookie| cookie.name() == name)?;
        Some(found.value().to_owned())
    }

    /// The header that sets it.
    pub(super) fn set(self, public_url: &str, value: &str, lasts: SignedDuration) -> String {
        Cookie::build((self.name(public_url), value))
            .path("/")
            .http_only(true)
            .same_site(self.same_site)
            .secure(is_guarded(public_url))
            .max_age(cookie::time::Duration::seconds(lasts.as_secs()))
            .build()
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn found(cookies: &'static str, public_url: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static(cookies));
        SESSION.find(&headers, public_url)
    }

    const OPEN: &str = "http://tidings.example";
    const GUARDED: &str = "https://tidings.example";

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let session = found("a=1; tidings_session=abc; b=2", OPEN);
        assert_eq!(session.as_deref(), Some("abc"));
        assert_eq!(found("xtidings_session=abc", OPEN), None);
    }

    #[test]
    fn a_cookie_that_cannot_be_read_hides_no_other() {
        let session = found("=; broken; tidings_session=abc", OPEN);
        assert_eq!(session.as_deref(), Some("abc"));
    }

    #[test]
    fn servers_at_ports_of_one_host_keep_their_own() {
        for (public_url, name) in [
            ("http://localhost:8080", "tidings_session_8080"),
            ("http://[::1]:8081", "tidings_session_8081"),
            ("http://localhost:80", "tidings_session"),
            ("http://[::1]", "tidings_session"),
            ("https://localhost:8443", "__Host-tidings_session_8443"),
            ("https://tidings.example:443", "__Host-tidings_session"),
            ("https://tidings.example", "__Host-tidings_session"),
        ] {
            assert_eq!(SESSION.name(public_url), name, "{public_url}");
        }
        let both = "tidings_session_8080=abc; tidings_session_8081=def; tidings_session=old";
        let session = found(both, "http://localhost:8081");
        assert_eq!(session.as_deref(), Some("def"));
        let set = SESSION.set(
            "http://localhost:8081",
            "def",
            SignedDuration::from_secs(60),
        );
        assert!(set.starts_with("tidings_session_8081=def; "), "{set}");
    }

    #[test]
    fn over_https_only_the_guarded_one_is_taken() {
        assert_eq!(found("tidings_session=abc", GUARDED), None);
        assert_eq!(found("__Secure-tidings_session=abc", GUARDED), None);
        let both = "tidings_session=abc; __Host-tidings_session=def";
        assert_eq!(found(both, GUARDED).as_deref(), Some("def"));
        assert_eq!(found("__Host-tidings_session=def", OPEN), None);
        let set = SESSION.set(GUARDED, "def", SignedDuration::from_secs(60));
        assert_eq!(
            set,
            "__Host-tidings_session=def; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
    }
}
