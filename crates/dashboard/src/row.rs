//! A row of the feed, as people read it: on the feed, of a customer, of a simulated life.

use crate::text::exact;
use domain::EventKind;
use engine::Setup;
use jiff::tz::Offset;
use ledger::FeedRow;
use std::collections::BTreeMap;
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
    /// What the product is called here; its id where nobody named it.
    pub(crate) product_name: String,
    pub(crate) price: String,
    pub(crate) store: String,
    pub(crate) environment: &'static str,
    pub(crate) historical: bool,
    /// In one order on every row, so that a column of marks is one integration.
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
        let product = event.product.clone().unwrap_or_default();
        let names = setup.project(event.project).map(|project| &project.names);
        let mut integrations = view::states(setup, row);
        integrations.sort_by(|one, other| one.integration.cmp(&other.integration));
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
            product_name: names.map_or_else(|| product.clone(), |names| named(names, &product)),
            product,
            price,
            store: event.app.as_ref().map_or_else(String::new, |app| {
                app.store_name
                    .clone()
                    .unwrap_or_else(|| app.store.title().to_owned())
            }),
            environment: event.environment.id(),
            historical: event.historical,
            integrations,
        }
    }

    /// How it stands with each integration that it was sent to, or should have been.
    pub(crate) fn told(&self) -> Vec<&StateView> {
        let told = self.integrations.iter();
        told.filter(|state| state.color != "grey").collect()
    }

    /// Why others are not meant to get it, each reason with their names.
    pub(crate) fn untold(&self) -> Vec<(&str, String)> {
        let mut reasons: Vec<(&str, String)> = Vec::new();
        for state in self.integrations.iter().filter(|it| it.color == "grey") {
            match reasons.iter_mut().find(|(text, _)| *text == state.text) {
                Some((_, names)) => {
                    names.push_str(", ");
                    names.push_str(&state.name);
                }
                None => reasons.push((&state.text, state.name.clone())),
            }
        }
        reasons
    }

    /// What went wrong, written out.
    pub(crate) fn failing(&self) -> Option<Failing> {
        let wrong = |color| {
            let integrations = self.integrations.iter();
            integrations.filter(move |state| state.color == color)
        };
        let mut all = wrong("red").chain(wrong("yellow"));
        let first = all.next()?;
        let others = all.count();
        let text = format!("{} {}", first.name, first.word());
        Some(Failing {
            color: first.color,
            text: match others {
                0 => text,
                others => format!("{text}, and {others} more"),
            },
        })
    }

    /// How it stands with all of them, in a few words, for who cannot see marks.
    pub(crate) fn summary(&self) -> String {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for word in self.integrations.iter().map(StateView::word) {
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => counts.push((word, 1)),
            }
        }
        let counted = counts.iter().map(|(word, count)| format!("{count} {word}"));
        counted.collect::<Vec<_>>().join(", ")
    }
}

/// What a product is called: by its name, or its base plan's or price's beside the name of what that is of; by its id where nobody named it.
fn named(names: &BTreeMap<String, String>, product: &str) -> String {
    let of_a_plan = || {
        let (id, plan) = product.split_once(':')?;
        names.get(id).map(|name| format!("{name} ({plan})"))
    };
    let whole = names.get(product).cloned();
    whole
        .or_else(of_a_plan)
        .unwrap_or_else(|| product.to_owned())
}

/// The first integration that does not get an event, and how many others do not.
pub(crate) struct Failing {
    pub(crate) color: &'static str,
    pub(crate) text: String,
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
