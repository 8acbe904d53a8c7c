//! A server that tells somebody: what most tests begin with.

use crate::server::{Api, Server, Site, now, slack, webhook};
use simulator::{Behaviour, Receiver};
use throwaway::Cluster;

/// A server whose project has one webhook, `backend`.
pub(crate) struct Told {
    pub(crate) receiver: Receiver,
    pub(crate) site: Site,
    pub(crate) server: Server,
    pub(crate) api: Api,
}

impl Told {
    /// One whose webhook behaves like this.
    pub(crate) async fn to(behaviour: Behaviour) -> Self {
        let receiver = a_receiver(behaviour).await;
        let site = Site::new(&[webhook("backend", &receiver.url)]);
        let server = site.serve();
        let api = Api::new(&site, &server, &[]);
        Self {
            receiver,
            site,
            server,
            api,
        }
    }
}

/// A server whose project has two webhooks, `backend` and one that fails now and then, and a channel of Slack.
pub(crate) struct ToldThree {
    pub(crate) healthy: Receiver,
    pub(crate) failing: Receiver,
    pub(crate) channel: Receiver,
    pub(crate) site: Site,
    pub(crate) server: Server,
    pub(crate) api: Api,
}

impl ToldThree {
    pub(crate) async fn start() -> Self {
        let healthy = a_receiver(Behaviour::Healthy).await;
        let failing = a_receiver(Behaviour::Failing(10)).await;
        let channel = a_receiver(Behaviour::Healthy).await;
        let site = Site::new(&[
            webhook("backend", &healthy.url),
            webhook("billing", &failing.url),
            slack("slack", &channel.url),
        ]);
        let server = site.serve();
        let api = Api::new(&site, &server, &[]);
        Self {
            healthy,
            failing,
            channel,
            site,
            server,
            api,
        }
    }
}

/// An endpoint that keeps what it is sent.
pub(crate) async fn a_receiver(behaviour: Behaviour) -> Receiver {
    Receiver::start(behaviour, true, now()).await.unwrap()
}

/// A server of PostgreSQL for this test alone.
pub(crate) async fn cluster() -> Cluster {
    let started = tokio::task::spawn_blocking(|| Cluster::start(&[]));
    started.await.unwrap().unwrap()
}
