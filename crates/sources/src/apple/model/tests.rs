//! Apple's models, read field for field.

use super::*;
use crate::apple::facts;
use domain::fact::{Discount, Status};

fn model(name: &str) -> Option<String> {
    let path = format!(
        "{}/../../../shared/vectors/apple/models/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).ok()
}

#[test]
fn apples_models_are_read_field_for_field() {
    let Some(transaction) = model("signedTransaction") else {
        return;
    };
    let transaction = facts::transaction(&serde_json::from_str(&transaction).unwrap());
    assert_eq!(
        (transaction.id.as_str(), transaction.product.as_str()),
        ("23456", "com.example.product")
    );
    assert_eq!(transaction.price.unwrap().to_string(), "$10.99");
    assert_eq!(
        transaction.revocation.unwrap().at.as_millisecond(),
        1_698_148_950_000
    );
    assert_eq!(
        transaction.offer.unwrap().discount,
        Some(Discount::PayAsYouGo)
    );
    assert!(transaction.upgraded);
    let renewal: Renewal = serde_json::from_str(&model("signedRenewalInfo").unwrap()).unwrap();
    let renewal = facts::renewal(&renewal, Some(4));
    assert_eq!(
        (renewal.auto_renew, renewal.status, renewal.in_retry),
        (Some(true), Some(Status::Grace), Some(true))
    );
    assert_eq!(
        renewal.next_product.as_deref(),
        Some("com.example.product.2")
    );
    for name in [
        "signedNotification",
        "signedExternalPurchaseTokenNotification",
        "signedRescindConsentNotification",
    ] {
        let payload: Payload = serde_json::from_str(&model(name).unwrap()).unwrap();
        assert_eq!(
            payload.notification_uuid,
            "002e14d5-51f5-4503-b5a8-c3a1af68eb20"
        );
    }
}

#[test]
fn a_time_that_is_none_is_left_out() {
    for none in ["null", "0", "0.5", "-62135769600000"] {
        let read: Renewal = serde_json::from_str(&format!(
            "{{\"originalTransactionId\":\"1\",\"environment\":\"Xcode\",\"signedDate\":1,\"gracePeriodExpiresDate\":{none},\"autoRenewProductId\":\"\"}}"
        ))
        .unwrap();
        assert_eq!(read.grace_period_expires_date, None, "{none}");
        assert_eq!(read.auto_renew_product_id, None);
    }
}

#[test]
fn times_with_a_fraction_are_truncated_and_absurd_ones_refused() {
    let read = |json: &str| {
        serde_json::from_str::<Renewal>(&format!(
            "{{\"originalTransactionId\":\"1\",\"environment\":\"Xcode\",\"signedDate\":{json}}}"
        ))
    };
    assert_eq!(
        read("1697679936049.7297")
            .unwrap()
            .signed_date
            .as_millisecond(),
        1_697_679_936_049
    );
    assert_eq!(
        read("-62135769600000")
            .unwrap()
            .signed_date
            .as_millisecond(),
        -62_135_769_600_000
    );
    for absurd in ["null", "\"x\"", "1e30", "99999999999999999999"] {
        assert!(read(absurd).is_err(), "{absurd}");
    }
}
