//! The way over HTTP: pooled connections, no redirects, bounded answers, and no internal address, however a name resolves.

use super::{AllowedNetworks, LARGEST_ANSWER, TransportError};
use destinations::{KEPT_HEADERS, Request, Response};
use futures_util::future::BoxFuture;
use reqwest::{Client, Url, dns, header::HeaderMap, redirect};
use sources::{Call, Method, Reply};
use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Most of a store's answer that is read: a page of twenty signed transactions takes some hundred kilobytes.
const LARGEST_STORE_ANSWER: usize = 8 << 20;
/// How long a store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(20);

/// A pool of connections.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    allowed: AllowedNetworks,
}

impl Http {
    /// One that reaches public addresses and `allowed` ones.
    pub(super) fn new(allowed: AllowedNetworks) -> Result<Self, reqwest::Error> {
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
        Ok(Self { client, allowed })
    }

    /// Posts to a destination.
    pub(super) async fn post(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let url = self.checked(&request.url)?;
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
        let headers = kept(answer.headers());
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
            retry_after: None,
            headers,
            body,
        })
    }

    /// Calls a store.
    pub(super) async fn call(&self, call: &Call) -> Result<Reply, String> {
        let url = self.checked(&call.url).map_err(|error| error.to_string())?;
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

    /// A URL that may be asked. A host that is an address never reaches the resolver.
    fn checked(&self, url: &str) -> Result<Url, TransportError> {
        let url = Url::parse(url)
            .map_err(|error| TransportError::Network(format!("the URL cannot be used: {error}")))?;
        let literal = url.host_str().and_then(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<IpAddr>().ok()
        });
        match literal {
            Some(address) if !self.allowed.admits(address) => Err(TransportError::Blocked(
                format!("{address} is an internal address"),
            )),
            _ => Ok(url),
        }
    }
}

/// Most of a header's value that is kept.
const LONGEST_HEADER: usize = 1 << 10;

/// The headers of an answer that are kept, as far as they are text.
fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = |name: &'static str| {
        let values = headers.get_all(name).iter();
        values.filter_map(move |value| {
            let value: String = value.to_str().ok()?.chars().take(LONGEST_HEADER).collect();
            Some((name.to_owned(), value))
        })
    };
    KEPT_HEADERS.into_iter().flat_map(named).collect()
}

/// Resolves names to the addresses that may be reached.
struct GuardedResolver(AllowedNetworks);

/// A name that only internal addresses answer to.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, an internal address")]
struct Internal {
    host: String,
    address: IpAddr,
}

impl dns::Resolve for GuardedResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let allowed = self.0.clone();
        let resolving: BoxFuture<'static, _> = Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let is_allowed = |address: &&SocketAddr| allowed.admits(address.ip());
            let reached: Vec<SocketAddr> = found.iter().filter(is_allowed).copied().collect();
            match found.first() {
                None => Err(format!("{host} has no address").into()),
                Some(internal) if reached.is_empty() => {
                    let address = internal.ip();
                    Err(Internal { host, address }.into())
                }
                Some(_) => Ok(Box::new(reached.into_iter()) as dns::Addrs),
            }
        });
        resolving
    }
}

/// What went wrong, for people: the deepest cause says most.
fn explain(error: &reqwest::Error, timeout: Duration) -> TransportError {
    if error.is_timeout() {
        return TransportError::Network(format!("no answer within {} s", timeout.as_secs()));
    }
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<Internal>() {
        Some(internal) => TransportError::Blocked(internal.to_string()),
        None if error.is_connect() => {
            TransportError::Network(format!("could not connect: {cause}"))
        }
        None => TransportError::Network(cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_an_internal_address_is_refused_like_the_address() {
        let http = Http::new(AllowedNetworks::default()).unwrap();
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let call = Call::get(format!("http://{host}:1/"), None);
            let refused = http.call(&call).await.unwrap_err();
            assert!(refused.ends_with("an internal address"), "{refused}");
        }
    }
}
