//! The network of a world.

use super::clock::Clock;
use async_trait::async_trait;
use engine::System;
use simulator::{ApiRequest, Stores};
use sources::{Call, Method, Reply, Web};
use std::sync::Arc;
use tokio::sync::watch;

/// The network, with nothing in it but the stores.
pub(super) struct Internet {
    stores: Stores,
    clock: Arc<Clock>,
    /// While it says so, no store answers.
    silent: watch::Sender<bool>,
}

impl Internet {
    pub(super) fn of(stores: &Stores, clock: &Arc<Clock>) -> Self {
        Self {
            stores: stores.clone(),
            clock: Arc::clone(clock),
            silent: watch::Sender::new(false),
        }
    }

    pub(super) fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }
}

#[async_trait]
impl Web for Internet {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let authorization = call.headers.first("authorization").map(str::to_owned);
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
        };
        let request = ApiRequest::of(method, &call.url, authorization, call.body.clone());
        let mut silent = self.silent.subscribe();
        drop(silent.wait_for(|silent| !silent).await);
        let answer = self.stores.answer(&request, self.clock.now()).await;
        Ok(Reply {
            status: answer.status,
            retry_after: answer.retry_after,
            cache_control: None,
            body: answer.body,
        })
    }
}
