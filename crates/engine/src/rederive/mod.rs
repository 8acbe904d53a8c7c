//! Recomputes every event from the raw messages, and compares.
//!
//! Messages are taken in again, in the order in which they were processed, by an engine without a network, over an empty
//! ledger, with a clock that stands at each message's own time. What the clock decided is a message among them, because a
//! server that was down looks at nothing. Where the outcome differs, a rule changed, or something was recorded that the
//! messages do not support.

mod apart;
mod looks;
mod told;

pub use told::{Difference, Told};

use crate::{Core, Dispatch, Intake, MakeSource, Parts, Retention, System};
use apart::{Nowhere, ReplayClock, copy};
use configuration::Vault;
use domain::ProjectId;
use jiff::Timestamp;
use ledger::{Archived, Ledger, LedgerError};
use looks::unkept_looks;
use serde::Serialize;
use std::sync::Arc;
use told::{AT_ONCE, compare, newest, redated, told};

/// What rederiving found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Messages read.
    pub messages: u64,
    /// Events compared.
    pub events: u64,
    /// Differences, by customer and key.
    pub differences: Vec<Difference>,
    /// Events that would have another id: an earlier release dated it by the answer that showed what happened. An id that was told stays.
    pub redated: u64,
}

/// Replays the messages of one project over `scratch`, an empty ledger, and compares the events.
pub async fn rederive(
    ledger: &dyn Ledger,
    scratch: Arc<dyn Ledger>,
    vault: Vault,
    make_source: MakeSource,
    project: ProjectId,
    mut progress: impl FnMut(u64),
) -> Result<Report, LedgerError> {
    copy(ledger, &*scratch).await?;
    let clock = Arc::new(ReplayClock::new());
    let core = Core::of(Parts {
        ledger: Arc::clone(&scratch),
        system: Arc::clone(&clock) as Arc<dyn System>,
        transport: Arc::new(Nowhere),
        web: Arc::new(Nowhere),
        vault,
        public_url: String::new(),
        make_source,
        most_waiting: usize::MAX,
        retention: Retention::DEFAULT,
    })
    .await?;
    let setup = core.setup();
    let intake = Intake::new(core.clone(), Dispatch::quiet(core));
    let mut report = Report::default();
    // A server may go on meanwhile: what it records from here on may come of messages that are not read.
    let until = newest(ledger, project).await?;
    let looks = unkept_looks(ledger, &setup, project).await?;
    let mut looks = looks.into_iter().peekable();
    let (mut after, mut latest) = (0, Timestamp::MIN);
    loop {
        let page = ledger.archive(project, after, AT_ONCE).await?;
        if page.is_empty() {
            break;
        }
        for Archived { position, message } in page {
            after = position;
            latest = latest.max(message.received_at);
            while let Some(look) = looks.next_if(|look| look.at <= latest) {
                clock.set(look.at);
                look.again(&intake, &setup).await?;
            }
            clock.set(message.received_at);
            intake.repeat(message).await?;
            report.messages += 1;
            progress(report.messages);
        }
    }
    for look in looks {
        clock.set(look.at);
        look.again(&intake, &setup).await?;
    }
    let recorded = told(ledger, project).await?;
    let derived = told(&*scratch, project).await?;
    report.events = recorded.len() as u64;
    report.differences = compare(&recorded, &derived, until);
    report.redated = redated(&recorded, &derived);
    Ok(report)
}
