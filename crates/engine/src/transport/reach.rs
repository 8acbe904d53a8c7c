//! From a name to the addresses that may be connected to. They are looked up once: what was checked is what is connected to, wherever the name
//! leads a moment later.

use super::{
    TransportError,
    errand::{AllowedNetworks, Closed, Errand},
};
use futures_util::future::BoxFuture;
use guarded::Guarded;
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Addresses of which it is remembered that operators were told, at most.
const MOST_TOLD: usize = 256;

/// Looks names up.
pub(super) trait Lookup: Send + Sync + 'static {
    /// The addresses of a host, as they are now.
    fn look_up(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// As the system does.
pub(super) struct OfTheSystem;

impl Lookup for OfTheSystem {
    fn look_up(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Which addresses an errand may reach. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reach {
    errand: Errand,
    allowed: Arc<AllowedNetworks>,
    lookup: Arc<dyn Lookup>,
    told: Arc<Guarded<BTreeSet<IpAddr>>>,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reach").field(&self.errand).finish()
    }
}

/// Why a host is not connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreached {
    /// It has no address, or nobody could say.
    #[error(transparent)]
    Unknown(#[from] io::Error),
    /// Only internal addresses.
    #[error("{0}")]
    Closed(String),
}

impl From<Unreached> for TransportError {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::Unknown(error) => Self::Network(format!("could not connect: {error}")),
            Unreached::Closed(why) => Self::Blocked(why),
        }
    }
}

impl Reach {
    pub(super) fn new(
        errand: Errand,
        allowed: Arc<AllowedNetworks>,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        Self {
            errand,
            allowed,
            lookup,
            told: Arc::default(),
        }
    }

    /// An address that stands in a URL itself: no name is looked up for it.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Unreached> {
        let admitted = self.allowed.admit(self.errand, address);
        admitted.map_err(|closed| self.refuse(closed, closed.to_string()))
    }

    /// The addresses of a host, by name or as they stand, that may be connected to: at least one.
    pub(super) async fn find(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        if let Ok(address) = host.parse() {
            self.check(address)?;
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let mut found = self.lookup.look_up(host.to_owned(), port).await?;
        let mut closed = None;
        found.retain(|address| {
            let admitted = self.allowed.admit(self.errand, address.ip());
            closed = admitted.err().or(closed);
            admitted.is_ok()
        });
        match closed {
            _ if !found.is_empty() => Ok(found),
            Some(closed) => Err(self.refuse(closed, format!("{host} resolves to {closed}"))),
            None => Err(io::Error::other(format!("{host} has no address")).into()),
        }
    }

    /// Operators read of it once for each address: whoever calls may be told less.
    fn refuse(&self, closed: Closed, why: String) -> Unreached {
        let mut told = self.told.lock();
        if told.len() < MOST_TOLD && told.insert(closed.address) {
            tracing::warn!(errand = self.errand.id(), "not connected: {why}");
        }
        Unreached::Closed(why)
    }
}
