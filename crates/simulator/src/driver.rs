//! Sends lives to a running server, with the faults asked for, as the stores would: they try again until they are answered
//! 2xx.

use crate::{
    apple_api::App,
    lives::{Channel, Message, Pace, Step, after, life},
    random::Random,
    stores::Stores,
};
use anyhow::Result;
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
};

/// What goes wrong on the way, each in percent of messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Sent twice.
    pub twice: u64,
    /// Sent some days late, behind later ones.
    pub late: u64,
    /// Lost, and sent again after everything else.
    pub lost: u64,
}

/// A step, and what its store sent when it happened.
struct Planned {
    step: Step,
    message: OnceLock<Message>,
}

/// What is to be done at one time: make something happen in a store, or have the store tell of it.
#[derive(Clone)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    planned: Arc<Planned>,
    /// It is told; otherwise it only happens.
    pub tells: bool,
    /// Whose life it is part of.
    whose: (Channel, u64),
}

impl Turn {
    /// Makes it happen in the store, once, and answers with what the store sends.
    pub fn message(&self, stores: &Stores) -> Result<&Message> {
        if let Some(message) = self.planned.message.get() {
            return Ok(message);
        }
        let message = self.planned.step.happen(stores)?;
        Ok(self.planned.message.get_or_init(|| message))
    }
}

/// Sends lives.
#[derive(Clone)]
pub struct Driver {
    /// Where they are lived.
    pub stores: Stores,
    /// The App Store app.
    pub app: App,
    /// Callback URLs.
    pub urls: BTreeMap<Channel, String>,
    /// How fast lives pass.
    pub pace: Pace,
    /// What goes wrong.
    pub faults: Faults,
    /// The same seed plays the same lives.
    pub seed: u64,
    /// What one customer's store tells next waits until what it told before was accepted.
    pub in_turn: bool,
    client: reqwest::Client,
}

/// What a server answered.
#[derive(Debug, Default)]
pub struct Report {
    /// What the accepted messages were about, as the stores call it.
    pub accepted: BTreeSet<String>,
    /// Messages accepted, repeats included.
    pub messages: u64,
    /// Answers other than 2xx, and connections refused.
    pub refused: u64,
}

impl Driver {
    /// A driver without faults.
    pub fn new(
        stores: Stores,
        app: App,
        urls: impl IntoIterator<Item = (Channel, String)>,
        pace: Pace,
        seed: u64,
    ) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(128)
            .build()?;
        let urls: BTreeMap<_, _> = urls.into_iter().collect();
        if let Some(url) = urls.get(&Channel::Apple) {
            stores.apple.api.call_back(url.clone(), app.clone());
        }
        Ok(Self {
            stores,
            app,
            urls,
            pace,
            faults: Faults::default(),
            seed,
            in_turn: false,
            client,
        })
    }

    /// The script of customers `numbers` of one store, each beginning somewhere within `spread` after `start` and telling at
    /// most `limit` times, in order.
    pub fn script(
        &self,
        channel: Channel,
        numbers: std::ops::Range<u64>,
        start: Timestamp,
        spread: SignedDuration,
        limit: usize,
    ) -> Vec<Turn> {
        let mut random = Random::new(self.seed ^ 0x5eed);
        let mut turns = Vec::new();
        let mut behind = Vec::new();
        for number in numbers {
            let offset = SignedDuration::from_millis(
                i64::try_from(random.below(u64::try_from(spread.as_millis()).unwrap_or(1)))
                    .unwrap_or(0),
            );
            let begins = after(start, offset);
            let lived = (self.seed, number);
            for step in life(channel, &self.app, self.pace, lived, begins, limit) {
                let (twice, late, lost) = (
                    random.chance(self.faults.twice),
                    random.chance(self.faults.late),
                    random.chance(self.faults.lost),
                );
                let delay = self.pace.day * i32::try_from(1 + random.below(40)).unwrap_or(1);
                let at = step.at;
                let delayed = after(at, delay);
                let planned = Arc::new(Planned {
                    step,
                    message: OnceLock::new(),
                });
                let turn = |at, tells| Turn {
                    at,
                    planned: Arc::clone(&planned),
                    tells,
                    whose: (channel, number),
                };
                turns.push(turn(at, false));
                if twice {
                    turns.push(turn(delayed, true));
                }
                match (lost, late) {
                    (true, _) => behind.push(turn(at, true)),
                    (false, true) => turns.push(turn(delayed, true)),
                    (false, false) => turns.push(turn(at, true)),
                }
            }
        }
        turns.sort_by_key(|turn| turn.at);
        turns.extend(behind);
        turns
    }

    /// Takes each turn when its time has come, `now` being the present; a server that is down is told again.
    pub async fn run(
        &self,
        turns: Vec<Turn>,
        now: Timestamp,
        concurrency: usize,
        patience: Duration,
    ) -> Result<Report> {
        let report = Arc::new(Guarded::new(Report::default()));
        let began = Instant::now();
        let permits = Arc::new(Semaphore::new(concurrency));
        let mut sending = JoinSet::new();
        let mut told: BTreeMap<(Channel, u64), oneshot::Receiver<()>> = BTreeMap::new();
        for turn in turns {
            let due = Duration::try_from(now.duration_until(turn.at)).unwrap_or_default();
            tokio::time::sleep_until((began + due).into()).await;
            let message = turn.message(&self.stores)?;
            if !turn.tells {
                continue;
            }
            let Some(url) = self.urls.get(&message.channel) else {
                continue;
            };
            let permit = Arc::clone(&permits).acquire_owned().await?;
            let (is_told, tell) = oneshot::channel();
            let before = told.insert(turn.whose, tell).filter(|_| self.in_turn);
            let (driver, report) = (self.clone(), Arc::clone(&report));
            let (message, url) = (message.clone(), url.clone());
            let present = move || {
                let passed = SignedDuration::try_from(began.elapsed()).unwrap_or_default();
                after(now, passed)
            };
            sending.spawn(async move {
                if let Some(before) = before {
                    // An error means that it is over as well.
                    drop(before.await);
                }
                let sent = driver
                    .send(&message, &url, present, patience, &report)
                    .await;
                drop((permit, is_told));
                sent
            });
            while let Some(sent) = sending.try_join_next() {
                sent??;
            }
        }
        while let Some(sent) = sending.join_next().await {
            sent??;
        }
        let mut report = report.lock();
        Ok(std::mem::take(&mut *report))
    }

    async fn send(
        &self,
        message: &Message,
        url: &str,
        present: impl Fn() -> Timestamp,
        patience: Duration,
        report: &Guarded<Report>,
    ) -> Result<()> {
        let until = Instant::now() + patience;
        loop {
            let mut request = self
                .client
                .post(url)
                .header("content-type", "application/json")
                .body(message.body.clone());
            if let Some((name, value)) = message.proof(&self.stores, url, present())? {
                request = request.header(name, value);
            }
            let answered = request.send().await;
            let accepted = answered.is_ok_and(|answer| answer.status().is_success());
            {
                let mut report = report.lock();
                if accepted {
                    report.messages += 1;
                    report.accepted.insert(message.subject.clone());
                } else {
                    report.refused += 1;
                }
            }
            if accepted || Instant::now() > until {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
