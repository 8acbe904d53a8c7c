//! What stands in the audit log, and what a call left there.

use jiff::Timestamp;
use ledger::{AuditEntry, AuditFilter, KeptSince};
use std::{collections::BTreeSet, time::Duration};
use web::{signed::named, test::TestServer};

/// An entry, and the project it is of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    project: Option<String>,
    pub(crate) who: String,
    what: String,
    pub(crate) subject: String,
}

impl Told {
    pub(crate) fn new(project: Option<&str>, (who, what, subject): (&str, &str, &str)) -> Self {
        Self {
            project: project.map(str::to_owned),
            who: who.into(),
            what: what.into(),
            subject: subject.into(),
        }
    }

    /// An account by its address, which it alone has here.
    pub(crate) fn of(server: &TestServer, entry: &AuditEntry, project: Option<&str>) -> Self {
        let setup = server.app.engine.setup();
        let named = |who: &str| named(who, &setup.configuration.users);
        let (who, subject) = (named(&entry.who), named(&entry.subject));
        Self::new(project, (&who, &entry.what, &subject))
    }
}

/// Everything in the log, each entry with the project it is of.
pub(crate) async fn log(server: &TestServer) -> Vec<(AuditEntry, Option<String>)> {
    let (setup, ledger) = (server.app.engine.setup(), server.ledger());
    let mut log = Vec::new();
    let mut common = Vec::new();
    for project in setup.projects() {
        let mut filter = AuditFilter {
            project: project.row.id,
            with_common: false,
        };
        let own = ledger.audit(filter, None, 1000).await.unwrap();
        filter.with_common = true;
        common = ledger.audit(filter, None, 1000).await.unwrap();
        common.retain(|entry| !own.contains(entry));
        let key = &project.row.key;
        log.extend(own.into_iter().map(|entry| (entry, Some(key.clone()))));
    }
    log.extend(common.into_iter().map(|entry| (entry, None)));
    log
}

/// What a call left in the log: entries of configuration, which tell what was before and after, and others.
pub(crate) async fn left(
    server: &TestServer,
    before: &[(AuditEntry, Option<String>)],
) -> (usize, Vec<Told>) {
    let known: BTreeSet<u64> = before.iter().map(|(entry, _)| entry.position).collect();
    let new = log(server).await.into_iter();
    let new = new.filter(|(entry, _)| !known.contains(&entry.position));
    let (configured, done): (Vec<_>, Vec<_>) =
        new.partition(|(entry, _)| !entry.before.is_empty() || !entry.after.is_empty());
    let done = done
        .iter()
        .map(|(entry, project)| Told::of(server, entry, project.as_deref()));
    (configured.len(), done.collect())
}

/// Lets go what programs wrote of customers, which is kept for a shorter time; answers how much of it there was.
pub(crate) async fn let_go(server: &TestServer) -> u64 {
    let since = KeptSince {
        attempts: Timestamp::MIN,
        audit: Timestamp::MIN,
        audit_of_programs: Timestamp::MAX,
    };
    server.ledger().retain(since, 1000).await.unwrap()
}

/// Whether the log names somebody once more when forgotten.
pub(crate) async fn names_when_forgotten(server: &TestServer, customer: &str) -> bool {
    let customers = server.app.engine.customers();
    let forgotten = customers.forget(server.project("acme"), customer);
    forgotten.await.unwrap();
    log(server)
        .await
        .iter()
        .any(|(entry, _)| entry.subject == customer)
}

/// Waits for what goes on after an answer.
pub(crate) async fn all_is_done(server: &TestServer) {
    let patience = Duration::from_secs(20);
    assert!(server.app.engine.deeds_done(patience).await);
}
