//! What a store says to whoever runs the app, about no purchase: an event of the customer whom it is about.

use super::{Circumstances, event::app_ref, number};
use domain::{Event, EventId, event::Cause};
use ledger::{Commit, CustomerRecord, CustomerWrite};
use sources::Notice;
use std::collections::BTreeMap;

/// The commit that tells it; its event has a key of what it is about and when it was said.
pub(crate) fn told(record: CustomerRecord, notice: &Notice, at: &Circumstances<'_>) -> Commit {
    let (project, app) = (&at.project.row, &at.app.row);
    let key = format!(
        "{}:{}:{}:{}:{}",
        app.key,
        notice.environment.id(),
        notice.kind.id(),
        notice.subject,
        notice.at.as_millisecond()
    );
    let customer = record.customer;
    let event = Event {
        id: EventId::derived(
            project.id.uuid(),
            &format!("{}:{key}", customer.app_user_id),
            notice.at,
        ),
        key,
        kind: notice.kind,
        occurred_at: notice.at,
        recorded_at: at.now,
        customer_seq: 0,
        environment: notice.environment,
        project: project.id,
        app: Some(app_ref(app)),
        customer: customer.for_event(),
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
            inbox: at.inbox.map(|message| message.id),
            rule: "store.notice".into(),
        },
        historical: false,
        late: false,
        request: notice.request.clone(),
        after_days: None,
        transferred_from: None,
    };
    let mut commit = Commit {
        inbox: at.inbox.cloned(),
        ..Commit::of(project.id)
    };
    let seq = number(&mut commit, record.seq, [event], at.project, at.now);
    commit.customer = Some(CustomerWrite {
        customer,
        loaded_version: Some(record.version),
        seq,
    });
    commit
}
