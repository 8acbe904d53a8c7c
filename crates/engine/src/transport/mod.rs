//! The ways out: to destinations and to stores. Bounded answers; internal addresses refused.

mod amqp;
mod answer;
mod authorities;
mod by_name;
mod dial;
mod ended;
mod errand;
mod error;
mod http;
mod kafka;
mod line;
mod links;
mod nats;
mod networks;
pub mod parsers;
mod pool;
mod pooled;
mod postgres;
mod reach;
mod smtp;
mod sweep;

pub use authorities::{Authorities, AuthorityError, ClientError};
pub use errand::{AllowedNetworks, Errand};
pub use error::TransportError;
pub use networks::Networks;

use async_trait::async_trait;
use destinations::{Request, Response, Via};
use dial::Dial;
use reach::{Lookup, OfTheSystem, Reach};
use sources::{Call, Reply, Web};
use std::{sync::Arc, time::Duration};

/// Sends requests.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// One attempt: no retries, no redirects, at most `timeout` in all.
    async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, TransportError>;

    /// How many requests may be under way at once; whoever sends keeps to it.
    fn at_once(&self) -> usize {
        usize::MAX
    }
}

/// How many connections go out, as the limit of open files allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Requests under way at once, to destinations and stores together. Each has one connection.
    pub at_once: usize,
    /// Connections that are kept open to be used again, of all hosts together.
    pub kept: usize,
    /// Connections to clusters of NATS; as many each are kept to databases, to RabbitMQ and to Kafka.
    pub clusters: usize,
}

/// The network: HTTP with pooled connections, and the ways that are not HTTP.
#[derive(Debug)]
pub struct NetworkTransport {
    http: http::Http,
    links: nats::Links,
    post: smtp::Post,
    databases: postgres::Databases,
    exchanges: amqp::Exchanges,
    topics: kafka::Topics,
    at_once: usize,
}

impl NetworkTransport {
    /// A transport that reaches public addresses and, on each errand, those `allowed` for it, certified by authorities of the system or these,
    /// over so many connections.
    pub fn new(
        allowed: AllowedNetworks,
        authorities: Authorities,
        outgoing: Outgoing,
    ) -> Result<Self, ClientError> {
        Self::looking_up(allowed, authorities, outgoing, Arc::new(OfTheSystem))
    }

    fn looking_up(
        allowed: AllowedNetworks,
        authorities: Authorities,
        outgoing: Outgoing,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, ClientError> {
        let allowed = Arc::new(allowed);
        let reach = |errand| Reach::new(errand, Arc::clone(&allowed), Arc::clone(&lookup));
        let dial = Arc::new(Dial::new(reach(Errand::Integrations), authorities.clone())?);
        Ok(Self {
            databases: postgres::Databases::new(Arc::clone(&dial), outgoing.clusters),
            exchanges: amqp::Exchanges::new(Arc::clone(&dial), outgoing.clusters),
            topics: kafka::Topics::new(Arc::clone(&dial), outgoing.clusters),
            post: smtp::Post::new(dial),
            links: nats::Links::new(
                reach(Errand::Integrations),
                authorities.clone(),
                outgoing.clusters,
            )?,
            http: http::Http::new(reach, authorities, outgoing.kept)?,
            at_once: outgoing.at_once,
        })
    }
}

#[async_trait]
impl Transport for NetworkTransport {
    async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, TransportError> {
        match &request.via {
            Via::Http(method) => self.http.send(*method, request, timeout).await,
            Via::Nats(publication) => self.links.publish(request, publication, timeout).await,
            Via::Mail(mail) => self.post.send(request, mail, timeout).await,
            Via::Rows(rows) => self.databases.store(request, rows, timeout).await,
            Via::Routed(routed) => self.exchanges.publish(request, routed, timeout).await,
            Via::Record(record) => self.topics.produce(request, record, timeout).await,
        }
    }

    fn at_once(&self) -> usize {
        self.at_once
    }
}

#[async_trait]
impl Web for NetworkTransport {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        self.http.call(call).await
    }
}

#[cfg(test)]
mod attacks;
