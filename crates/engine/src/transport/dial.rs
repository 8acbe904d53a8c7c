//! Connections to a host and a port, for what is not HTTP: to an address that was checked, and encrypted under the name that led there.

use super::{Authorities, AuthorityError, TransportError, reach::Reach};
use guarded::Guarded;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long one address may take to answer: another is tried then.
const CONNECTING: Duration = Duration::from_secs(5);

/// Ways to encrypt for certificate authorities of an integration's own that are remembered, at most; then they are made again.
const MOST_OWN: usize = 64;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// A name, or an address without brackets.
    pub(super) host: &'a str,
    pub(super) port: u16,
}

impl<'a> Place<'a> {
    /// Reads `host:port`, where the port may be missing.
    pub(super) fn read(text: &'a str, port: u16) -> Self {
        let (host, port) = text
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .unwrap_or((text, port));
        Self {
            host: host.trim_start_matches('[').trim_end_matches(']'),
            port,
        }
    }
}

/// Makes connections for integrations.
pub(super) struct Dial {
    reach: Reach,
    authorities: Authorities,
    /// How connections are encrypted to whoever has no authorities of its own.
    usual: Arc<ClientConfig>,
    /// The same to whoever does, by their certificates.
    own: Guarded<BTreeMap<String, Arc<ClientConfig>>>,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dial")
    }
}

impl Dial {
    /// One that goes where that may `reach`, to what is certified by authorities of the system or these.
    pub(super) fn new(reach: Reach, authorities: Authorities) -> Result<Self, AuthorityError> {
        Ok(Self {
            reach,
            usual: Arc::new(authorities.tls()?),
            own: Guarded::default(),
            authorities,
        })
    }

    /// A connection to the first of its addresses that takes one.
    pub(super) async fn connect(&self, place: &Place<'_>) -> Result<TcpStream, TransportError> {
        let mut problem = "it has no address".to_owned();
        for address in self.reach.find(place.host, place.port).await? {
            match tokio::time::timeout(CONNECTING, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // What is said is short, and answered before more is said.
                    stream.set_nodelay(true).map_err(|error| failed(&error))?;
                    return Ok(stream);
                }
                Ok(Err(error)) => problem = error.to_string(),
                Err(_) => problem = format!("nobody answered within {} s", CONNECTING.as_secs()),
            }
        }
        Err(failed(&problem))
    }

    /// The same connection, encrypted: whoever answers has a certificate of the host's name, by an authority that is trusted or one of its own.
    pub(super) async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
        own: Option<&str>,
    ) -> Result<TlsStream<S>, TransportError> {
        let config = self.config(own).map_err(|error| failed(&error))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
        let encrypting = TlsConnector::from(config).connect(name, stream);
        encrypting.await.map_err(|error| failed(&error))
    }

    /// How a connection is encrypted.
    pub(super) fn config(&self, own: Option<&str>) -> Result<Arc<ClientConfig>, AuthorityError> {
        let Some(pem) = own else {
            return Ok(Arc::clone(&self.usual));
        };
        if let Some(known) = self.own.lock().get(pem) {
            return Ok(Arc::clone(known));
        }
        let all = self.authorities.and(Authorities::read(pem)?);
        let made = Arc::new(all.tls()?);
        let mut own = self.own.lock();
        if own.len() >= MOST_OWN {
            own.clear();
        }
        Ok(Arc::clone(own.entry(pem.to_owned()).or_insert(made)))
    }
}

fn failed(why: &dyn std::fmt::Display) -> TransportError {
    TransportError::Network(format!("could not connect: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("mail.example:2525", "mail.example", 2525),
            ("mail.example", "mail.example", 25),
            ("192.0.2.1:1", "192.0.2.1", 1),
            ("[2001:db8::1]:587", "2001:db8::1", 587),
            ("[2001:db8::1]", "2001:db8::1", 25),
        ] {
            assert_eq!(Place::read(text, 25), Place { host, port }, "{text}");
        }
    }
}
