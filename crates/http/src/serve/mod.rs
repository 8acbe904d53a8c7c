//! The sockets: how many may be connected at once, and how long anybody may keep the server waiting.
//!
//! **How it works.** Whoever connects takes a [`place`](Hall::place). When all are taken, somebody who keeps the server waiting [makes way](make_way):
//! with a request that does not come, a head or a body that comes in drops, an answer that is not taken. So thousands that only hold on to their connection
//! keep nobody out who asks for something. Where nobody does, whoever is answered next does not go on. Beside that each of them has a time, after which it goes whether
//! there is room or not. Some connections are [kept for stores](at_work).
//!
//! **What it does not do.** It knows no route, but what the paths of stores begin with. How much of a body is read is the handler's to say ([`web::body`]); what all bodies
//! together may hold in memory is said here.

mod at_work;
mod body;
mod bounds;
mod hall;
mod io;
mod make_way;

pub(crate) use at_work::at_work;
pub use bounds::Bounds;

use at_work::Others;
use axum::{Router, body::Body, extract::ConnectInfo};
use body::{Answered, Awaited, Room};
use hall::{Hall, Seat};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use io::Watched;
use make_way::Whence;
use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt;
use web::proxies::Proxies;

/// Most of a request's head, in bytes. While it is read, a connection holds up to twice as much: what is there already, and what one read adds.
const LARGEST_HEAD: usize = 32 << 10;
/// Most headers of a request.
const MOST_HEADERS: usize = 100;
/// How often it is looked who keeps the server waiting.
const LOOK: Duration = Duration::from_secs(1);
/// How long accepting rests after it failed for want of something.
const REST: Duration = Duration::from_millis(100);

/// What connections share.
struct Served {
    router: Router,
    bounds: Bounds,
    others: Others,
    /// What bodies may hold together, in bytes.
    room: Arc<Semaphore>,
}

/// Where they come in.
struct Door {
    listener: TcpListener,
    hall: Arc<Hall>,
    /// Each of whose connections may be anybody's.
    proxies: Proxies,
}

/// Serves until `closing` resolves; then what is under way has a last moment, and nobody is connected any more.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    proxies: Proxies,
    closing: impl Future<Output = ()>,
) {
    let door = Door {
        listener,
        hall: Arc::new(Hall::new(bounds)),
        proxies,
    };
    let served = Arc::new(Served {
        router,
        bounds,
        others: Others::at_most(bounds.connections.saturating_sub(bounds.of_stores)),
        room: Arc::new(Semaphore::new(bounds.bodies)),
    });
    let is_closing = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    {
        let (mut closing, mut next) = (pin!(closing), pin!(door.admit()));
        let mut looking = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = &mut closing => break,
                _ = looking.tick() => door.hall.dismiss_late(Instant::now()),
                Some(_) = connections.join_next() => {}
                (stream, peer, seat) = &mut next => {
                    next.set(door.admit());
                    let served = Arc::clone(&served);
                    connections.spawn(connection(stream, peer, seat, served, is_closing.subscribe()));
                }
            }
        }
    }
    let Door { listener, hall, .. } = door;
    drop(listener);
    is_closing.send_replace(true);
    hall.dismiss_waiting();
    let last = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(bounds.last, last).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "what was under way did not end in time and is cut off"
        );
    }
    connections.shutdown().await;
}

impl Door {
    /// The next who connects, with a place.
    async fn admit(&self) -> (TcpStream, SocketAddr, Seat) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(seat) = self.hall.place(self.whence(peer)).await {
                        return (stream, peer, seat);
                    }
                }
                // Whoever connected is gone already.
                Err(error) if is_of_the_caller(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    fn whence(&self, peer: SocketAddr) -> Whence {
        self.proxies.network_of(peer.ip())
    }
}

fn is_of_the_caller(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    served: Arc<Served>,
    mut closing: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let place = seat.place();
    let io = TokioIo::new(Watched::new(stream, Arc::clone(place)));
    let service = service_fn(|request| answer(&served, &seat, peer, request));
    let mut protocol = http1::Builder::new();
    protocol
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS);
    let mut spoken = pin!(protocol.serve_connection(io, service));
    let mut is_ending = false;
    loop {
        tokio::select! {
            said = spoken.as_mut() => {
                if let Err(error) = said {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            () = place.dismissed() => return,
            _ = closing.wait_for(|closing| *closing), if !is_ending => {
                is_ending = true;
                spoken.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    served: &Served,
    seat: &Seat,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Answered>, Infallible> {
    let place = seat.place();
    place.works(Instant::now());
    if head_length(&request) > LARGEST_HEAD {
        let refused = Response::builder()
            .status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            .header(header::CONNECTION, "close")
            .body(Answered::new(Body::empty(), Arc::clone(place), None));
        return Ok(refused.expect("its parts are constants"));
    }
    let work = served.others.begin(&mut request);
    let is_too_much = work.is_none();
    // Held until there is an answer: handlers keep what they read.
    let room = Arc::new(Room::new(&served.room));
    let until = served.bounds.body;
    let mut request = request.map(|body| {
        Body::new(Awaited::new(
            body,
            Arc::clone(place),
            Arc::clone(&room),
            until,
        ))
    });
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut answer = served.router.clone().oneshot(request).await?;
    drop(room);
    seat.asked();
    if is_too_much || seat.makes_way() {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(answer.map(|body| Answered::new(body, Arc::clone(place), work)))
}

/// Bytes of a head, as it is usually written: what came in one read is not counted until it is read whole.
fn head_length(request: &Request<Incoming>) -> usize {
    let line = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).len();
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}
