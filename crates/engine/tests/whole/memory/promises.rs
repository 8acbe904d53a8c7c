//! The promises of the contract suite that a ledger in memory stands. It is one ledger more that the rules may rest on, and it must be no
//! other.

use super::MemoryLedger;
use std::{future::ready, sync::Arc};

ledger::contract_tests! {
    @each ready(Arc::new(MemoryLedger::default()));
    what_is_committed_is_loaded, a_message_told_twice_is_written_once, a_stale_version_writes_nothing, of_concurrent_commits_one_wins,
    a_chain_has_one_owner, an_event_key_is_used_once, known_keys_are_found, a_parked_message_waits_and_is_processed_once,
    parked_messages_are_listed_by_page, parked_messages_are_made_due_by_app, parked_messages_are_counted_by_app,
    waiting_receipts_are_counted_by_app, the_archive_has_everything_in_the_order_of_its_commits, chains_are_found_when_due,
    an_edition_only_rises, readers_by_cursor_see_every_event_once, customers_are_found_by_id_and_name,
    a_chain_is_found_under_all_its_ids, purchases_pass_from_customer_to_customer, a_merged_customer_leads_to_the_other,
    marks_and_rates_are_kept,
}
