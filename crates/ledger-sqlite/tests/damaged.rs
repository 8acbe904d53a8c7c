//! A file of which a bit was changed, or the end is missing: it is refused with a clear word, noticed by `verify`, or it makes no difference.
//!
//! SQLite has no checksums of its pages, so that a bit of plain text can change unnoticed; what is packed (messages, events, requests) has
//! checksums of its own. `cargo xtask chaos --damage` counts how
//! often each happens.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use ledger::{
    EventFilter, Feed, Inbox, LedgerError, Page, Result, Settings, Upkeep,
    contract::{Subject, at, commit, delivery, integration, one_of_everything, project},
    invariants::verify,
};
use ledger_sqlite::SqliteLedger;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file of a test's own.
fn file(of: &str, name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{of}-{name}.db"));
    for old in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{old}", path.display()));
        assert!(!old.exists() || fs::remove_file(old).is_ok());
    }
    path
}

/// A file with forty customers, of whom some events are told and some wait.
async fn sound(of: &str) -> Vec<u8> {
    let (path, copy) = (file(of, "sound"), file(of, "copy"));
    let subject: Subject = Arc::new(SqliteLedger::open(&path).unwrap());
    one_of_everything(&subject).await;
    for number in 10..50 {
        for seq in 1..4 {
            let mut write = commit(number, (seq > 1).then_some(seq - 1), seq);
            write.deliveries = vec![delivery(number, seq, integration(1), 60)];
            subject.commit(write).await.unwrap();
        }
    }
    ledger_sqlite::backup(&path, &copy).unwrap();
    fs::read(copy).unwrap()
}

/// Everything that is told, delivered and asked for.
async fn told(path: &Path) -> Result<String> {
    let ledger = SqliteLedger::open(path)?;
    let configuration = ledger.configuration().await?;
    let events = ledger
        .events(&EventFilter::default(), Page::After(0, 10_000))
        .await?;
    let messages = ledger.archive(project(), 0, 10_000).await?;
    let parked = ledger.parked(project(), None, None, 10_000).await?;
    let tallies = ledger.tallies(project(), at(0)).await?;
    let mut all = format!("{configuration:?} {events:?} {messages:?} {parked:?} {tallies:?}");
    let mut after = None;
    loop {
        let ids = ledger.customer_ids(after, 100).await?;
        let Some(last) = ids.last() else {
            return Ok(all);
        };
        after = Some(*last);
        write!(all, "{:?}", ledger.holdings(&ids).await?).unwrap();
        for id in ids {
            let found = ledger.customer(project(), &id.to_string()).await?;
            write!(all, "{found:?}").unwrap();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Reading says what cannot be read.
    Refused,
    /// What is read differs, and `verify` says so.
    Noticed,
    /// What is read is what was written.
    NoDifference,
    /// What is read differs, and nobody says so.
    Served,
}

async fn outcome(path: &Path, sound: &str) -> Outcome {
    match told(path).await {
        Err(LedgerError::Corrupt { problem, .. }) => {
            assert!(!problem.is_empty());
            return Outcome::Refused;
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Outcome::Refused;
        }
        Ok(all) if all == sound => return Outcome::NoDifference,
        Ok(_) => {}
    }
    let ledger = SqliteLedger::open(path).unwrap();
    match verify(&ledger, at(1), |_| {}).await {
        Ok(verified) if verified.findings.is_empty() => Outcome::Served,
        Ok(_) | Err(_) => Outcome::Noticed,
    }
}

/// Anything but equal, and the same for a seed.
fn draw(state: &mut u64) -> usize {
    // Source: Marsaglia, "Xorshift RNGs", 2003.
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 16).unwrap()
}

async fn flip(of: &str, times: usize) -> BTreeMap<Outcome, usize> {
    let bytes = sound(of).await;
    let path = file(of, "whole");
    fs::write(&path, &bytes).unwrap();
    let whole = told(&path).await.unwrap();
    let (mut state, mut outcomes) = (20_261_126, BTreeMap::new());
    for _ in 0..times {
        let mut damaged = bytes.clone();
        let bit = draw(&mut state) % (bytes.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        let path = file(of, "flipped");
        fs::write(&path, damaged).unwrap();
        *outcomes.entry(outcome(&path, &whole).await).or_default() += 1;
    }
    outcomes
}

#[tokio::test]
async fn a_bit_that_was_changed_is_refused_or_noticed_where_it_can_be() {
    let outcomes = flip("few", 150).await;
    assert!(outcomes[&Outcome::Refused] > 10, "{outcomes:?}");
}

#[tokio::test]
async fn a_file_without_its_end_is_refused() {
    let bytes = sound("cut").await;
    let path = file("cut", "whole");
    fs::write(&path, &bytes).unwrap();
    let whole = told(&path).await.unwrap();
    let mut state = 7;
    for _ in 0..60 {
        let left = draw(&mut state) % bytes.len();
        let path = file("cut", "cut");
        fs::write(&path, &bytes[..left]).unwrap();
        let outcome = outcome(&path, &whole).await;
        let expected = if left == 0 {
            // An empty file is a new database; no server begins one where another ran (`e2e/backups.rs`).
            Outcome::Served
        } else {
            Outcome::Refused
        };
        assert_eq!(outcome, expected, "{left} of {} bytes", bytes.len());
    }
}

#[tokio::test]
#[ignore = "`cargo xtask chaos --damage` runs it"]
#[expect(clippy::print_stdout, reason = "a report")]
async fn how_often_a_bit_that_was_changed_is_noticed() {
    println!("{:?}", flip("many", 5_000).await);
}
