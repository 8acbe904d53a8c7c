//! The way to destinations: pooled connections, no redirects, bounded answers, internal addresses refused.

mod nats;

use async_trait::async_trait;
use destinations::{Request, Response, Via};
use futures_util::future::BoxFuture;
use reqwest::{Client, dns, redirect};
use sources::{Call, Method, Reply, Web};
use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

/// Most of an answer that is read.
const LARGEST_ANSWER: usize = 64 << 10;

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address is internal and not allowed.
    #[error("{0}")]
    Blocked(String),
    /// Name lookup, connection, TLS or time-out.
    #[error("{0}")]
    Network(String),
}

/// Sends requests.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// One attempt: no retries, no redirects, at most `timeout` in all.
    async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, TransportError>;
}

/// Internal networks that may be reached nevertheless, as CIDR blocks.
#[derive(Debug, Clone, Default)]
pub struct AllowedNetworks(Vec<(IpAddr, u8)>);

impl FromStr for AllowedNetworks {
    type Err = String;
    /// Blocks separated by commas: `10.0.0.0/8,127.0.0.1/32`.
    fn from_str(text: &str) -> Result<Self, String> {
        let block = |text: &str| {
            let (address, bits) = text.split_once('/').unwrap_or((text, ""));
            let address: IpAddr = address
                .parse()
                .map_err(|_| format!("{text:?} is not a network such as 10.0.0.0/8"))?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = if bits.is_empty() {
                Ok(longest)
            } else {
                bits.parse()
            };
            bits.ok()
                .filter(|bits| *bits <= longest)
                .map(|bits| (address, bits))
                .ok_or_else(|| format!("{text:?} is not a network such as 10.0.0.0/8"))
        };
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(block)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl AllowedNetworks {
    /// Whether `address` may be reached: a public one, or one in an allowed block.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !is_internal(address) || self.0.iter().any(|block| contains(*block, address))
    }
}

fn contains((network, bits): (IpAddr, u8), address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u8| bits == 0 || (a ^ b) >> (width - bits) == 0;
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            same(network.to_bits().into(), address.to_bits().into(), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            same(network.to_bits(), address.to_bits(), 128)
        }
        _ => false,
    }
}

/// Addresses that are not on the public Internet. Source: IANA special-purpose address registries.
fn is_internal(address: IpAddr) -> bool {
    const V4: [(u32, u8); 14] = [
        (0x0000_0000, 8),  // this network
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10), // carrier-grade NAT
        (0x7f00_0000, 8),  // loopback
        (0xa9fe_0000, 16), // link local, cloud metadata
        (0xac10_0000, 12), // private
        (0xc000_0000, 24), // protocol assignments
        (0xc000_0200, 24), // documentation
        (0xc0a8_0000, 16), // private
        (0xc612_0000, 15), // benchmarking
        (0xc633_6400, 24), // documentation
        (0xcb00_7100, 24), // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, broadcast
    ];
    match address {
        IpAddr::V4(address) => V4
            .iter()
            .any(|(network, bits)| (address.to_bits() ^ network) >> (32 - bits) == 0),
        // Only global unicast is public, less documentation, Teredo and 6to4, which embed IPv4 addresses.
        IpAddr::V6(address) => {
            let segments = address.segments();
            segments[0] & 0xe000 != 0x2000
                || segments[0] == 0x2002
                || (segments[0] == 0x2001 && (segments[1] == 0 || segments[1] == 0xdb8))
        }
    }
}

struct GuardedResolver(AllowedNetworks);

impl dns::Resolve for GuardedResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let allowed = self.0.clone();
        let resolving: BoxFuture<'static, _> = Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| allowed.admits(address.ip()))
                .collect();
            if public.is_empty() {
                let error = if found.is_empty() {
                    format!("{host} has no address")
                } else {
                    format!("{BLOCKED}{host} resolves to {}", found[0].ip())
                };
                return Err(error.into());
            }
            Ok(Box::new(public.into_iter()) as dns::Addrs)
        });
        resolving
    }
}

/// Marks a resolver error as a refusal of ours.
const BLOCKED: &str = "internal address: ";

/// The network: HTTP with pooled connections, and NATS.
#[derive(Debug)]
pub struct NetworkTransport {
    client: Client,
    links: nats::Links,
    allowed: AllowedNetworks,
}

impl NetworkTransport {
    /// A transport that reaches public addresses and `allowed` ones.
    pub fn new(allowed: AllowedNetworks) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .dns_resolver(Arc::new(GuardedResolver(allowed.clone())))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("Tidings/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_mins(1))
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self {
            client,
            links: nats::Links::default(),
            allowed,
        })
    }

    /// A host that is an address never reaches the resolver.
    fn check_literal(&self, url: &reqwest::Url) -> Result<(), TransportError> {
        let host = url.host_str().unwrap_or_default();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match literal {
            Ok(address) if !self.allowed.admits(address) => Err(TransportError::Blocked(format!(
                "{address} is an internal address"
            ))),
            _ => Ok(()),
        }
    }
}

/// What went wrong, for people: the deepest cause says most.
fn explain(error: &reqwest::Error, timeout: Duration) -> TransportError {
    if error.is_timeout() {
        return TransportError::Network(format!("no answer within {} s", timeout.as_secs()));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    match text.split_once(BLOCKED) {
        Some((_, what)) => TransportError::Blocked(format!("{what}, an internal address")),
        None if error.is_connect() => TransportError::Network(format!("could not connect: {text}")),
        None => TransportError::Network(text),
    }
}

#[async_trait]
impl Transport for NetworkTransport {
    async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, TransportError> {
        match &request.via {
            Via::Http => self.post(request, timeout).await,
            Via::Nats(publication) => {
                let links = &self.links;
                links
                    .publish(&self.allowed, request, publication, timeout)
                    .await
            }
        }
    }
}

impl NetworkTransport {
    async fn post(&self, request: &Request, timeout: Duration) -> Result<Response, TransportError> {
        let url = reqwest::Url::parse(&request.url)
            .map_err(|error| TransportError::Network(format!("the URL cannot be used: {error}")))?;
        self.check_literal(&url)?;
        let mut sending = self
            .client
            .post(url)
            .timeout(timeout)
            .body(request.body.clone());
        for header in &request.headers {
            sending = sending.header(header.name, header.value.as_str());
        }
        let failed = |error: reqwest::Error| explain(&error.without_url(), timeout);
        let mut answer = sending.send().await.map_err(failed)?;
        let header = |name: &str| answer.headers().get(name)?.to_str().ok();
        let retry_after = header("retry-after").and_then(|text| pause(text, header("date")));
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while body.len() < LARGEST_ANSWER {
            match answer.chunk().await.map_err(failed)? {
                Some(chunk) => {
                    body.extend_from_slice(&chunk[..chunk.len().min(LARGEST_ANSWER - body.len())]);
                }
                None => break,
            }
        }
        Ok(Response {
            status,
            retry_after,
            body,
        })
    }
}

/// How long a `Retry-After` asks to wait: seconds, or until a date (RFC 9110, 10.2.3). A date counts from the answer's own
/// `Date`, because the other clock need not be ours; one that is past asks for nothing.
fn pause(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let sent = httpdate::parse_http_date(date?.trim()).ok()?;
    until.duration_since(sent).ok()
}

/// Most of a store's answer that is read: a page of twenty signed transactions takes some hundred kilobytes.
const LARGEST_STORE_ANSWER: usize = 8 << 20;
/// How long a store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(20);

#[async_trait]
impl Web for NetworkTransport {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let url = reqwest::Url::parse(&call.url)
            .map_err(|error| format!("the URL cannot be used: {error}"))?;
        self.check_literal(&url)
            .map_err(|error| error.to_string())?;
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut sending = self
            .client
            .request(method, url)
            .timeout(STORE_TIMEOUT)
            .body(call.body.clone());
        for (name, value) in &call.headers {
            sending = sending.header(*name, value.as_str());
        }
        let failed =
            |error: reqwest::Error| explain(&error.without_url(), STORE_TIMEOUT).to_string();
        let mut answer = sending.send().await.map_err(failed)?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let mut reply = Reply {
            status: answer.status().as_u16(),
            retry_after: header("retry-after"),
            cache_control: header("cache-control"),
            body: Vec::new(),
        };
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if reply.body.len() + chunk.len() > LARGEST_STORE_ANSWER {
                return Err(format!("the answer exceeds {LARGEST_STORE_ANSWER} bytes"));
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date_of_the_other_clock() {
        let sent = Some("Fri, 15 Jan 2027 08:00:00 GMT");
        for (asked, date, expected) in [
            ("120", None, Some(120)),
            (" 120 ", sent, Some(120)),
            ("0", sent, Some(0)),
            ("Fri, 15 Jan 2027 08:01:30 GMT", sent, Some(90)),
            ("Friday, 15-Jan-27 08:01:30 GMT", sent, Some(90)),
            ("Fri, 15 Jan 2027 08:00:00 GMT", sent, Some(0)),
            ("Fri, 15 Jan 2027 07:59:59 GMT", sent, None),
            ("Fri, 15 Jan 2027 08:01:30 GMT", None, None),
            ("Fri, 15 Jan 2027 08:01:30 GMT", Some("today"), None),
            ("soon", sent, None),
            ("-1", sent, None),
        ] {
            let pause = pause(asked, date);
            assert_eq!(
                pause.map(|pause| pause.as_secs()),
                expected,
                "{asked} {date:?}"
            );
        }
    }

    #[test]
    fn internal_addresses_are_refused_unless_allowed() {
        let none = AllowedNetworks::default();
        for internal in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert!(!none.admits(internal.parse().unwrap()), "{internal}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(none.admits(public.parse().unwrap()), "{public}");
        }
        let some: AllowedNetworks = "10.0.0.0/8, ::1/128".parse().unwrap();
        assert!(some.admits("10.9.9.9".parse().unwrap()) && some.admits("::1".parse().unwrap()));
        assert!(!some.admits("127.0.0.1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<AllowedNetworks>().is_err());
        assert!("ten".parse::<AllowedNetworks>().is_err());
    }
}
