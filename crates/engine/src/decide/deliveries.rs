//! What is sent of an event: every integration's answer to it.

use crate::setup::ActiveIntegration;
use destinations::{AppFacts, Now};
use domain::{
    CustomerId, DeliveryId, Environment, Event, EventId, EventKind, IntegrationId, Message,
    NotSent, ProjectId, customer::Customer, event::Cause,
};
use jiff::Timestamp;
use ledger::NewDelivery;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What integrations make of an event: each is named once at least, or has a delivery.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// Integrations it is not sent to, and why.
    pub(crate) not_sent: Vec<(IntegrationId, NotSent)>,
    /// What is sent, integration by integration. It is due at once, unless a node takes it up when it is committed; or later, where it goes with others.
    pub(crate) deliveries: Vec<NewDelivery>,
}

/// Every integration's answer to an event.
pub(crate) fn plan(event: &Event, integrations: &[ActiveIntegration], now: Timestamp) -> Planned {
    let mut planned = Planned::default();
    for integration in integrations {
        match messages(event, integration) {
            Err(reason) => planned.not_sent.push((integration.row.id, reason)),
            Ok(messages) => planned.deliveries.extend(
                messages
                    .into_iter()
                    .enumerate()
                    .map(|(index, message)| delivery(event, integration, index, message, now)),
            ),
        }
    }
    planned
}

fn messages(event: &Event, integration: &ActiveIntegration) -> Result<Vec<Message>, NotSent> {
    match &integration.configured {
        _ if event.customer.analytics_disabled => Err(NotSent::AnalyticsDisabled),
        Ok(configured) => configured.plan(event),
        // Settings that cannot be read: keep the event for when they can.
        Err(_) => Ok(vec![Message::named(event.kind.id())]),
    }
}

fn delivery(
    event: &Event,
    integration: &ActiveIntegration,
    index: usize,
    message: Message,
    now: Timestamp,
) -> NewDelivery {
    let is_test = event.kind == EventKind::Test;
    // Whoever tries it looks at once.
    let later = integration.gathers_until(now).filter(|_| !is_test);
    NewDelivery {
        id: DeliveryId::derived(
            integration.row.id.uuid(),
            &format!("{}:{index}", event.id),
            event.recorded_at,
        ),
        project: event.project,
        event: event.id,
        lane: integration.lane(event.environment),
        customer: event.customer.id,
        message,
        accepted_at: now,
        due_at: later.unwrap_or(now),
        ordered: integration.spec.ordered && !is_test,
        trace: None,
    }
}

/// The event that shows that an integration works: of production, or of the sandbox where that alone is set up.
pub(crate) fn test_of(
    integration: &ActiveIntegration,
    app: &AppFacts,
    id: EventId,
    now: Timestamp,
) -> Event {
    let production = test_event(integration.row.project, id.uuid(), now);
    let sandbox = Event {
        environment: Environment::Sandbox,
        ..production.clone()
    };
    let lacks = |event| lacks_credentials(integration, event, app);
    if lacks(&production) && !lacks(&sandbox) {
        sandbox
    } else {
        production
    }
}

/// Whether an integration has not been told where an event goes, or with what.
fn lacks_credentials(integration: &ActiveIntegration, event: &Event, app: &AppFacts) -> bool {
    let Ok(configured) = &integration.configured else {
        return false;
    };
    configured.plan(event).is_ok_and(|messages| {
        messages.iter().any(|message| {
            let now = Now::of(event, event.recorded_at, app);
            let rendered = configured.render(message, event, now);
            rendered.is_err_and(|why| why.reason == NotSent::MissingCredentials)
        })
    })
}

/// An event that means nothing.
pub(crate) fn test_event(project: ProjectId, fresh: Uuid, now: Timestamp) -> Event {
    let id = EventId::new(fresh);
    let customer = Customer::new(
        CustomerId::derived(project.uuid(), "test", now),
        "test_customer".into(),
        now,
    );
    Event {
        id,
        key: format!("test:{id}"),
        kind: EventKind::Test,
        occurred_at: now,
        recorded_at: now,
        customer_seq: 0,
        environment: Environment::Production,
        project,
        app: None,
        customer,
        purchase: None,
        transaction: None,
        previous_transaction: None,
        line: String::new(),
        lines: Vec::new(),
        joins_base: false,
        product: None,
        previous_product: None,
        scheduled: false,
        entitlements: Vec::new(),
        cancellation_reason: None,
        level: None,
        access: BTreeMap::new(),
        cause: Cause {
            inbox: None,
            rule: "test".into(),
        },
        historical: false,
        late: false,
        request: None,
        after_days: None,
        transferred_from: None,
    }
}
