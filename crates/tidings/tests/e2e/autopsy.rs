//! What can be seen of a server that should do something and does not: told before a run fails, for its directory goes with it.

use crate::server::{Server, Site};
use std::fmt::Write as _;
use throwaway::Cluster;

/// Lines of the log that are shown.
const LINES: usize = 80;

/// What connections of the database do, who waits for whom, and how deliveries stand.
const QUESTIONS: [&str; 5] = [
    "select 'connections', state, wait_event_type, wait_event, count(*), max(now() - state_change), left(min(query), 120)
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() group by 2, 3, 4 order by 5 desc",
    "select 'waits for a lock', pid, pg_blocking_pids(pid), now() - query_start, left(query, 120)
     from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0",
    "select 'deliveries', status, turn, due_at <= extract(epoch from clock_timestamp()) * 1000000 as due, count(*),
       to_timestamp(min(due_at) / 1000000.0) from deliveries where status = 0 group by 2, 3, 4",
    "select 'leases', name, until - now() from leases",
    "select 'nodes of the last 15 s', count(*) from nodes where seen > now() - interval '15 s'",
];

/// The end of its log, what its threads wait for, and what its database says.
pub(crate) fn seen(site: &Site, server: &Server, cluster: Option<&Cluster>) -> String {
    let log = site.log();
    let lines: Vec<&str> = log.lines().collect();
    let mut text = lines[lines.len().saturating_sub(LINES)..].join("\n");
    let process = server.process.id();
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let told = |file: &str| {
            let told = std::fs::read_to_string(thread.path().join(file));
            told.unwrap_or_default().trim().to_owned()
        };
        let stat = told("stat");
        let state = stat.rsplit(')').next().unwrap_or_default();
        let state: String = state.trim().chars().take(1).collect();
        write!(text, "\n{state} {} {}", told("comm"), told("wchan")).unwrap();
    }
    for question in QUESTIONS {
        let Some(cluster) = cluster else { break };
        let answer = cluster.run_sql("t0", question);
        write!(
            text,
            "\n{}",
            answer.unwrap_or_else(|error| error.to_string())
        )
        .unwrap();
    }
    text
}
