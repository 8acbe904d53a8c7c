//! Who buys in the demo: a month of many customers in the first seconds, and then one more every few seconds.

use crate::{options::Data, say};
use anyhow::Result;
use engine::{System, WallSystem};
use jiff::SignedDuration;
use simulator::{Channel, Driver};
use std::{fs, path::Path, time::Duration};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Between one customer and the next, once the first month is over.
const NEXT: Duration = Duration::from_secs(5);
/// Most messages about one customer.
const MESSAGES: usize = 12;
/// How many messages are on their way at once.
const AT_ONCE: usize = 64;
/// How long a store tries to tell of something.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the demo may write, at most, which is some hours of it. Then nobody buys any more.
const MOST_BYTES: u64 = 1 << 30;

/// Stores in which customers begin in turn: as many in the App Store as in both others.
const IN_TURN: [Channel; 4] = [
    Channel::Apple,
    Channel::Google,
    Channel::Apple,
    Channel::Stripe,
];

/// Customers live until this is dropped, or until the disk holds as much as the demo may write.
pub(super) async fn live(driver: Driver, customers: u64, data: Data) {
    let mut lives = JoinSet::new();
    for channel in Channel::ALL {
        let count = match channel {
            Channel::Apple => customers,
            Channel::Google | Channel::Stripe => customers / 2,
        };
        let month = driver.pace.day * 30;
        lives.spawn(begin(driver.clone(), channel, 0..count, month));
    }
    let mut turns = tokio::time::interval(NEXT);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let later = (customers..).zip(IN_TURN.into_iter().cycle());
    for (number, channel) in later {
        turns.tick().await;
        while let Some(ended) = lives.try_join_next() {
            note(ended);
        }
        if written(&data.file()) > MOST_BYTES {
            say::line(
                "\nThe demo has written a gigabyte, and nobody buys any more. Ctrl-C and start it anew.",
            );
            break;
        }
        let one = SignedDuration::from_millis(1);
        lives.spawn(begin(driver.clone(), channel, number..number + 1, one));
    }
    while let Some(ended) = lives.join_next().await {
        note(ended);
    }
}

/// Customers begin somewhere within `spread` from now, and live to their end.
async fn begin(
    driver: Driver,
    channel: Channel,
    numbers: std::ops::Range<u64>,
    spread: SignedDuration,
) -> Result<()> {
    let now = WallSystem.now();
    let turns = driver.script(channel, numbers, now, spread, MESSAGES);
    driver.run(turns, now, AT_ONCE, PATIENCE).await.map(drop)
}

fn note(ended: Result<Result<()>, tokio::task::JoinError>) {
    let problem = match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => format!("{error:#}"),
        Err(error) => error.to_string(),
    };
    tracing::error!(problem, "a simulated customer's life ended early");
}

/// How large the database is, with its log.
fn written(database: &Path) -> u64 {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let size = |file: &Path| fs::metadata(file).map_or(0, |about| about.len());
    size(database) + size(Path::new(&log))
}
