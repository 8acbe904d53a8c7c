//! The way over HTTP: pooled connections, no redirects, bounded answers, and no internal address, however a name resolves.

use super::{
    Authorities, TransportError,
    answer::read,
    authorities::ClientError,
    errand::Errand,
    error::late,
    pooled::{Died, Kept, MOST_OF_ONE, POOL_IDLE, Use, died},
    reach::{Reach, Unreached},
};
use destinations::{Method as Asked, Request, Response};
use guarded::Guarded;
use reqwest::{Client, ClientBuilder, RequestBuilder, Url, dns, redirect};
use sources::{Call, Method, Purpose, Reply};
use std::{collections::BTreeMap, error::Error, net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Most of a store's answer that is read: a page of twenty signed transactions takes some hundred kilobytes.
const LARGEST_STORE_ANSWER: usize = 8 << 20;
/// How long a store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long keys and rates may take: a store waits meanwhile for the answer to its own message.
const KEYS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pools for certificate authorities of an integration's own, at most; then they are made again.
const MOST_OWN: usize = 64;

/// Pools of connections. Each errand has its own: where one may lead, no connection of another goes.
#[derive(Debug)]
pub(super) struct Http {
    /// For integrations that need no certificate authorities of their own.
    integrations: Arc<Pool>,
    /// For those that do, by their certificates.
    own: Guarded<Own>,
    stores: Pool,
    keys: Pool,
    rates: Pool,
    authorities: Authorities,
    /// Which connections of all pools are kept open.
    kept: Arc<Kept>,
}

/// Pools of those that need certificate authorities of their own.
#[derive(Debug, Default)]
struct Own {
    by_certificates: BTreeMap<String, Arc<Pool>>,
    /// How many were made.
    made: u64,
}

/// Connections on one errand.
#[derive(Debug)]
struct Pool {
    /// What tells it from the others.
    number: u64,
    reach: Reach,
    client: Client,
    /// One that never uses a connection again.
    fresh: Client,
}

/// How connections are made to what is in reach: without proxies, and without following anybody elsewhere.
fn builder(reach: &Reach) -> ClientBuilder {
    Client::builder()
        .dns_resolver(Arc::new(GuardedResolver(reach.clone())))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("Tidings/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(MOST_OF_ONE)
        .tcp_nodelay(true)
}

impl Pool {
    fn new(number: u64, reach: Reach, authorities: &Authorities) -> Result<Self, ClientError> {
        Ok(Self {
            number,
            client: authorities.client(builder(&reach))?,
            fresh: authorities.client(builder(&reach).pool_max_idle_per_host(0))?,
            reach,
        })
    }
}

/// Pools there are beside those of integrations with certificate authorities of their own.
const COMMON: u64 = 4;

impl Http {
    /// One that on each errand goes where that may `reach`, to what is certified by authorities of the system or these, and
    /// keeps so many connections open.
    pub(super) fn new(
        reach: impl Fn(Errand) -> Reach,
        authorities: Authorities,
        kept: usize,
    ) -> Result<Self, ClientError> {
        let pool = |number, errand| Pool::new(number, reach(errand), &authorities);
        Ok(Self {
            integrations: Arc::new(pool(0, Errand::Integrations)?),
            own: Guarded::default(),
            stores: pool(1, Errand::Stores)?,
            keys: pool(2, Errand::Keys)?,
            rates: pool(3, Errand::Rates)?,
            authorities,
            kept: Kept::at_most(kept),
        })
    }

    /// The pool for a request.
    fn pool(&self, request: &Request) -> Result<Arc<Pool>, ClientError> {
        let Some(pem) = &request.authorities else {
            return Ok(Arc::clone(&self.integrations));
        };
        let number = {
            let mut own = self.own.lock();
            if let Some(known) = own.by_certificates.get(pem) {
                return Ok(Arc::clone(known));
            }
            own.made += 1;
            COMMON + own.made
        };
        let authorities = self.authorities.and(Authorities::read(pem)?);
        let reach = self.integrations.reach.clone();
        let made = Arc::new(Pool::new(number, reach, &authorities)?);
        let pools = &mut self.own.lock().by_certificates;
        if pools.len() >= MOST_OWN {
            pools.clear();
        }
        Ok(Arc::clone(pools.entry(pem.clone()).or_insert(made)))
    }

    /// What a request to this URL is sent by, and for how long that counts. Where no more connections are kept open, it has one that is not.
    fn by<'a>(&self, pool: &'a Pool, url: &Url) -> (&'a Client, Option<Use>) {
        let reached = (pool.number, url.authority().to_owned());
        let used = self.kept.begin(reached, Instant::now());
        let client = if used.is_some() {
            &pool.client
        } else {
            &pool.fresh
        };
        (client, used)
    }

    /// Sends to a destination.
    ///
    /// Whoever answered keeps a connection open for a while, and may close it just when it is used again: then most likely nothing was taken, and a
    /// fresh one is tried, once. What would count twice goes again only where nothing of it was written: a server may read a request, take it,
    /// and close the connection before it answers.
    pub(super) async fn send(
        &self,
        method: Asked,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let url = checked(&self.integrations.reach, &request.url)?;
        let pool = self.pool(request);
        let pool = pool.map_err(|error| TransportError::Network(error.to_string()))?;
        let began = Instant::now();
        let (client, used) = self.by(&pool, &url);
        let mut answer = sending(client, method, &url, request, timeout).send().await;
        let died = answer.as_ref().err().and_then(died);
        let may_go_again = died.is_some_and(|died| died == Died::Unused || !request.counts_twice);
        if may_go_again && used.as_ref().is_some_and(Use::may_have_been_open) {
            let left = timeout.saturating_sub(began.elapsed());
            answer = sending(&pool.fresh, method, &url, request, left)
                .send()
                .await;
        }
        let answer = answer.map_err(|error| explain(&error.without_url(), timeout))?;
        if let Some(used) = &used {
            used.answered(Instant::now());
        }
        Ok(read(answer).await)
    }

    /// Asks a store, or what is needed to believe it.
    pub(super) async fn call(&self, call: &Call) -> Result<Reply, String> {
        let (asking, timeout) = match call.purpose {
            Purpose::Store => (&self.stores, STORE_TIMEOUT),
            Purpose::Keys => (&self.keys, KEYS_TIMEOUT),
            Purpose::Rates => (&self.rates, KEYS_TIMEOUT),
        };
        let url = checked(&asking.reach, &call.url).map_err(|error| error.to_string())?;
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let (client, _used) = self.by(asking, &url);
        let mut sending = client
            .request(method, url)
            .timeout(timeout)
            .body(call.body.clone());
        for header in &call.headers {
            sending = sending.header(&header.name, &header.value);
        }
        let failed = |error: reqwest::Error| explain(&error.without_url(), timeout).to_string();
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

/// A URL that may be asked. A host that is an address never reaches the resolver.
fn checked(reach: &Reach, url: &str) -> Result<Url, TransportError> {
    let url = Url::parse(url)
        .map_err(|error| TransportError::Network(format!("the URL cannot be used: {error}")))?;
    let literal = url.host_str().and_then(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.parse::<IpAddr>().ok()
    });
    if let Some(address) = literal {
        reach.check(address)?;
    }
    Ok(url)
}

fn sending(
    client: &Client,
    method: Asked,
    url: &Url,
    request: &Request,
    timeout: Duration,
) -> RequestBuilder {
    let method = match method {
        Asked::Get => reqwest::Method::GET,
        Asked::Post => reqwest::Method::POST,
        Asked::Put => reqwest::Method::PUT,
        Asked::Patch => reqwest::Method::PATCH,
    };
    let sending = client
        .request(method, url.clone())
        .timeout(timeout)
        .body(request.body.clone());
    let headers = request.headers.iter();
    headers.fold(sending, |sending, header| {
        sending.header(header.name, header.value.as_str())
    })
}

/// Resolves names to the addresses that may be reached.
struct GuardedResolver(Reach);

impl dns::Resolve for GuardedResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = reach.find(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as dns::Addrs)
        })
    }
}

/// What went wrong, for people: the deepest cause says most.
fn explain(error: &reqwest::Error, timeout: Duration) -> TransportError {
    if error.is_timeout() && error.is_connect() {
        let seconds = CONNECT_TIMEOUT.min(timeout).as_secs();
        return TransportError::Network(format!("could not connect within {seconds} s"));
    }
    if error.is_timeout() {
        return TransportError::Unanswered(late(timeout));
    }
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<Unreached>() {
        Some(Unreached::Closed(why)) => TransportError::Blocked(why.clone()),
        _ if error.is_connect() => TransportError::Network(format!("could not connect: {cause}")),
        _ if error.is_builder() => TransportError::Network(cause.to_string()),
        _ if died(error) == Some(Died::Unused) => TransportError::Network(cause.to_string()),
        _ => TransportError::Unanswered(cause.to_string()),
    }
}

#[cfg(test)]
mod tests;
