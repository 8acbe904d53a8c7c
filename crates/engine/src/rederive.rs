//! Recomputes every event from the raw messages, and compares.
//!
//! Messages are taken in again, in the order in which they were processed, by an engine without a network, over an empty
//! ledger, with a clock that stands at each message's own time. What time alone led to is decided again at the instants it
//! was decided at: those are recorded, because a server that was down looks at nothing. Where the outcome differs, a rule
//! changed, or something was recorded that the messages do not support.

use crate::{
    Core, Dispatch, Intake, IntakeError, MakeSource, Parts, Setup, System, Transport,
    TransportError,
};
use async_trait::async_trait;
use configuration::Vault;
use destinations::{Request, Response};
use domain::{ChainKey, Event, EventKind, ProjectId};
use jiff::Timestamp;
use ledger::{
    Archived, Configuration, ConfigurationChange, DueCheck, EventFilter, Ledger, LedgerError, Page,
};
use serde::Serialize;
use sources::{Call, Reply, Web};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Rows read at once.
const AT_ONCE: usize = 500;

/// A difference between what is recorded and what the messages lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Recorded, but no longer derived.
    Missing(Told),
    /// Derived, but not recorded.
    Extra(Told),
    /// Both, but not alike.
    Changed {
        /// As recorded.
        recorded: Told,
        /// As derived now.
        derived: Told,
    },
}

/// What is compared of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Told {
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: &'static str,
    /// Business time.
    pub occurred_at: Timestamp,
    /// The product.
    pub product: Option<String>,
    /// The transaction.
    pub transaction: Option<String>,
    /// What was charged.
    pub price: Option<String>,
    /// Why.
    pub reason: Option<&'static str>,
    /// First seen long after it happened.
    pub historical: bool,
}

/// What rederiving found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Messages read.
    pub messages: u64,
    /// Events compared.
    pub events: u64,
    /// Differences, by key.
    pub differences: Vec<Difference>,
}

struct ReplayClock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl System for ReplayClock {
    fn now(&self) -> Timestamp {
        let micros = self.micros.load(Ordering::SeqCst);
        Timestamp::from_microsecond(micros).expect("it was set from a timestamp")
    }
    fn entropy(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst)
    }
}

struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn send(&self, _: &Request, _: Duration) -> Result<Response, TransportError> {
        Err(TransportError::Network(
            "nothing is sent while rederiving".into(),
        ))
    }
}

#[async_trait]
impl Web for Nowhere {
    async fn call(&self, _: &Call) -> Result<Reply, String> {
        Err("no store is asked while rederiving".into())
    }
}

/// Everything of a configuration that decides about events.
fn copied(configuration: &Configuration) -> Vec<ConfigurationChange> {
    let projects = configuration.projects.iter().cloned();
    let apps = configuration.apps.iter().cloned();
    let products = configuration.products.iter().cloned();
    let entitlements = configuration.entitlements.iter().cloned();
    projects
        .map(ConfigurationChange::PutProject)
        .chain(entitlements.map(ConfigurationChange::PutEntitlement))
        .chain(products.map(ConfigurationChange::PutProduct))
        .chain(apps.map(ConfigurationChange::PutApp))
        .collect()
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
    let configuration = ledger.configuration().await?;
    let changes = copied(&configuration);
    scratch
        .configure(0, changes, "rederive", Timestamp::UNIX_EPOCH)
        .await?;
    scratch.put_rates(ledger.rates().await?).await?;
    let clock = Arc::new(ReplayClock {
        micros: AtomicI64::new(0),
        drawn: AtomicU64::new(1),
    });
    let core = Core::of(Parts {
        ledger: Arc::clone(&scratch),
        system: Arc::clone(&clock) as Arc<dyn System>,
        transport: Arc::new(Nowhere),
        web: Arc::new(Nowhere),
        vault,
        public_url: String::new(),
        make_source,
    })
    .await?;
    let setup = core.setup();
    let intake = Intake::new(core.clone(), Dispatch::quiet(core));
    let set = |at: Timestamp| clock.micros.store(at.as_microsecond(), Ordering::SeqCst);
    let mut report = Report::default();
    let mut looks = looks(ledger, project).await?.into_iter().peekable();
    let (mut after, mut latest) = (0, Timestamp::MIN);
    loop {
        let page = ledger.archive(project, after, AT_ONCE).await?;
        if page.is_empty() {
            break;
        }
        for Archived { position, message } in page {
            after = position;
            latest = latest.max(message.received_at);
            while let Some((at, look)) = looks.next_if(|(at, _)| *at <= latest) {
                set(at);
                look_again(&intake, &setup, &look).await?;
            }
            set(message.received_at);
            intake.repeat(message).await?;
            report.messages += 1;
            progress(report.messages);
        }
    }
    for (at, look) in looks {
        set(at);
        look_again(&intake, &setup, &look).await?;
    }
    let recorded = told(ledger, project).await?;
    let derived = told(&*scratch, project).await?;
    report.events = recorded.len() as u64;
    report.differences = compare(&recorded, &derived);
    Ok(report)
}

fn filter(project: ProjectId) -> EventFilter {
    EventFilter {
        project: Some(project),
        ..EventFilter::default()
    }
}

/// When time alone led to an event, and for which purchase, in order.
async fn looks(
    ledger: &dyn Ledger,
    project: ProjectId,
) -> Result<Vec<(Timestamp, DueCheck)>, LedgerError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger
            .events(&filter(project), Page::After(after, AT_ONCE))
            .await?;
        let Some(last) = page.last() else {
            all.dedup();
            return Ok(all);
        };
        after = last.position;
        all.extend(page.iter().filter_map(|row| {
            let event = &row.event;
            let (app, purchase) = (event.app.as_ref()?, event.purchase.as_ref()?);
            let look = DueCheck {
                project,
                app: app.id,
                chain: ChainKey {
                    store: app.store,
                    environment: event.environment,
                    id: purchase.chain.clone(),
                },
                customer: event.customer.id,
                check_at: event.recorded_at,
            };
            event
                .cause
                .inbox
                .is_none()
                .then_some((event.recorded_at, look))
        }));
    }
}

fn told_of(event: &Event) -> Told {
    Told {
        key: event.key.clone(),
        kind: event.kind.id(),
        occurred_at: event.occurred_at,
        product: event.product.clone(),
        transaction: event
            .transaction
            .as_ref()
            .map(|transaction| transaction.id.clone()),
        price: event
            .transaction
            .as_ref()
            .and_then(|transaction| transaction.price)
            .map(|price| price.to_string()),
        reason: event
            .cancellation_reason
            .map(domain::CancellationReason::id),
        historical: event.historical,
    }
}

/// Events by key and customer. Tests are sent by hand, and "still active" events depend on settings of integrations: both
/// are left out.
async fn told(
    ledger: &dyn Ledger,
    project: ProjectId,
) -> Result<BTreeMap<String, Told>, LedgerError> {
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = ledger
            .events(&filter(project), Page::After(after, AT_ONCE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = last.position;
        for row in page {
            let skipped = matches!(
                row.event.kind,
                EventKind::Test | EventKind::TrialActive | EventKind::SubscriptionActive
            );
            if !skipped {
                all.insert(
                    format!("{} {}", row.event.key, row.event.customer.app_user_id),
                    told_of(&row.event),
                );
            }
        }
    }
}

fn compare(recorded: &BTreeMap<String, Told>, derived: &BTreeMap<String, Told>) -> Vec<Difference> {
    let known = recorded
        .iter()
        .filter_map(|(key, was)| match derived.get(key) {
            None => Some(Difference::Missing(was.clone())),
            Some(is) if is != was => Some(Difference::Changed {
                recorded: was.clone(),
                derived: is.clone(),
            }),
            Some(_) => None,
        });
    let extra = derived
        .iter()
        .filter(|(key, _)| !recorded.contains_key(*key))
        .map(|(_, told)| Difference::Extra(told.clone()));
    known.chain(extra).collect()
}

/// Decides again what time alone led to.
async fn look_again(intake: &Intake, setup: &Setup, look: &DueCheck) -> Result<(), LedgerError> {
    match intake.decide_by_clock(setup, look).await {
        Err(IntakeError::Ledger(error)) => Err(error),
        Err(error) => {
            tracing::warn!(chain = look.chain.id, %error, "a purchase could not be looked at again");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
