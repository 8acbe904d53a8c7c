//! Promises about messages that wait.

use super::{Subject, at, commit, done, message};
use crate::{Commit, InboxMessage, Origin, ParkedCount};
use jiff::SignedDuration;

/// A parked message is kept, comes back when due, and once processed is a duplicate like any other.
pub async fn a_parked_message_waits_and_is_processed_once(ledger: Subject) {
    let parked = message(100_001);
    assert!(
        ledger
            .park(parked.clone(), "cannot be read".into(), at(10))
            .await
            .unwrap()
    );
    assert!(
        !ledger.seen(parked.id).await.unwrap(),
        "parked is not processed"
    );
    assert_eq!(ledger.due_parked(at(9), &[], 10).await.unwrap(), []);
    let due = ledger.due_parked(at(10), &[], 10).await.unwrap();
    assert_eq!(
        (&due[0].message, due[0].tries, due[0].reason.as_str()),
        (&parked, 0, "cannot be read")
    );
    assert!(
        ledger
            .park(parked.clone(), "cannot be read".into(), at(10))
            .await
            .unwrap()
    );
    assert_eq!(
        ledger.due_parked(at(10), &[], 10).await.unwrap()[0].tries,
        1
    );
    assert_eq!(
        ledger
            .unpark(parked.project, None, Some(parked.id), at(5))
            .await
            .unwrap(),
        1
    );
    assert_eq!(ledger.due_parked(at(5), &[], 10).await.unwrap().len(), 1);
    let all = ledger.parked(parked.project, None, None, 10).await;
    assert_eq!(all.unwrap().len(), 1);
    let kept = ledger.inbox(parked.id).await.unwrap().unwrap();
    assert_eq!(kept.parked.as_deref(), Some("cannot be read"));
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    assert_eq!(ledger.due_parked(at(1000), &[], 10).await.unwrap(), []);
    assert!(ledger.seen(parked.id).await.unwrap());
    assert!(
        !ledger.park(parked, "again".into(), at(10)).await.unwrap(),
        "what was processed is not parked again"
    );
}

/// What was to be tried again by a clock that was ahead is tried as long after now as it was to be after then.
pub async fn a_clock_that_is_set_back_keeps_no_message_waiting(ledger: Subject) {
    for (number, second) in [(1, 90_000), (2, 50), (3, 5)] {
        let parked = ledger.park(message(number), "waits".into(), at(second));
        assert!(parked.await.unwrap());
    }
    let day = SignedDuration::from_secs(86_400);
    assert_eq!(ledger.set_back(day, at(10)).await.unwrap(), 2);
    let due = async |second| ledger.due_parked(at(second), &[], 10).await.unwrap().len();
    assert_eq!(due(9).await, 1, "what was due before stays where it was");
    assert_eq!(due(10).await, 2);
    assert_eq!(due(3_599).await, 2);
    assert_eq!(due(3_600).await, 3);
}

/// What waits for one app is made due without what waits for another, all of it or one message.
pub async fn parked_messages_are_made_due_by_app(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    let (here, mut there) = (message(1), message(2));
    there.app = another;
    for parked in [&here, &there] {
        ledger
            .park(parked.clone(), "waits".into(), at(100))
            .await
            .unwrap();
    }
    let (project, of_another) = (here.project, Some(another));
    let elsewhere = ledger.unpark(project, of_another, Some(here.id), at(5));
    assert_eq!(elsewhere.await.unwrap(), 0, "it is of another app");
    assert_eq!(ledger.due_parked(at(5), &[], 10).await.unwrap(), []);
    let all = ledger.unpark(project, of_another, None, at(5)).await;
    assert_eq!(all.unwrap(), 1);
    let due = ledger.due_parked(at(5), &[], 10).await.unwrap();
    let due: Vec<_> = due.iter().map(|parked| parked.message.id).collect();
    assert_eq!(due, [there.id]);
    let of_others = ledger.due_parked(at(5), &[here.app, another], 10).await;
    assert_eq!(of_others.unwrap(), []);
    let of_others = ledger.due_parked(at(5), &[here.app], 10).await;
    assert_eq!(of_others.unwrap().len(), 1);
    let one = ledger.unpark(project, Some(here.app), Some(here.id), at(5));
    assert_eq!(one.await.unwrap(), 1);
    assert_eq!(ledger.due_parked(at(5), &[], 10).await.unwrap().len(), 2);
}

/// Parked messages are listed the one that came last first, page by page, of one app or of all.
pub async fn parked_messages_are_listed_by_page(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    let mut all = Vec::new();
    // Two came at the same moment, and those that came first have the highest numbers.
    for (number, second) in [(1, 50), (2, 50), (3, 40), (4, 30), (5, 20)] {
        let mut parked = message(number);
        parked.received_at = at(second);
        if number % 2 == 0 {
            parked.app = another;
        }
        ledger
            .park(parked.clone(), "waits".into(), at(100 - second))
            .await
            .unwrap();
        all.push(parked);
    }
    all.swap(0, 1);
    let mut foreign = message(6);
    foreign.project = domain::ProjectId::new(uuid::Uuid::from_u128(77));
    ledger
        .park(foreign.clone(), "waits".into(), at(100))
        .await
        .unwrap();
    let page = async |app, before, limit| {
        let rows = ledger.parked(super::project(), app, before, limit).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|parked| parked.message).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 10).await, all);
    assert_eq!(page(None, None, 1).await, all[..1]);
    assert_eq!(page(None, Some(all[0].id), 3).await, all[1..4]);
    assert_eq!(page(None, Some(all[3].id), 3).await, all[4..]);
    assert_eq!(page(None, Some(all[4].id), 3).await, []);
    let theirs = [all[0].clone(), all[3].clone()];
    assert_eq!(page(Some(another), None, 10).await, theirs);
    assert_eq!(page(Some(another), Some(all[1].id), 10).await, theirs[1..]);
    assert_eq!(
        page(None, Some(foreign.id), 10).await,
        [],
        "nothing of a project is before a message of another"
    );
    // What was processed while somebody turned the page still says where it was.
    let mut processed = commit(1, None, 1);
    processed.inbox = Some(all[1].clone());
    assert!(done(&ledger.commit(processed).await.unwrap()));
    assert_eq!(page(None, Some(all[1].id), 10).await, all[2..]);
}

/// Counting agrees with what is listed, but for messages whose store is being asked for the first time.
pub async fn parked_messages_are_counted_by_app(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    let now = at(1000);
    // When it came, when it is tried again, how often it was tried in vain, and whether it is under way.
    let cases = [
        (990, 1050, 0, true),
        (990, 1051, 0, false),
        (990, 1000, 0, false),
        (990, 1010, 1, false),
        (941, 1001, 0, true),
        (940, 1001, 0, false),
        (10, 5000, 3, false),
    ];
    for (number, (came, retry_at, tries, _)) in (1..).zip(cases) {
        for app in [super::app(), another] {
            let mut parked = message(number + if app == another { 100 } else { 0 });
            parked.received_at = at(came);
            parked.app = app;
            for _ in 0..=tries {
                ledger
                    .park(parked.clone(), "waits".into(), at(retry_at))
                    .await
                    .unwrap();
            }
        }
    }
    let mut processed = message(50);
    processed.received_at = at(10);
    ledger
        .park(processed.clone(), "waits".into(), at(20))
        .await
        .unwrap();
    let mut write = commit(1, None, 1);
    write.inbox = Some(processed);
    assert!(done(&ledger.commit(write).await.unwrap()));
    let mut listed = ledger
        .parked(super::project(), None, None, 100)
        .await
        .unwrap();
    assert_eq!(listed.len(), 2 * cases.len());
    listed.retain(|parked| !parked.is_under_way(now));
    assert_eq!(listed.len(), 2 * 5);
    let counted = |app| ParkedCount { app, count: 5 };
    let mut counts = ledger.count_parked(super::project(), now).await.unwrap();
    counts.sort_by_key(|count| count.app);
    let mut expected = [counted(super::app()), counted(another)];
    expected.sort_by_key(|count| count.app);
    assert_eq!(counts, expected);
    let elsewhere = domain::ProjectId::new(uuid::Uuid::from_u128(77));
    assert_eq!(ledger.count_parked(elsewhere, now).await.unwrap(), []);
}

/// What was processed is read in the order in which it was committed, whenever it came: messages, one that waited before, and what the
/// clock decided in between.
pub async fn the_archive_has_everything_in_the_order_of_its_commits(ledger: Subject) {
    let keep = async |message: &InboxMessage| {
        let commit = Commit {
            inbox: Some(message.clone()),
            ..Commit::of(message.project)
        };
        assert!(done(&ledger.commit(commit).await.unwrap()));
    };
    let late = message(1);
    let parked = ledger.park(late.clone(), "waits".into(), at(10)).await;
    assert!(parked.unwrap());
    let of_clock = InboxMessage {
        origin: Origin::Clock,
        received_at: at(9),
        ..message(2)
    };
    let last = message(3);
    // All but the clock's came at the same moment, long before it looked.
    let in_order = [message(4), of_clock, late, last];
    for message in &in_order {
        keep(message).await;
    }
    let mut archive = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger.archive(message(1).project, after, 1).await.unwrap();
        let Some(next) = page.into_iter().next() else {
            break;
        };
        assert!(next.position > after);
        after = next.position;
        archive.push(next.message);
    }
    assert_eq!(archive, in_order);
    // The other way round, page by page.
    let mut newest_first = Vec::new();
    let mut before = None;
    loop {
        let page = ledger
            .processed(message(1).project, before, 3)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        newest_first.extend(page.into_iter().map(|archived| archived.message));
    }
    newest_first.reverse();
    assert_eq!(newest_first, in_order);
    let elsewhere = domain::ProjectId::new(uuid::Uuid::from_u128(77));
    assert_eq!(ledger.processed(elsewhere, None, 3).await.unwrap(), []);
}

/// Receipts of one app that are tried again before a moment are counted, as far as anybody wants to know.
pub async fn waiting_receipts_are_counted_by_app(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    for number in 1..=12 {
        let mut parked = message(number);
        if number <= 10 {
            parked.origin = Origin::Receipt;
        }
        if number <= 2 {
            parked.app = another;
        }
        let retry_at = at(if number == 3 { 100_000 } else { 100 });
        ledger.park(parked, "waits".into(), retry_at).await.unwrap();
    }
    let count = async |app, before, most| {
        let counted = ledger.count_waiting_receipts(app, at(before), most).await;
        counted.unwrap()
    };
    assert_eq!(count(super::app(), 1000, 100).await, 7);
    assert_eq!(count(super::app(), 1_000_000, 100).await, 8);
    assert_eq!(count(super::app(), 1000, 5).await, 5);
    assert_eq!(count(another, 1000, 100).await, 2);
    assert_eq!(count(super::app(), 100, 100).await, 0);
    let mut processed = commit(1, None, 1);
    processed.inbox = Some(InboxMessage {
        origin: Origin::Receipt,
        ..message(4)
    });
    assert!(done(&ledger.commit(processed).await.unwrap()));
    assert_eq!(count(super::app(), 1000, 100).await, 6);
}
