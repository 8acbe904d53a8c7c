//! The contract suite: what every backend must do, concurrency included.
//!
//! It has the same division as the traits. A backend's tests call [`contract_tests!`](crate::contract_tests) with an expression that makes an empty ledger.

mod accounts;
mod checks;
mod commits;
mod deliveries;
mod feed;
mod forgetting;
mod inbox;
mod mended;
mod order;
mod outcomes;
mod replays;
mod sample;
mod second_factors;
mod sessions;
mod settings;
mod tampered;
mod upkeep;

pub use accounts::*;
pub use checks::*;
pub use commits::*;
pub use deliveries::*;
pub use feed::*;
pub use forgetting::*;
pub use inbox::*;
pub use mended::*;
pub use order::*;
pub use outcomes::*;
pub use replays::*;
pub use sample::*;
pub use second_factors::*;
pub use sessions::*;
pub use settings::*;
pub use tampered::*;
pub use upkeep::*;

/// Makes one test of each promise. `$make` is an async block that answers an `Arc<dyn Ledger>` over an empty store, which
/// it keeps alive.
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests! { @each $make;
            what_is_committed_is_loaded, a_message_told_twice_is_written_once, a_stale_version_writes_nothing, of_concurrent_commits_one_wins,
            a_chain_has_one_owner, an_event_key_is_used_once, known_keys_are_found, a_parked_message_waits_and_is_processed_once,
            parked_messages_are_listed_by_page, parked_messages_are_made_due_by_app, parked_messages_are_counted_by_app, waiting_receipts_are_counted_by_app, the_archive_has_everything_in_the_order_of_its_commits, chains_are_found_when_due,
            a_customers_deliveries_wait_for_each_other, nobody_waits_for_ever_behind_one_that_is_never_accepted, patience_counts_no_time_in_which_nothing_could_go,
            a_line_is_kept_whatever_made_it_due_at_once, what_is_tried_again_by_hand_has_its_place_in_line, what_is_tried_again_by_hand_waits_no_longer_than_others, without_order_nothing_waits,
            each_endpoint_has_a_line_of_its_own, another_customers_delivery_can_be_asked_for, what_its_endpoint_puts_off_stays_first_and_is_no_retry,
            what_rests_is_roused_by_when_it_was_last_tried_and_in_its_turn, what_is_tried_before_its_time_rests_on_and_is_no_retry, what_lacked_settings_is_tried_again_with_their_commit, what_failed_with_settings_that_were_replaced_is_due_again, settings_that_are_saved_while_attempts_fail_leave_none_behind, a_clock_that_is_set_back_delays_nothing, a_clock_that_is_set_back_keeps_no_message_waiting, a_clock_that_is_set_back_passes_over_no_look_at_a_purchase, a_lease_runs_out_and_the_late_settler_is_fenced, concurrent_claimers_never_share,
            a_backlog_of_one_integration_hides_no_other, a_retry_is_not_due_before_its_time, lanes_with_something_due_are_found, leases_that_were_not_used_are_given_back, what_is_given_back_has_its_place_again, a_lease_that_another_took_up_is_not_given_back, failed_deliveries_are_tried_again_on_request, old_attempts_are_forgotten, what_nodes_hear_of_endpoints_adds_up, what_was_heard_of_an_endpoint_goes_with_it, old_entries_of_the_log_are_forgotten, an_edition_only_rises, the_latest_time_goes_back_only_with_a_clock, what_is_held_is_looked_at,
            a_failed_write_disturbs_no_neighbour, readers_by_cursor_see_every_event_once, the_feed_filters, attempts_and_requests_are_kept, what_was_told_and_what_runs_is_counted, customers_are_found_by_id_and_name,
            a_chain_is_found_under_all_its_ids, purchases_pass_from_customer_to_customer, a_merged_customer_leads_to_the_other,
            a_forgotten_customer_leaves_only_facts, what_was_answered_about_a_forgotten_customer_is_gone, an_attempt_at_what_names_a_customer_forgotten_meanwhile_records_no_name, of_an_attempt_and_forgetting_at_once_no_name_is_left, the_log_does_not_name_a_forgotten_customer, marks_and_rates_are_kept, a_key_that_took_the_place_of_another_is_remembered,
            a_replay_queues_in_order_and_each_step_once, a_replay_that_is_asked_for_again_is_the_one_there_is, replays_are_listed_by_page, a_span_of_time_is_found,
            sessions_end, sessions_of_a_user_are_bounded, of_many_sessions_at_once_no_more_are_left, a_session_is_opened_for_the_account_as_it_is, no_session_outlives_the_password_it_was_opened_with, a_part_of_a_user_is_changed_alone, an_address_has_an_account_for_each_reach, what_was_done_is_logged_without_secrets, what_was_done_is_told_to_whom_it_concerns,
            a_session_is_prolonged_while_it_lasts, a_second_factor_is_used_once, of_many_with_one_code_one_is_let_in, a_code_is_used_up_with_what_it_opens, of_many_second_factors_at_once_one_is_given, a_second_factor_goes_with_its_member, configuration_changes_are_optimistic, removing_an_integration_fails_what_it_had_not_sent, what_waits_for_an_integration_that_is_gone_fails,
        }
    };
    (@each $make:expr; $($name:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            $crate::contract::$name($make.await).await;
        }
    )*};
}
