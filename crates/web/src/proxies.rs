//! Where a request comes from, and how: the other end of its connection, or what a trusted proxy says of it.

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};
use engine::Networks;
use guarded::Guarded;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// In which proxies tell for whom they ask, the nearest last.
const FORWARDED: &str = "x-forwarded-for";

/// In which they tell how they were asked.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Proxies that are believed.
#[derive(Debug, Default)]
pub struct Proxies {
    trusted: Networks,
    /// Whether it was said that one who is not believed says something.
    is_told: Guarded<bool>,
}

impl Proxies {
    /// Those in these networks.
    pub fn new(trusted: Networks) -> Self {
        Self {
            trusted,
            is_told: Guarded::default(),
        }
    }

    /// The address of whoever asks; `None` where there is no connection. Only who is trusted says for whom it asks, and so back along a row of
    /// proxies until one that is not: what stands before it was written by anybody.
    pub fn asker(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        let peer = peer.ip().to_canonical();
        let lines = headers.get_all(FORWARDED).iter();
        let told = lines.flat_map(|line| line.as_bytes().split(|sign| *sign == b','));
        let told: Vec<_> = told.collect();
        if !told.is_empty() && !self.trusted.contain(peer) {
            self.tell_once(peer);
        }
        let mut asker = peer;
        for told in told.into_iter().rev() {
            if !self.trusted.contain(asker) {
                break;
            }
            // What somebody wrote before the proxy did need not be text.
            match str::from_utf8(told).ok().map(str::trim).and_then(address) {
                Some(before) => asker = before,
                None => break,
            }
        }
        Some(asker)
    }

    /// The network that whoever connects is counted with; `None` where it is one of them, each of whose connections may be anybody's.
    pub fn network_of(&self, peer: IpAddr) -> Option<IpAddr> {
        (!self.trusted.contain(peer)).then(|| network(peer))
    }

    /// Whether whoever asks does so over HTTPS, as a trusted proxy says. Our own sockets are plain.
    pub(crate) fn is_encrypted(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let is_trusted = peer.is_some_and(|peer| self.trusted.contain(peer.ip().to_canonical()));
        let lines = headers.get_all(FORWARDED_PROTO).iter();
        let told = lines.flat_map(|line| line.as_bytes().split(|sign| *sign == b','));
        // The nearest wrote the last one.
        let last = told.last().map(<[u8]>::trim_ascii);
        is_trusted && last.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
    }

    fn tell_once(&self, peer: IpAddr) {
        let mut is_told = self.is_told.lock();
        if !*is_told {
            *is_told = true;
            tracing::warn!(
                %peer,
                "a request came with X-Forwarded-For, and from none of the --trusted-proxies: everybody behind that proxy counts as one address"
            );
        }
    }
}

/// One who has a /64 has all of it.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(network).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.trim_start_matches('[').trim_end_matches(']');
    let address = plain.parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|with| with.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies = Proxies::new("10.0.0.0/8, fd00::/8".parse().unwrap());
        let none = Proxies::default();
        for (peer, told, asker) in [
            ("10.0.0.1:9", &["203.0.113.7"][..], "203.0.113.7"),
            ("10.0.0.1:9", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1:9", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("[fd00::1]:9", &["2001:db8::7"], "2001:db8::7"),
            ("[::ffff:10.0.0.1]:9", &["203.0.113.7"], "203.0.113.7"),
            // Whoever asks wrote the first one.
            ("10.0.0.1:9", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            (
                "10.0.0.1:9",
                &["198.51.100.1", "203.0.113.7"],
                "203.0.113.7",
            ),
            (
                "10.0.0.1:9",
                &["10.9.9.9, 203.0.113.7, 10.0.0.2"],
                "203.0.113.7",
            ),
            ("203.0.113.7:9", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1:9", &["unknown"], "10.0.0.1"),
            ("10.0.0.1:9", &["\u{ff}, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1:9", &["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1:9", &[], "10.0.0.1"),
        ] {
            let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
            extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
            for told in told {
                headers.append(FORWARDED, HeaderValue::from_bytes(told.as_bytes()).unwrap());
            }
            let found = proxies.asker(&extensions, &headers).unwrap();
            assert_eq!(found.to_string(), asker, "{peer} {told:?}");
            let peer: SocketAddr = peer.parse().unwrap();
            let unbelieved = none.asker(&extensions, &headers);
            assert_eq!(unbelieved, Some(peer.ip().to_canonical()));
        }
        assert_eq!(proxies.asker(&Extensions::new(), &HeaderMap::new()), None);
    }

    #[test]
    fn only_a_trusted_proxy_says_that_it_was_asked_over_https() {
        let proxies = Proxies::new("10.0.0.0/8".parse().unwrap());
        for (peer, told, is_encrypted) in [
            ("10.0.0.1:9", &["https"][..], true),
            ("10.0.0.1:9", &["HTTPS"], true),
            ("10.0.0.1:9", &["http"], false),
            ("10.0.0.1:9", &["http, https"], true),
            // Whoever asks wrote the first one.
            ("10.0.0.1:9", &["https, http"], false),
            ("10.0.0.1:9", &["https", "http"], false),
            ("10.0.0.1:9", &["wss"], false),
            ("10.0.0.1:9", &[], false),
            ("203.0.113.7:9", &["https"], false),
        ] {
            let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
            extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
            for told in told {
                headers.append(FORWARDED_PROTO, HeaderValue::from_static(told));
            }
            let found = proxies.is_encrypted(&extensions, &headers);
            assert_eq!(found, is_encrypted, "{peer} {told:?}");
        }
        let headers = HeaderMap::new();
        assert!(!proxies.is_encrypted(&Extensions::new(), &headers));
    }
}
