use crate::{answered, known, ready, repeatable};
use destinations::Outcome;
use domain::{EventKind, Message};
use serde_json::json;

#[test]
fn revenuecat_tells_trials_under_the_names_of_purchases() {
    let settings = json!({ "server_secret": "secret", "names": "revenuecat" });
    let configured = ready("statsig", &settings);
    for (kind, name) in [
        (EventKind::TrialStarted, "rc_initial_purchase_event"),
        (EventKind::TrialConverted, "rc_renewal_event"),
        (EventKind::TrialRenewalCancelled, "rc_cancellation_event"),
        (EventKind::Transfer, "rc_transfer_event"),
    ] {
        let planned = configured.plan(&known::event(kind));
        assert_eq!(planned, Ok(vec![Message::named(name)]));
    }
}

#[test]
fn success_that_is_none_is_tried_again() {
    let configured = ready("statsig", &json!({ "server_secret": "secret" }));
    let answered = answered(configured.as_ref(), 202, r#"{"success":false}"#);
    assert_eq!(answered, Outcome::Retry(None));
    let renewed = known::event(EventKind::SubscriptionRenewed);
    assert_eq!(repeatable(configured.as_ref(), &renewed), [false]);
}
