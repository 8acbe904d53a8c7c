//! The customer of a commit, its names, and what passes to it from another.

use super::stop::Stop;
use crate::{codec::Key, statement::execute};
use domain::ProjectId;
use ledger::{CustomerWrite, Handover, PassingChain};
use rusqlite::{Connection, params};

/// Whom a purchase leads to from now on. Its index is named, as where it is looked up: the primary key begins as it does, and by that every
/// chain of an app would be walked.
const LEADS_ELSEWHERE: &str = "UPDATE chains INDEXED BY chains_by_chain SET customer = ?5
    WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4";

/// Raises the version, or makes the customer.
pub(super) fn write(
    connection: &Connection,
    project: ProjectId,
    write: &CustomerWrite,
    body: &str,
) -> Result<(), Stop> {
    let (id, project) = (write.customer.id.key(), project.key());
    let alias = |name: &str| {
        execute(
            connection,
            "INSERT INTO aliases (project, app_user_id, customer) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![project, name, id],
        )
    };
    let written = if let Some(version) = write.loaded_version {
        execute(
            connection,
            "UPDATE customers SET version = version + 1, seq = ?3, body = ?4 WHERE id = ?1 AND version = ?2",
            params![id, version, write.seq, body],
        )?
    } else {
        let created = execute(
            connection,
            "INSERT INTO customers (id, project, version, seq, body) VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT DO NOTHING",
            params![id, project, write.seq, body],
        )?;
        created.min(alias(&write.customer.app_user_id)?)
    };
    if written == 0 {
        return Err(Stop::Conflict);
    }
    for name in &write.customer.aliases {
        alias(name)?;
    }
    Ok(())
}

/// Moves purchases, and perhaps names, from one customer to another.
pub(super) fn hand_over(
    connection: &Connection,
    handover: &Handover,
    body: &str,
    to: [u8; 16],
) -> Result<(), Stop> {
    let from = handover.from.customer.id.key();
    let merged_into = handover.absorbed.then_some(to);
    let current = execute(
        connection,
        "UPDATE customers SET version = version + 1, seq = ?3, body = ?4, merged_into = ?5 WHERE id = ?1 AND version = ?2",
        params![
            from,
            handover.from.loaded_version,
            handover.from.seq,
            body,
            merged_into
        ],
    )?;
    if current == 0 {
        return Err(Stop::Conflict);
    }
    for PassingChain { app, key: chain } in &handover.chains {
        let which = params![from, app.key(), chain.environment.id(), chain.id, to];
        execute(connection, LEADS_ELSEWHERE, which)?;
        execute(
            connection,
            "UPDATE transactions SET customer = ?5 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
            which,
        )?;
        execute(
            connection,
            "UPDATE purchases SET customer = ?5, formers = json_insert(coalesce(formers, '[]'), '$[#]', ?6)
             WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
            params![
                from,
                app.key(),
                chain.environment.id(),
                chain.id,
                to,
                handover.from.customer.id.to_string()
            ],
        )?;
    }
    if handover.absorbed {
        execute(
            connection,
            "UPDATE aliases SET customer = ?2 WHERE customer = ?1",
            params![from, to],
        )?;
        execute(
            connection,
            "UPDATE customers SET merged_into = ?2 WHERE merged_into = ?1",
            params![from, to],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::LEADS_ELSEWHERE;
    use crate::statement::searched;

    #[test]
    fn a_purchase_that_passes_is_found_among_any_number() {
        let by_chain =
            "SEARCH chains USING INDEX chains_by_chain (app=? AND environment=? AND chain=?)";
        assert_eq!(searched(LEADS_ELSEWHERE), [by_chain]);
    }
}
