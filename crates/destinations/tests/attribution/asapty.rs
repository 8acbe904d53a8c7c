//! Asapty.

use super::{configured, event, lacks, means, sent};
use domain::EventKind;
use serde_json::{Value, json};

const ADS: &[(&str, &str)] = &[
    ("$appleAdsCampaignId", "542370539"),
    ("$appleAdsKeywordId", "-1"),
];

fn settings() -> Value {
    json!({ "asapty_id": "asp1" })
}

/// The value of `json` in the query.
fn value(url: &str) -> Value {
    let text = url.split_once("json=").unwrap().1;
    let text = text
        .replace("%7B", "{")
        .replace("%7D", "}")
        .replace("%22", "\"");
    serde_json::from_str(&text.replace("%3A", ":").replace("%2C", ",")).unwrap()
}

#[test]
fn an_id_that_stands_for_none_is_left_out() {
    let configured = configured("asapty", &settings());
    let url = sent(configured.as_ref(), &event(EventKind::TrialStarted, &[ADS]))
        .unwrap()
        .url;
    assert!(
        url.contains("campaignid=542370539") && !url.contains("keywordid"),
        "{url}"
    );
    let none = event(EventKind::TrialStarted, &[&[("$appleAdsCampaignId", "-1")]]);
    assert!(lacks(configured.as_ref(), &none).contains("$appleAdsCampaignId"));
}

#[test]
fn a_refund_is_of_nothing() {
    let configured = configured("asapty", &settings());
    for (kind, revenue) in [
        (EventKind::SubscriptionRenewed, "5.99"),
        (EventKind::SubscriptionRefunded, "0"),
    ] {
        let url = sent(configured.as_ref(), &event(kind, &[ADS])).unwrap().url;
        let value = value(&url);
        assert_eq!(value["af_revenue"], revenue);
        assert_eq!(value["af_currency"], "USD");
    }
}

#[test]
fn the_body_and_not_the_status_says_no() {
    let configured = configured("asapty", &settings());
    assert_eq!(
        means(
            configured.as_ref(),
            200,
            &json!({ "result": { "status": "OK" } })
        ),
        "delivered"
    );
    assert_eq!(
        means(
            configured.as_ref(),
            200,
            &json!({ "result": { "status": "ERROR" } })
        ),
        "rejected"
    );
    let request = sent(configured.as_ref(), &event(EventKind::TrialStarted, &[ADS])).unwrap();
    assert!(
        !request.shown_url().contains("asp1"),
        "{}",
        request.shown_url()
    );
}
