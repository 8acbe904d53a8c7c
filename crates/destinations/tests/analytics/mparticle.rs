use crate::{body, first, known, ready, repeatable, unsendable, with};
use domain::{EventKind, Store};
use serde_json::json;

fn ios() -> Box<dyn destinations::Configured> {
    ready(
        "mparticle",
        &json!({ "ios_key": "key", "ios_secret": "secret" }),
    )
}

/// As floats both would end in other digits.
#[test]
fn the_number_of_a_customer_is_told_to_the_last_digit() {
    let event = known::event(EventKind::SubscriptionStarted);
    for id in ["9223372036854775807", "-9223372036854775808"] {
        let event = with(event.clone(), &[("$mparticleId", id)]);
        let body = String::from_utf8(first(ios().as_ref(), &event).body).unwrap();
        assert!(body.contains(&format!(r#""mpid":{id},"#)), "{body}");
    }
    for no_number in ["abc", "9223372036854775808", "1.5"] {
        let event = with(event.clone(), &[("$mparticleId", no_number)]);
        let told = body(ios().as_ref(), &event);
        assert!(told.get("mpid").is_none(), "{told}");
        assert_eq!(told["user_identities"]["customer_id"], "12345");
    }
}

#[test]
fn a_device_that_may_not_be_followed_is_not_identified() {
    let event = known::event(EventKind::SubscriptionStarted);
    let denied = with(event.clone(), &[("$attConsentStatus", "denied")]);
    let told = body(ios().as_ref(), &denied);
    assert!(told["device_info"].get("ios_advertising_id").is_none());
    assert_eq!(told["device_info"]["att_authorization_status"], "denied");
    let zero = "00000000-0000-0000-0000-000000000000";
    let told = body(ios().as_ref(), &with(event, &[("$idfa", zero)]));
    assert!(told["device_info"].get("ios_advertising_id").is_none());
}

#[test]
fn an_amount_is_that_of_all_items() {
    let mut event = known::event(EventKind::NonSubscriptionPurchase);
    event.transaction.as_mut().unwrap().quantity = 3;
    let told = body(ios().as_ref(), &event);
    let action = &told["events"][0]["data"]["product_action"];
    assert_eq!(action["total_amount"], 5.99);
    assert_eq!(
        action["products"],
        json!([{ "id": "monthly_1", "quantity": 3 }])
    );
}

#[test]
fn without_an_amount_nothing_is_bought() {
    let mut event = known::event(EventKind::SubscriptionRenewed);
    let transaction = event.transaction.as_mut().unwrap();
    (transaction.price, transaction.price_usd) = (None, None);
    let told = body(ios().as_ref(), &event);
    assert_eq!(told["events"][0]["event_type"], "custom_event");
    assert_eq!(
        told["events"][0]["data"]["event_name"],
        "subscription_renewed"
    );
}

#[test]
fn each_platform_has_a_feed() {
    let mut event = known::event(EventKind::SubscriptionStarted);
    event.app.as_mut().unwrap().store = Store::PlayStore;
    assert_eq!(
        unsendable(ios().as_ref(), &event),
        "missing_credentials: android_key is not set"
    );
}

#[test]
fn what_moves_money_is_not_repeated() {
    let renewed = known::event(EventKind::SubscriptionRenewed);
    let expired = known::event(EventKind::SubscriptionExpired);
    assert_eq!(repeatable(ios().as_ref(), &renewed), [false]);
    assert_eq!(repeatable(ios().as_ref(), &expired), [true]);
}
