use crate::{all, answered, body, first, known, ready, repeatable, unsendable, with, without};
use destinations::Outcome;
use domain::{Environment, EventKind, NotSent};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn by_token(more: Value) -> Box<dyn destinations::Configured> {
    let mut settings = json!({ "project_token": "tok" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    ready("mixpanel", &settings)
}

#[test]
fn events_are_imported_by_a_token_or_by_a_service_account() {
    let event = known::event(EventKind::SubscriptionStarted);
    let by_token = first(by_token(json!({})).as_ref(), &event);
    assert_eq!(by_token.url, "https://api.mixpanel.com/import?strict=1");
    // `tok:` and `svc:key`, in base64.
    let authorization = |request: &destinations::Request| {
        let mut headers = request.headers.iter();
        let header = headers.find(|header| header.name == "authorization");
        header.map(|header| header.value.clone())
    };
    assert_eq!(authorization(&by_token).as_deref(), Some("Basic dG9rOg=="));
    let account = json!({ "service_account": "svc", "service_secret": "key", "project_id": "7", "region": "in" });
    let by_account = first(ready("mixpanel", &account).as_ref(), &event);
    assert_eq!(
        by_account.url,
        "https://api-in.mixpanel.com/import?strict=1&project_id=7"
    );
    assert_eq!(
        authorization(&by_account).as_deref(),
        Some("Basic c3ZjOmtleQ==")
    );
}

#[test]
fn what_is_missing_is_named() {
    let event = known::event(EventKind::SubscriptionStarted);
    for (settings, missing) in [
        (json!({}), "project_token"),
        (json!({ "service_account": "svc" }), "service_secret"),
        (
            json!({ "service_account": "svc", "service_secret": "key" }),
            "project_id",
        ),
    ] {
        let configured = ready("mixpanel", &settings);
        let expected = format!("missing_credentials: {missing} is not set");
        assert_eq!(unsendable(configured.as_ref(), &event), expected);
        assert!(configured.endpoints().is_empty());
    }
    let mut sandbox = event;
    sandbox.environment = Environment::Sandbox;
    let configured = by_token(json!({}));
    assert_eq!(configured.plan(&sandbox), Err(NotSent::EventDisabled));
}

/// An append has no id that would tell a repetition.
#[test]
fn an_amount_goes_to_the_profile_behind_its_event_and_is_not_repeated() {
    let configured = by_token(json!({ "profile_revenue": true }));
    let refund = known::event(EventKind::SubscriptionRefunded);
    let urls: Vec<_> = all(configured.as_ref(), &refund)
        .into_iter()
        .map(|request| request.unwrap().url)
        .collect();
    assert_eq!(
        urls,
        [
            "https://api.mixpanel.com/import?strict=1",
            "https://api.mixpanel.com/engage?verbose=1"
        ]
    );
    assert_eq!(repeatable(configured.as_ref(), &refund), [true, false]);
    let repeating = by_token(json!({ "profile_revenue": true, "repeat_unconfirmed": true }));
    assert_eq!(repeatable(repeating.as_ref(), &refund), [true, true]);
    let expired = known::event(EventKind::SubscriptionExpired);
    assert_eq!(all(configured.as_ref(), &expired).len(), 1);
    let quiet = by_token(json!({}));
    assert_eq!(all(quiet.as_ref(), &refund).len(), 1);
}

#[test]
fn revenue_is_zero_where_nothing_moved_and_absent_where_nobody_knows() {
    let configured = by_token(json!({}));
    let expired = known::event(EventKind::SubscriptionExpired);
    assert_eq!(
        body(configured.as_ref(), &expired)[0]["properties"]["revenue"],
        0
    );
    let mut unknown = known::event(EventKind::SubscriptionRenewed);
    let transaction = unknown.transaction.as_mut().unwrap();
    (transaction.price, transaction.price_usd) = (None, None);
    let told = body(configured.as_ref(), &unknown);
    assert!(told[0]["properties"].get("revenue").is_none(), "{told}");
}

#[test]
fn what_was_sent_for_nobody_is_not_sent() {
    let configured = by_token(json!({}));
    let event = known::event(EventKind::SubscriptionStarted);
    let placeholder = with(event.clone(), &[("$mixpanelDistinctId", "NULL")]);
    assert_eq!(
        body(configured.as_ref(), &placeholder)[0]["properties"]["distinct_id"],
        "12345"
    );
    let mut nobody = without(event, &["$mixpanelDistinctId"]);
    nobody.customer.app_user_id = "00000000-0000-0000-0000-000000000000".into();
    assert!(
        unsendable(configured.as_ref(), &nobody)
            .starts_with("missing_customer_data: the customer has no $mixpanelDistinctId")
    );
}

#[test]
fn events_of_any_age_are_taken_and_those_of_more_than_an_hour_ahead_wait() {
    let window = by_token(json!({})).window();
    assert_eq!(window.oldest, None);
    assert_eq!(window.ahead, Some(SignedDuration::from_hours(1)));
}

/// `/engage` says no with 200, as a digit or in words; `/import` says with 400 how many were taken.
#[test]
fn what_is_refused_with_200_is_refused() {
    let configured = by_token(json!({}));
    let answered = |status, body| answered(configured.as_ref(), status, body);
    for refused in ["0", r#"{"status":0,"error":"no"}"#] {
        assert!(matches!(answered(200, refused), Outcome::Rejected(_)));
    }
    for taken in ["1", r#"{"status":1,"error":null}"#, "", "[]"] {
        assert_eq!(answered(200, taken), Outcome::Delivered);
    }
    let partly = r#"{"num_records_imported":1,"failed_records":[{"message":"too long"}]}"#;
    assert_eq!(
        answered(400, partly),
        Outcome::Partly("Mixpanel answered 400: too long".into())
    );
    let none = r#"{"num_records_imported":0,"failed_records":[{"message":"too long"}]}"#;
    assert_eq!(
        answered(400, none),
        Outcome::Rejected("Mixpanel answered 400: too long".into())
    );
    assert!(matches!(answered(401, ""), Outcome::CredentialsRefused(_)));
}
