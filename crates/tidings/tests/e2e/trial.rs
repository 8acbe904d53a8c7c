//! A server under a steady load, for as long as a trial takes: what was offered, what was accepted, what arrived.

use crate::{
    autopsy,
    crash::{Whole, charge},
    harm::{serve_with_clock, set_clock},
    lanes::is_wanted,
    server::{AUTHORITY, Api, BUNDLE_ID, Server, Site, client, now, unless_silent, until, webhook},
};
use jiff::SignedDuration;
use serde_json::Value;
use simulator::{App, Behaviour, Life, Pace, Receiver};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::Cluster;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

/// More than so many at once are not sent: there are only so many connections.
const AT_ONCE: u64 = 256;

/// First purchases of new customers, so many a second, each sent until it is accepted.
pub(crate) struct Load {
    enough: Arc<AtomicBool>,
    shared: Arc<Shared>,
    offering: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// What was accepted, as the store calls it.
    accepted: Mutex<BTreeSet<String>>,
    refused: AtomicU64,
    waiting: AtomicU64,
}

impl Load {
    /// To a callback, by a store whose clock is right, of customers from `first` on.
    pub(crate) fn offer(callback: &str, per_second: u64, first: u64) -> Self {
        let (enough, shared) = (Arc::<AtomicBool>::default(), Arc::<Shared>::default());
        let (stop, of, callback) = (
            Arc::clone(&enough),
            Arc::clone(&shared),
            callback.to_owned(),
        );
        let offering = tokio::spawn(async move {
            let mut ticks =
                tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_second).unwrap());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let client = client();
            for number in first.. {
                ticks.tick().await;
                while of.waiting.load(Ordering::Acquire) > AT_ONCE {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let (id, body) = purchase(number);
                let (client, callback, of) = (client.clone(), callback.clone(), Arc::clone(&of));
                of.waiting.fetch_add(1, Ordering::AcqRel);
                tokio::spawn(async move {
                    loop {
                        let request = client
                            .post(&callback)
                            .header("content-type", "application/json")
                            .timeout(Duration::from_secs(20))
                            .body(body.clone());
                        if request
                            .send()
                            .await
                            .is_ok_and(|answer| answer.status() == 200)
                        {
                            break;
                        }
                        of.refused.fetch_add(1, Ordering::AcqRel);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    of.accepted.lock().unwrap().insert(id);
                    of.waiting.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Self {
            enough,
            shared,
            offering,
        }
    }

    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Acquire)
    }

    pub(crate) fn accepted(&self) -> BTreeSet<String> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// Ends when everything that was offered is accepted.
    pub(crate) async fn end(&self) {
        self.enough.store(true, Ordering::Release);
        until("everything is accepted", || async {
            self.offering.is_finished() && self.shared.waiting.load(Ordering::Acquire) == 0
        })
        .await;
    }
}

/// What is bought, and what the store posts of it.
fn purchase(number: u64) -> (String, String) {
    let app = App {
        bundle_id: BUNDLE_ID.into(),
        environment: "LocalTesting".into(),
    };
    let day = SignedDuration::from_hours(24);
    let life = Life::play(&app, Pace { day }, 1, number, now(), 1);
    let first = &life.notifications[0];
    // What a family member pays is no charge of this customer.
    let id = if life.is_family_shared {
        String::new()
    } else {
        first.transaction_id().to_owned()
    };
    (id, first.body(&AUTHORITY).unwrap())
}

/// A server with one endpoint, on either ledger, with a clock of its own.
pub(crate) struct Trial {
    pub(crate) site: Site,
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) receiver: Receiver,
    pub(crate) cluster: Option<Cluster>,
    address: String,
    clock: PathBuf,
}

impl Trial {
    pub(crate) async fn begin(ledger: &str) -> Self {
        // Of the bodies of a long trial, none is kept.
        let receiver = Receiver::start(Behaviour::Healthy, false, now());
        let receiver = receiver.await.unwrap();
        let hooks = [webhook("backend", &receiver.url)];
        let cluster = match ledger {
            "sqlite" => None,
            "postgres" => Some(crate::told::cluster().await),
            other => panic!("{other:?}: sqlite or postgres"),
        };
        let site = match &cluster {
            None => Site::new(&hooks),
            Some(cluster) => {
                let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
                Site::on_postgres(url, &hooks)
            }
        };
        let clock = site.directory.join("clock");
        set_clock(&clock, 0);
        let server = serve_with_clock(&site, "127.0.0.1:0", &clock, false);
        let address = server.url.trim_start_matches("http://").to_owned();
        let api = Api::new(&site, &server, &[]);
        Self {
            site,
            server,
            api,
            receiver,
            cluster,
            address,
            clock,
        }
    }

    /// Starts a server again where the one before was.
    pub(crate) fn start_again(&mut self) {
        self.server = tokio::task::block_in_place(|| {
            serve_with_clock(&self.site, &self.address, &self.clock, false)
        });
    }

    /// Moves its clock, so many seconds ahead of the right time.
    pub(crate) fn move_clock(&self, ahead: i64) {
        set_clock(&self.clock, ahead);
    }

    /// Requests that its endpoint heard in a second, over a while.
    pub(crate) async fn rate(&self, over: Duration) -> f64 {
        let (before, began) = (self.receiver.requests(), Instant::now());
        tokio::time::sleep(over).await;
        (self.receiver.requests() - before) as f64 / began.elapsed().as_secs_f64()
    }

    /// Everything that was accepted has its event, and everything that is to be delivered was. Answers how many events there are.
    pub(crate) async fn look(&self, load: &Load) -> usize {
        let (mut whole, mut events) = (Whole::default(), 0);
        let (mut lost, mut missing) = (load.accepted(), BTreeSet::new());
        lost.remove("");
        let take = |event: Value| {
            whole.take(&event);
            events += 1;
            if let Some(transaction) = charge(&event) {
                lost.remove(transaction);
            }
            if is_wanted(&event, "backend") {
                missing.insert(event["id"].as_str().unwrap().to_owned());
            }
        };
        self.api.each_event(take).await;
        assert!(lost.is_empty(), "accepted, but without an event: {lost:?}");
        let all_arrived = || {
            let received = self.receiver.received();
            missing.retain(|id| !received.events.contains_key(id));
            missing.is_empty()
        };
        let seen = || autopsy::seen(&self.site, &self.server, self.cluster.as_ref());
        unless_silent(&self.receiver, all_arrived, seen).await;
        let received = self.receiver.received();
        assert_eq!(received.accepted.len(), received.events.len());
        assert_eq!(received.overtaken, []);
        events
    }
}
