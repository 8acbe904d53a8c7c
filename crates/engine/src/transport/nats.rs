//! The way to streams: a connection per cluster and login, made when it is needed and given up when it fails.

use super::{
    Authorities, AuthorityError, TransportError,
    answer::LARGEST_ANSWER,
    by_name::{Names, encryption},
    dial::Place,
    error::late,
    links::{Connected, Links as Kept},
    reach::Reach,
};
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, RequestErrorKind, ServerError,
    connection::State,
};
use destinations::{
    Request, Response,
    nats::{self, Login, Publication},
};
use guarded::Guarded;
use rustls::client::danger::ServerCertVerifier;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};

/// How long a server may take to let us in.
const CONNECTING: Duration = Duration::from_secs(5);
/// The port of a server that is named without one.
const PORT: u16 = 4222;

/// Servers, as whom, and whom their certificates may be by beside those that everybody trusts.
type Key = (Vec<String>, Login, Option<String>);

/// A connection to a cluster, as one user.
#[derive(Clone)]
struct Open {
    client: Client,
    heard: Arc<Heard>,
}

impl Connected for Open {
    /// One that lost its server would keep what it is given until it finds it again: a retry of ours comes sooner.
    fn is_open(&self) -> bool {
        self.client.connection_state() == State::Connected
    }
}

/// What a server says without being asked.
#[derive(Default)]
struct Heard {
    /// What it last complained about: it refuses a subject without answering whoever published to it.
    complaint: Guarded<Option<(Instant, String)>>,
    /// The connection was lost; what is under way is not answered any more.
    lost: Notify,
}

/// All connections of this process.
pub(super) struct Links {
    all: Kept<Key, Open>,
    reach: Reach,
    /// By whom certificates may be.
    authorities: Authorities,
    /// The same, for whoever has none of its own.
    verifier: Arc<dyn ServerCertVerifier>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links")
    }
}

/// Why a connection was not made.
enum Unconnected {
    /// The server does not want us.
    Refused(String),
    /// It cannot be reached, or must not be.
    Failed(TransportError),
}

impl Links {
    /// None yet, and so many at most.
    pub(super) fn new(
        reach: Reach,
        authorities: Authorities,
        most: usize,
    ) -> Result<Self, AuthorityError> {
        Ok(Self {
            all: Kept::at_most(most),
            reach,
            verifier: authorities.verifier()?,
            authorities,
        })
    }

    /// What says whether a server's certificate is to be trusted.
    fn verifier(&self, own: Option<&str>) -> Result<Arc<dyn ServerCertVerifier>, AuthorityError> {
        let Some(pem) = own else {
            return Ok(Arc::clone(&self.verifier));
        };
        let all = self.authorities.and(Authorities::read(pem)?);
        Ok(all.verifier()?)
    }

    async fn connect(
        &self,
        request: &Request,
        publication: &Publication,
    ) -> Result<Open, Unconnected> {
        let verifier = self.verifier(request.authorities.as_deref());
        let verifier = verifier
            .map_err(|error| Unconnected::Failed(TransportError::Network(error.to_string())))?;
        let heard = Arc::<Heard>::default();
        let client = connect(&self.reach, publication, verifier, Arc::clone(&heard)).await?;
        Ok(Open { client, heard })
    }

    /// Publishes and waits for what the stream says, at most `timeout` in all.
    pub(super) async fn publish(
        &self,
        request: &Request,
        publication: &Publication,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let began = Instant::now();
        let key = (
            publication.servers.clone(),
            publication.login.clone(),
            request.authorities.clone(),
        );
        let link = self.all.link(&key, began);
        let connecting = link.connected(async || self.connect(request, publication).await);
        let connected = tokio::time::timeout(timeout, connecting).await;
        let Open { client, heard } = match connected {
            Ok(Ok(open)) => open,
            Ok(Err(Unconnected::Refused(why))) => return Ok(nats::refusal(401, &why)),
            Ok(Err(Unconnected::Failed(error))) => return Err(error),
            Err(_) => return Err(TransportError::Network(late(timeout))),
        };
        let message = message(request, timeout.saturating_sub(began.elapsed()));
        let lost = heard.lost.notified();
        let answer = tokio::select! {
            answer = client.send_request(publication.subject.clone(), message) => answer,
            () = lost => {
                link.give_up_unless_open().await;
                return Err(TransportError::Unanswered("the connection was lost before the stream answered".into()));
            }
        };
        let error = match answer {
            Ok(message) => {
                let most = message.payload.len().min(LARGEST_ANSWER);
                return Ok(nats::answer(&message.payload[..most]));
            }
            Err(error) => error,
        };
        let answered = match error.kind() {
            RequestErrorKind::NoResponders => {
                Ok(nats::refusal(503, "no stream takes this subject"))
            }
            RequestErrorKind::MaxPayloadExceeded => Ok(nats::refusal(
                400,
                "the message is larger than the server takes",
            )),
            RequestErrorKind::TimedOut => match heard.refused(&publication.subject, began) {
                Some(complaint) => Ok(nats::refusal(403, &complaint)),
                None => Err(TransportError::Unanswered(late(timeout))),
            },
            _ => Err(TransportError::Unanswered(error.to_string())),
        };
        if answered.is_err() {
            link.give_up_unless_open().await;
        }
        answered
    }
}

/// What is published, and how long an answer is waited for.
fn message(request: &Request, timeout: Duration) -> async_nats::Request {
    let mut headers = HeaderMap::new();
    for header in &request.headers {
        headers.insert(header.name, header.value.as_str());
    }
    async_nats::Request::new()
        .payload(request.body.clone().into())
        .headers(headers)
        .timeout(Some(timeout))
}

impl Heard {
    /// What the server has said since `began`, if it is that we may not publish to a subject. Older words are not about what was published
    /// since: somebody may have been allowed it.
    fn refused(&self, subject: &str, began: Instant) -> Option<String> {
        let complaint = self.complaint.lock();
        let (heard, said) = complaint.as_ref()?;
        let lower = said.to_lowercase();
        let is_about_it =
            lower.contains("permissions violation") && lower.contains(&subject.to_lowercase());
        (*heard >= began && is_about_it).then(|| said.clone())
    }
}

/// Where servers are.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// By address, so that a name which leads somewhere else later leads there through this check again.
    servers: Vec<String>,
    /// The names that the certificates of encrypted ones are of.
    names: Names,
}

/// Looks servers up, and checks where they are.
async fn addresses(reach: &Reach, servers: &[String]) -> Result<Found, TransportError> {
    let mut found = Found::default();
    let mut problem = None;
    for server in servers {
        let (scheme, place) = server.split_once("://").unwrap_or(("nats", server));
        let Place { host, port } = Place::read(place, PORT);
        let resolved = match reach.find(host, port).await {
            Ok(resolved) => resolved,
            Err(unreached) => {
                problem = Some(unreached.into());
                continue;
            }
        };
        let scheme = if scheme == "tls" { "tls" } else { "nats" };
        for address in resolved {
            if scheme == "tls" {
                let names = found.names.entry(address.ip()).or_default();
                names.push(host.to_owned());
            }
            found.servers.push(format!("{scheme}://{address}"));
        }
    }
    match problem {
        Some(problem) if found.servers.is_empty() => Err(problem),
        _ => Ok(found),
    }
}

async fn connect(
    reach: &Reach,
    publication: &Publication,
    verifier: Arc<dyn ServerCertVerifier>,
    heard: Arc<Heard>,
) -> Result<Client, Unconnected> {
    let failed = Unconnected::Failed;
    let Found { servers, names } = addresses(reach, &publication.servers)
        .await
        .map_err(failed)?;
    let encryption = encryption(names, verifier).map_err(|error| {
        failed(TransportError::Network(format!(
            "connections cannot be encrypted: {error}"
        )))
    })?;
    let options = ConnectOptions::new()
        .tls_client_config(encryption)
        .name("tidings")
        .connection_timeout(CONNECTING)
        // Only the servers that were checked.
        .ignore_discovered_servers()
        .event_callback(move |event| {
            let heard = Arc::clone(&heard);
            async move {
                match event {
                    Event::ServerError(ServerError::Other(said)) => {
                        *heard.complaint.lock() = Some((Instant::now(), said));
                    }
                    Event::Disconnected | Event::Closed => heard.lost.notify_waiters(),
                    _ => {}
                }
            }
        });
    let options = match &publication.login {
        Login::Nobody => options,
        Login::Token(token) => options.token(token.clone()),
        Login::Password(user, password) => {
            options.user_and_password(user.clone(), password.clone())
        }
        Login::Credentials(text) => options.credentials(text).map_err(|error| {
            Unconnected::Refused(format!("the credentials cannot be read: {error}"))
        })?,
    };
    options
        .connect(servers)
        .await
        .map_err(|error| match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Unconnected::Refused(error.to_string())
            }
            ConnectErrorKind::TimedOut => {
                Unconnected::Failed(TransportError::Network(late(CONNECTING)))
            }
            _ => {
                let hint = hint(&error.to_string(), &publication.servers);
                let why = format!("could not connect: {error}{hint}");
                Unconnected::Failed(TransportError::Network(why))
            }
        })
}

/// A server that is named without encryption and asks for it all the same has no name that its certificate could be of.
fn hint(error: &str, servers: &[String]) -> &'static str {
    let is_plain = servers.iter().any(|server| server.starts_with("nats://"));
    if is_plain && error.contains("NotValidForName") {
        "; a server that asks for encryption is named with tls://"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{errand::Errand, reach::OfTheSystem},
        *,
    };

    fn reach(allowed: &str) -> Reach {
        let allowed = Arc::new(allowed.parse().unwrap());
        Reach::new(Errand::Integrations, allowed, Arc::new(OfTheSystem))
    }

    #[tokio::test]
    async fn internal_servers_are_refused_unless_allowed() {
        let servers = ["nats://127.0.0.1".to_owned(), "tls://127.0.0.1:4333".into()];
        for closed in ["", "stores=127.0.0.0/8"] {
            let none = addresses(&reach(closed), &servers).await;
            assert!(matches!(none, Err(TransportError::Blocked(_))), "{none:?}");
        }
        let found = addresses(&reach("integrations=127.0.0.0/8"), &servers).await;
        assert_eq!(
            found.unwrap().servers,
            ["nats://127.0.0.1:4222", "tls://127.0.0.1:4333"]
        );
    }

    #[tokio::test]
    async fn an_encrypted_server_is_reached_at_the_address_that_was_checked_under_the_name_it_has()
    {
        let servers = ["tls://localhost:4333".to_owned(), "nats://localhost".into()];
        let found = addresses(&reach("127.0.0.0/8"), &servers).await.unwrap();
        assert_eq!(
            found.servers,
            ["tls://127.0.0.1:4333", "nats://127.0.0.1:4222"]
        );
        let name = ("127.0.0.1".parse().unwrap(), vec!["localhost".to_owned()]);
        assert_eq!(found.names, Names::from([name]));
    }
}
