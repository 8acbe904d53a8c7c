//! Sends lives to a running server, with the faults asked for, as the App Store would: it retries until it is answered 2xx.

use crate::{App, AppStoreApi, Authority, Faulty, Life, Pace, Random, Step};
use anyhow::Result;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What goes wrong on the way, each in percent of notifications.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Sent twice.
    pub twice: u64,
    /// Sent some days late, behind later ones.
    pub late: u64,
    /// Lost, and sent again after everything else.
    pub lost: u64,
}

/// Sends lives.
#[derive(Clone)]
pub struct Driver {
    /// Signs.
    pub authority: Authority,
    /// The app.
    pub app: App,
    /// The callback URL of the app.
    pub url: String,
    /// How fast lives pass.
    pub pace: Pace,
    /// What goes wrong.
    pub faults: Faults,
    /// The same seed plays the same lives.
    pub seed: u64,
    /// The App Store Server API that knows what happened.
    pub api: Option<Arc<Faulty<AppStoreApi>>>,
    client: reqwest::Client,
}

/// What a server answered.
#[derive(Debug, Default)]
pub struct Report {
    /// Ids of the transactions whose notifications were accepted.
    pub accepted: BTreeSet<String>,
    /// Notifications accepted, repeats included.
    pub notifications: u64,
    /// Answers other than 2xx, and connections refused.
    pub refused: u64,
}

impl Driver {
    /// A driver without faults.
    pub fn new(authority: Authority, app: App, url: String, pace: Pace, seed: u64) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(128)
            .build()?;
        Ok(Self {
            authority,
            app,
            url,
            pace,
            faults: Faults::default(),
            seed,
            api: None,
            client,
        })
    }

    /// The script of customers `numbers`, each beginning somewhere within `spread` after `start`, in order of sending.
    pub fn script(
        &self,
        numbers: std::ops::Range<u64>,
        start: Timestamp,
        spread: SignedDuration,
        limit: usize,
    ) -> Vec<Step> {
        let mut random = Random::new(self.seed ^ 0x5eed);
        let mut steps = Vec::new();
        let mut behind = Vec::new();
        for number in numbers {
            let offset = SignedDuration::from_millis(
                i64::try_from(random.below(u64::try_from(spread.as_millis()).unwrap_or(1)))
                    .unwrap_or(0),
            );
            let begins = start.saturating_add(offset).unwrap_or(start);
            for step in Life::play(&self.app, self.pace, self.seed, number, begins, limit).steps {
                let (twice, late, lost) = (
                    random.chance(self.faults.twice),
                    random.chance(self.faults.late),
                    random.chance(self.faults.lost),
                );
                let delay = self.pace.day * i32::try_from(1 + random.below(40)).unwrap_or(1);
                let delayed = step.at.saturating_add(delay).unwrap_or(step.at);
                if twice {
                    steps.push((delayed, step.clone()));
                }
                match (lost, late) {
                    (true, _) => behind.push(step),
                    (false, true) => steps.push((delayed, step)),
                    (false, false) => steps.push((step.at, step)),
                }
            }
        }
        steps.sort_by_key(|(at, _)| *at);
        steps
            .into_iter()
            .map(|(_, step)| step)
            .chain(behind)
            .collect()
    }

    /// Sends each notification when its time has come, `now` being the present; a server that is down is asked again.
    pub async fn run(
        &self,
        steps: Vec<Step>,
        now: Timestamp,
        concurrency: usize,
        patience: Duration,
    ) -> Report {
        let report = Mutex::new(Report::default());
        let began = Instant::now();
        let due = |step: &Step| Duration::try_from(now.duration_until(step.at)).unwrap_or_default();
        stream::iter(steps)
            .for_each_concurrent(concurrency, |step| {
                let report = &report;
                async move {
                    tokio::time::sleep_until((began + due(&step)).into()).await;
                    self.send(&step, patience, report).await;
                }
            })
            .await;
        report.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, step: &Step, patience: Duration, report: &Mutex<Report>) {
        let Ok(body) = step.body(&self.authority) else {
            return;
        };
        if let Some(api) = &self.api {
            api.api.happened(step);
        }
        let until = Instant::now() + patience;
        loop {
            let answered = self
                .client
                .post(&self.url)
                .header("content-type", "application/json")
                .body(body.clone())
                .send()
                .await;
            let accepted = answered.is_ok_and(|answer| answer.status().is_success());
            {
                let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                if accepted {
                    report.notifications += 1;
                    report.accepted.insert(step.transaction_id().to_owned());
                } else {
                    report.refused += 1;
                }
            }
            if accepted || Instant::now() > until {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
