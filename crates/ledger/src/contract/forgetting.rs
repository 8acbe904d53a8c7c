//! Promises about customers who are forgotten: what goes, and what stays without their names.

use super::{
    Subject, accounts::entries, at, commit, customer, delivery, done, integration, settlement,
};
use crate::{
    About, AuditFilter, CustomerRecord, Deed, EventFilter, Next, Page, SentRequest, Settlement,
};
use domain::{DeliveryId, Headers, NotSent, ProjectId, customer::FORGOTTEN_PREFIX};
use uuid::Uuid;

/// Names, attributes and what was sent are gone; the events are still there.
pub async fn a_forgotten_customer_leaves_only_facts(ledger: Subject) {
    let mut first = commit(1, None, 1);
    let mut named = customer(1);
    named
        .attributes
        .insert("$email".into(), "a@example.com".into());
    named.aliases.push("other-name".into());
    first.events[0].event.customer = named.clone();
    if let Some(write) = &mut first.customer {
        write.customer = named;
    }
    assert!(done(&ledger.commit(first).await.unwrap()));
    let project = super::project();
    let known = ledger.customer(project, "other-name").await.unwrap();
    let known = known.unwrap();
    assert!(done(&ledger.commit(commit(1, Some(1), 2)).await.unwrap()));
    assert!(
        !ledger.forget_customer(project, &known).await.unwrap(),
        "it changed meanwhile"
    );
    let known = ledger.customer(project, "other-name").await.unwrap();
    let known = known.unwrap();
    assert!(ledger.forget_customer(project, &known).await.unwrap());
    for name in ["user-1", "other-name"] {
        assert!(
            ledger.customer(project, name).await.unwrap().is_none(),
            "{name}"
        );
    }
    let left = ledger
        .customer(project, &customer(1).id.to_string())
        .await
        .unwrap()
        .unwrap();
    assert!(left.customer.app_user_id.starts_with(FORGOTTEN_PREFIX));
    assert_eq!(
        (left.customer.attributes.len(), left.purchases.len()),
        (0, 1)
    );
    let all = EventFilter {
        project: Some(project),
        ..EventFilter::default()
    };
    let events = ledger.events(&all, Page::Before(None, 10)).await.unwrap();
    assert_eq!(events.len(), 2);
    for row in events {
        let text = serde_json::to_string(&row.event).unwrap();
        assert!(
            !text.contains("user-1") && !text.contains("example.com"),
            "{text}"
        );
    }
}

/// What was sent and answered about a forgotten customer is gone; what happened to each attempt stays.
pub async fn what_was_answered_about_a_forgotten_customer_is_gone(ledger: Subject) {
    let mut first = commit(1, None, 1);
    first.deliveries = vec![delivery(1, 1, integration(1), 1)];
    assert!(done(&ledger.commit(first).await.unwrap()));
    let id = delivery(1, 1, integration(1), 1).id;
    let mut sent = settlement(1, id, 0, 2, Next::Delivered);
    sent.request = Some(SentRequest {
        method: "POST".into(),
        also: String::new(),
        url: "https://example.com".into(),
        headers: Headers::default(),
        body: "user-1".into(),
    });
    sent.response = b"hello user-1".to_vec();
    assert!(ledger.settle(sent, at(62)).await.unwrap().recorded);
    let project = super::project();
    let known = ledger.customer(project, "user-1").await.unwrap().unwrap();
    assert!(ledger.forget_customer(project, &known).await.unwrap());
    let attempts = ledger.attempts(id).await.unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.status, attempt.response.as_str()))
        .collect();
    assert_eq!(told, [(1, Some(200), "")]);
    let record = ledger.delivery(project, id).await.unwrap().unwrap();
    assert!(record.request.is_none());
}

/// An attempt that names customer `number` in whatever is recorded of it.
fn telling(number: u64, id: DeliveryId, attempts: u32, next: Next) -> Settlement {
    let name = format!("user-{number}");
    let mut sent = settlement(number, id, attempts, 2, next);
    sent.request = Some(SentRequest {
        method: "POST".into(),
        also: String::new(),
        url: format!("https://example.com/{name}"),
        headers: Headers::default(),
        body: name.clone(),
    });
    sent.headers = [("location", name.as_str())].into_iter().collect();
    sent.response = format!("hello {name}").into_bytes();
    sent.detail = format!("redirected to https://example.com/{name}");
    sent
}

/// What is kept of a delivery and the attempts at it, as text.
async fn kept_of(ledger: &Subject, id: DeliveryId) -> String {
    let attempts = ledger.attempts(id).await.unwrap();
    let record = ledger.delivery(super::project(), id).await.unwrap();
    format!("{attempts:?} {record:?}")
}

async fn forget(ledger: &Subject, number: u64) {
    let project = super::project();
    let known = ledger.customer(project, &format!("user-{number}")).await;
    let known = known.unwrap().unwrap();
    assert!(ledger.forget_customer(project, &known).await.unwrap());
}

/// An attempt that was under way while its customer was forgotten leaves what happened and no name; one that began after it leaves all there is.
pub async fn an_attempt_at_what_names_a_customer_forgotten_meanwhile_records_no_name(
    ledger: Subject,
) {
    let mut first = commit(1, None, 1);
    first.deliveries = vec![
        delivery(1, 1, integration(1), 1),
        delivery(1, 1, integration(2), 1),
    ];
    assert!(done(&ledger.commit(first).await.unwrap()));
    let [ended, under_way] = [1, 2].map(|to| delivery(1, 1, integration(to), 1).id);
    let rejected = NotSent::RejectedByDestination;
    let retry = || Next::Retry(rejected, at(70));
    let settled = ledger.settle(telling(1, ended, 0, retry()), at(62)).await;
    assert!(settled.unwrap().recorded);
    forget(&ledger, 1).await;
    let settled = ledger.settle(telling(1, under_way, 0, retry()), at(62));
    assert!(settled.await.unwrap().recorded);
    for id in [ended, under_way] {
        let kept = kept_of(&ledger, id).await;
        assert!(!kept.contains("user-1"), "{kept}");
        let attempts = ledger.attempts(id).await.unwrap();
        let happened: Vec<_> = attempts
            .iter()
            .map(|attempt| (attempt.number, attempt.status, attempt.reason))
            .collect();
        assert_eq!(happened, [(1, Some(200), Some(rejected))]);
    }
    let mut later = telling(2, under_way, 1, Next::Delivered);
    later.customer = customer(1).id;
    later.names_customer = false;
    assert!(ledger.settle(later, at(62)).await.unwrap().recorded);
    let kept = kept_of(&ledger, under_way).await;
    assert!(kept.contains("hello user-2"), "{kept}");
    let record = ledger.delivery(super::project(), under_way).await.unwrap();
    assert!(record.unwrap().request.is_some());
}

/// However an attempt and forgetting its customer meet, no name is left.
pub async fn of_an_attempt_and_forgetting_at_once_no_name_is_left(ledger: Subject) {
    for number in 1..=24 {
        let mut first = commit(number, None, 1);
        first.deliveries = vec![delivery(number, 1, integration(1), 1)];
        assert!(done(&ledger.commit(first).await.unwrap()));
    }
    let both = (1..=24).map(|number| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let id = delivery(number, 1, integration(1), 1).id;
            let told = telling(number, id, 0, Next::Delivered);
            let (settled, ()) = tokio::join!(ledger.settle(told, at(62)), forget(&ledger, number));
            assert!(settled.unwrap().recorded);
            let kept = kept_of(&ledger, id).await;
            assert!(!kept.contains("user-"), "{kept}");
        })
    });
    for task in both.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// The audit log names a forgotten customer no more; who did what stays, and so does what others of the same name are.
pub async fn the_log_does_not_name_a_forgotten_customer(ledger: Subject) {
    let mut first = commit(1, None, 1);
    if let Some(write) = &mut first.customer {
        write.customer.aliases.push("other-name".into());
    }
    assert!(done(&ledger.commit(first).await.unwrap()));
    let another = ProjectId::new(Uuid::from_u128(77));
    let here = super::project();
    for (what, subject, project, about) in [
        ("give access to", "user-1", here, About::Customer),
        ("change", "other-name", here, About::CustomerByProgram),
        ("change", "user-2", here, About::CustomerByProgram),
        ("verify", "user-1", here, About::Installation),
        ("change", "user-1", another, About::CustomerByProgram),
    ] {
        let deed = Deed {
            at: at(1),
            who: "ann",
            what,
            subject,
            project: Some(project),
            about,
        };
        ledger.note(deed).await.unwrap();
    }
    let known = ledger.customer(here, "other-name").await.unwrap().unwrap();
    let stale = CustomerRecord {
        version: known.version + 1,
        ..known.clone()
    };
    assert!(!ledger.forget_customer(here, &stale).await.unwrap());
    assert_eq!(
        entries(&ledger).await[3].1,
        "user-1",
        "it was not forgotten"
    );
    assert!(ledger.forget_customer(here, &known).await.unwrap());
    let told = [
        ("verify", "user-1"),
        ("change", "user-2"),
        ("change", ""),
        ("give access to", ""),
    ];
    let told = told.map(|(what, subject)| (what.to_owned(), subject.to_owned()));
    assert_eq!(entries(&ledger).await, told);
    let filter = AuditFilter {
        project: another,
        with_common: false,
    };
    let theirs = ledger.audit(filter, None, 10).await.unwrap();
    assert_eq!(theirs[0].subject, "user-1", "that is somebody else");
}
