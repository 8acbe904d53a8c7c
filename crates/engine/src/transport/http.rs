//! The way over HTTP: pooled connections, no redirects, bounded answers, and no internal address, however a name resolves.

use super::{
    AllowedNetworks, Authorities, TransportError,
    answer::read,
    authorities::ClientError,
    pooled::{Kept, POOL_IDLE, died},
};
use crate::Guarded;
use destinations::{Request, Response};
use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Url, dns, redirect};
use sources::{Call, Method, Reply};
use std::{
    collections::BTreeMap,
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Most of a store's answer that is read: a page of twenty signed transactions takes some hundred kilobytes.
const LARGEST_STORE_ANSWER: usize = 8 << 20;
/// How long a store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pools for certificate authorities of an integration's own, at most; then they are made again.
const MOST_OWN: usize = 64;

/// Pools of connections.
#[derive(Debug)]
pub(super) struct Http {
    /// For whoever needs no certificate authorities of its own.
    common: Arc<Pool>,
    /// For those that do, by their certificates.
    own: Guarded<BTreeMap<String, Arc<Pool>>>,
    allowed: AllowedNetworks,
    authorities: Authorities,
}

/// A pool of connections.
#[derive(Debug)]
struct Pool {
    client: Client,
    /// One that never uses a connection again.
    fresh: Client,
    kept: Kept,
}

impl Pool {
    fn new(allowed: &AllowedNetworks, authorities: &Authorities) -> Result<Self, ClientError> {
        let builder = || {
            Client::builder()
                .dns_resolver(Arc::new(GuardedResolver(allowed.clone())))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("Tidings/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE)
                .tcp_nodelay(true)
        };
        Ok(Self {
            client: authorities.client(builder().pool_max_idle_per_host(64))?,
            fresh: authorities.client(builder().pool_max_idle_per_host(0))?,
            kept: Kept::default(),
        })
    }
}

impl Http {
    /// One that reaches public addresses and `allowed` ones, certified by authorities of the system or these.
    pub(super) fn new(
        allowed: AllowedNetworks,
        authorities: Authorities,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            common: Arc::new(Pool::new(&allowed, &authorities)?),
            own: Guarded::default(),
            allowed,
            authorities,
        })
    }

    /// The pool for a request.
    fn pool(&self, request: &Request) -> Result<Arc<Pool>, ClientError> {
        let Some(pem) = &request.authorities else {
            return Ok(Arc::clone(&self.common));
        };
        let known = self.own.lock().get(pem).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let authorities = self.authorities.and(Authorities::read(pem)?);
        let made = Arc::new(Pool::new(&self.allowed, &authorities)?);
        let mut own = self.own.lock();
        if own.len() >= MOST_OWN {
            own.clear();
        }
        Ok(Arc::clone(own.entry(pem.clone()).or_insert(made)))
    }

    /// Posts to a destination.
    ///
    /// Whoever answered keeps a connection open for a while, and may close it just when it is used again: then nothing was taken, and a fresh one is
    /// tried, once.
    pub(super) async fn post(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let url = self.checked(&request.url)?;
        let pool = self.pool(request);
        let pool = pool.map_err(|error| TransportError::Network(error.to_string()))?;
        let (began, host) = (Instant::now(), url.authority().to_owned());
        let mut answer = sending(&pool.client, &url, request, timeout).send().await;
        let has_died = answer.as_ref().is_err_and(died);
        if has_died && pool.kept.may_be_open(&host, began) {
            let left = timeout.saturating_sub(began.elapsed());
            answer = sending(&pool.fresh, &url, request, left).send().await;
        }
        let answer = answer.map_err(|error| explain(&error.without_url(), timeout))?;
        pool.kept.note(host, Instant::now());
        Ok(read(answer).await)
    }

    /// Calls a store.
    pub(super) async fn call(&self, call: &Call) -> Result<Reply, String> {
        let url = self.checked(&call.url).map_err(|error| error.to_string())?;
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut sending = self
            .common
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

fn sending(client: &Client, url: &Url, request: &Request, timeout: Duration) -> RequestBuilder {
    let sending = client
        .post(url.clone())
        .timeout(timeout)
        .body(request.body.clone());
    let headers = request.headers.iter();
    headers.fold(sending, |sending, header| {
        sending.header(header.name, header.value.as_str())
    })
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
    if error.is_timeout() && error.is_connect() {
        let seconds = CONNECT_TIMEOUT.min(timeout).as_secs();
        return TransportError::Network(format!("could not connect within {seconds} s"));
    }
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
mod tests;
