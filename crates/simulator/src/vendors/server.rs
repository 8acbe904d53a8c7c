//! Where vendors are asked, and told how to behave.

use super::{
    answers::{Answer, Mode},
    asked::{Asked, Wrong},
    desk::{Desk, Seen, Shared},
};
use anyhow::Result;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Longer than anybody waits, which is a minute at most.
const TOO_LONG: Duration = Duration::from_secs(70);

/// How long the beginning of an answer takes to be sent.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// Listens; answers with its URL.
pub(super) async fn listen(address: SocketAddr, shared: Arc<Shared>) -> Result<String> {
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/_vendors", get(told))
        .route("/_vendors/{vendor}", put(change))
        .fallback(asked)
        .with_state(shared);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the simulated vendors stopped");
        }
    });
    Ok(url)
}

/// How each behaves, and what it was sent last.
async fn told(State(shared): State<Arc<Shared>>) -> Json<BTreeMap<String, Desk>> {
    Json(shared.desks.lock().clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    mode: Mode,
}

/// Makes one behave in another way.
async fn change(
    State(shared): State<Arc<Shared>>,
    Path(vendor): Path<String>,
    Json(change): Json<Change>,
) -> StatusCode {
    if !shared.vendors.contains_key(&vendor) {
        return StatusCode::NOT_FOUND;
    }
    shared.set(&vendor, change.mode);
    StatusCode::NO_CONTENT
}

/// A vendor is asked.
async fn asked(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let (name, path) = path.split_once('/').unwrap_or((path, ""));
    let Some(vendor) = shared.vendors.get(name) else {
        return (StatusCode::NOT_FOUND, "no vendor is called so").into_response();
    };
    let request = Asked {
        method: &method,
        path,
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    };
    let checked = request.check(&vendor.asks, &shared.key);
    let (mode, wrong) = match checked {
        Ok(()) => (shared.mode(name), None),
        Err(Wrong::Key) => (Mode::LockedOut, Some("the key".to_owned())),
        Err(Wrong::Form(why)) => (Mode::Refused, Some(why)),
    };
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let own = target
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(name));
    let seen = Seen {
        method: method.to_string(),
        target: own.unwrap_or(target).to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        answered: mode,
        wrong,
    };
    let is_misshapen = mode == Mode::Refused && seen.wrong.is_some();
    shared.note(name, seen);
    let answer = if is_misshapen && !vendor.has(mode) {
        Answer::of(StatusCode::BAD_REQUEST)
    } else {
        vendor.answer(mode)
    };
    if mode == Mode::Slow {
        tokio::time::sleep(TOO_LONG).await;
    }
    let (status, headers, said) = answer.at(shared.now(), &shared.key, &body);
    let said = if mode == Mode::Cut {
        cut(said)
    } else {
        said.into()
    };
    (status, headers, said).into_response()
}

/// A body that ends in its middle, and the connection with it, once the first half is on its way.
fn cut(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let first = stream::once(async { Ok(body) });
    let then = stream::once(async {
        tokio::time::sleep(ON_ITS_WAY).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(first.chain(then))
}
