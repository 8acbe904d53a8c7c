//! A row of the feed, as people read it: on the feed, of a customer, of a simulated life.

use crate::text::exact;
use domain::EventKind;
use engine::Setup;
use jiff::tz::Offset;
use ledger::FeedRow;
use web::view::{self, StateView};

/// A row of the feed, as people read it.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) position: u64,
    pub(crate) clock: String,
    pub(crate) day: String,
    pub(crate) at_exact: String,
    pub(crate) title: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) customer: String,
    pub(crate) product: String,
    pub(crate) price: String,
    pub(crate) store: String,
    pub(crate) environment: &'static str,
    pub(crate) historical: bool,
    pub(crate) integrations: Vec<StateView>,
}

impl Row {
    pub(crate) fn of(project: &str, setup: &Setup, row: &FeedRow) -> Self {
        let event = &row.event;
        let price = event
            .transaction
            .as_ref()
            .filter(|_| event.kind.is_charge() || event.kind.is_refund())
            .and_then(|transaction| transaction.refunded.or(transaction.price));
        let price = price.map_or(String::new(), |price| {
            if event.kind.is_refund() && price.micros != 0 {
                format!("−{price}")
            } else {
                price.to_string()
            }
        });
        Self {
            id: event.id.to_string(),
            project: project.to_owned(),
            position: row.position,
            clock: Offset::UTC
                .to_datetime(event.recorded_at)
                .strftime("%H:%M:%S")
                .to_string(),
            day: Offset::UTC
                .to_datetime(event.recorded_at)
                .strftime("%d %b")
                .to_string(),
            at_exact: exact(event.recorded_at),
            title: event.kind.title(),
            kind: event.kind.id(),
            tone: tone(event.kind),
            customer: event.customer.app_user_id.clone(),
            product: event.product.clone().unwrap_or_default(),
            price,
            store: event.app.as_ref().map_or_else(String::new, |app| {
                app.store_name
                    .clone()
                    .unwrap_or_else(|| app.store.title().to_owned())
            }),
            environment: event.environment.id(),
            historical: event.historical,
            integrations: view::states(setup, row),
        }
    }
}

/// Good news, bad news, or neither.
pub(crate) fn tone(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialStarted
        | EventKind::TrialConverted
        | EventKind::NonSubscriptionPurchase
        | EventKind::SubscriptionRenewalReactivated
        | EventKind::TrialRenewalReactivated
        | EventKind::RefundReversed
        | EventKind::SubscriptionExtended => "good",
        EventKind::SubscriptionRenewalCancelled
        | EventKind::TrialRenewalCancelled
        | EventKind::SubscriptionExpired
        | EventKind::TrialExpired
        | EventKind::SubscriptionRefunded
        | EventKind::NonSubscriptionPurchaseRefunded
        | EventKind::BillingIssueDetected => "bad",
        EventKind::EnteredGracePeriod
        | EventKind::RefundRequested
        | EventKind::ConsentRescinded
        | EventKind::ExternalPurchaseToReport => "warn",
        _ => "plain",
    }
}
