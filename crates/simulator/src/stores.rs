//! The stores: one of each, and a server that speaks for them.

use crate::{
    api::{ApiAnswer, ApiRequest, Faulty},
    apple_api::AppStoreApi,
    authority::Authority,
    play::PlayStore,
    stripe::StripeAccount,
};
use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use tokio::net::TcpListener;

/// One of each store.
#[derive(Clone)]
pub struct Stores {
    /// Signs for the App Store.
    pub authority: Authority,
    /// The App Store Server API.
    pub apple: Arc<Faulty<AppStoreApi>>,
    /// Google Play.
    pub play: Arc<Faulty<PlayStore>>,
    /// Stripe.
    pub stripe: Arc<Faulty<StripeAccount>>,
}

impl Stores {
    /// Stores in which nothing has happened yet. `package` is the Play app's.
    pub fn new(authority: Authority, package: &str) -> Result<Self> {
        Ok(Self {
            apple: Arc::new(Faulty::new(AppStoreApi::new(authority.clone()))),
            play: Arc::new(Faulty::new(PlayStore::new(package)?)),
            stripe: Arc::new(Faulty::new(StripeAccount::default())),
            authority,
        })
    }

    /// Answers for the store whose path it is: those of the three APIs have nothing in common.
    pub async fn answer(&self, request: &ApiRequest, now: Timestamp) -> ApiAnswer {
        let path = request.path.as_str();
        if path.starts_with("/inApps/") {
            self.apple.answer(request, now).await
        } else if path.starts_with("/v1/") {
            self.stripe.answer(request, now).await
        } else {
            self.play.answer(request, now).await
        }
    }

    /// Serves the APIs of all three on one address; answers with its URL. `now` is the present.
    pub async fn serve(&self, listen: SocketAddr, now: Timestamp) -> Result<String> {
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let served = Served {
            stores: self.clone(),
            started: Instant::now(),
            started_at: now,
        };
        let router = Router::new().fallback(handle).with_state(Arc::new(served));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the simulated stores stopped");
            }
        });
        Ok(url)
    }

    /// An address of the loopback interface with a free port.
    pub const fn anywhere() -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
    }
}

struct Served {
    stores: Stores,
    started: Instant,
    started_at: Timestamp,
}

async fn handle(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let request = ApiRequest {
        method: method.as_str().into(),
        path: uri.path().into(),
        query: uri.query().unwrap_or_default().into(),
        authorization,
        body: body.to_vec(),
    };
    let elapsed = i64::try_from(served.started.elapsed().as_micros()).unwrap_or(0);
    let now = Timestamp::from_microsecond(served.started_at.as_microsecond() + elapsed)
        .unwrap_or(served.started_at);
    let answer = served.stores.answer(&request, now).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    if let Some(value) = answer.retry_after.and_then(|value| value.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}
