//! Apple's models, read field for field.

use super::*;
use crate::apple::facts;
use domain::fact::{Discount, OfferCategory, Status, TransactionReason};

/// Every field of a transaction that is documented for what renews. Source: Apple, JWSTransactionDecodedPayload, read in November 2026.
const TRANSACTION: &str = r#"{
    "transactionId": "1000002", "originalTransactionId": "1000001", "webOrderLineItemId": "5000001", "bundleId": "com.example.app",
    "productId": "gold.monthly", "subscriptionGroupIdentifier": "777", "purchaseDate": 1772445600000,
    "originalPurchaseDate": 1769767200000, "expiresDate": 1775124000000, "quantity": 1, "type": "Auto-Renewable Subscription",
    "appAccountToken": "11111111-2222-4333-8444-555555555555", "inAppOwnershipType": "PURCHASED", "signedDate": 1772445601000,
    "revocationReason": 1, "revocationDate": 1772532000000, "revocationPercentage": 40000, "isUpgraded": true, "offerType": 1,
    "offerIdentifier": "spring", "offerDiscountType": "PAY_AS_YOU_GO", "offerPeriod": "P1M", "environment": "LocalTesting",
    "transactionReason": "PURCHASE", "storefront": "CHE", "storefrontId": "143459", "price": 10990, "currency": "USD",
    "appTransactionId": "42", "billingPlanType": "MONTHLY",
    "commitmentInfo": { "billingPeriodNumber": 3, "commitmentExpiresDate": 1798711200000, "commitmentPrice": 119880, "totalBillingPeriods": 12 }
}"#;

/// The same of a renewal. Source: Apple, JWSRenewalInfoDecodedPayload, read in November 2026.
const RENEWAL: &str = r#"{
    "originalTransactionId": "1000001", "productId": "gold.monthly", "autoRenewProductId": "gold.yearly", "autoRenewStatus": 1,
    "expirationIntent": 1, "isInBillingRetryPeriod": true, "priceIncreaseStatus": 0, "gracePeriodExpiresDate": 1775210400000,
    "offerType": 2, "offerIdentifier": "spring", "offerDiscountType": "PAY_AS_YOU_GO", "offerPeriod": "P1Y",
    "eligibleWinBackOfferIds": ["back.1", "back.2"], "signedDate": 1775127600000, "environment": "LocalTesting",
    "recentSubscriptionStartDate": 1769767200000, "renewalDate": 1775124000000, "renewalPrice": 99990, "currency": "USD",
    "appTransactionId": "42", "appAccountToken": "11111111-2222-4333-8444-555555555555", "renewalBillingPlanType": "MONTHLY",
    "commitmentInfo": { "commitmentAutoRenewProductId": "gold.yearly", "commitmentAutoRenewStatus": 1, "commitmentRenewalDate": 1798711200000 }
}"#;

/// Envelopes: about a purchase, about an external purchase, about a child whose parents take back their consent. Source: Apple,
/// responseBodyV2DecodedPayload, read in November 2026.
const NOTIFICATIONS: [&str; 3] = [
    r#"{ "notificationType": "SUBSCRIBED", "subtype": "INITIAL_BUY", "notificationUUID": "n-1", "version": "2.0", "signedDate": 1772445601000,
        "data": { "environment": "LocalTesting", "appAppleId": 4, "bundleId": "com.example.app", "bundleVersion": "1.2", "status": 1,
        "signedTransactionInfo": "a.b.c", "signedRenewalInfo": "d.e.f" } }"#,
    r#"{ "notificationType": "EXTERNAL_PURCHASE_TOKEN", "subtype": "UNREPORTED", "notificationUUID": "n-1", "version": "2.0",
        "signedDate": 1772445601000, "externalPurchaseToken": { "externalPurchaseId": "e-1", "tokenCreationDate": 1772445600000,
        "appAppleId": 4, "bundleId": "com.example.app" } }"#,
    r#"{ "notificationType": "RESCIND_CONSENT", "notificationUUID": "n-1", "version": "2.0", "signedDate": 1772445601000,
        "appData": { "environment": "LocalTesting", "appAppleId": 4, "bundleId": "com.example.app", "signedAppTransactionInfo": "a.b.c" } }"#,
];

#[test]
fn apples_models_are_read_field_for_field() {
    let transaction = facts::transaction(&serde_json::from_str(TRANSACTION).unwrap());
    assert_eq!(
        (transaction.id.as_str(), transaction.product.as_str()),
        ("1000002", "gold.monthly")
    );
    assert_eq!(transaction.price.unwrap().to_string(), "$10.99");
    let at = |at: Timestamp| at.as_millisecond();
    assert_eq!(
        (
            at(transaction.purchased_at),
            at(transaction.original_purchased_at),
            transaction.expires_at.map(at),
            at(transaction.version),
        ),
        (
            1_772_445_600_000,
            1_769_767_200_000,
            Some(1_775_124_000_000),
            1_772_445_601_000
        )
    );
    let revocation = transaction.revocation.unwrap();
    assert_eq!(
        (at(revocation.at), revocation.percentage),
        (1_772_532_000_000, Some(40_000))
    );
    let offer = transaction.offer.unwrap();
    assert_eq!(
        (offer.category, offer.discount, offer.id.as_deref()),
        (
            Some(OfferCategory::Introductory),
            Some(Discount::PayAsYouGo),
            Some("spring")
        )
    );
    assert!(transaction.upgraded);
    assert_eq!(transaction.country.as_deref(), Some("CH"));
    assert_eq!(transaction.reason, Some(TransactionReason::Purchase));
    let renewal: Renewal = serde_json::from_str(RENEWAL).unwrap();
    let renewal = facts::renewal(&renewal, Some(4));
    assert_eq!(
        (renewal.auto_renew, renewal.status, renewal.in_retry),
        (Some(true), Some(Status::Grace), Some(true))
    );
    assert_eq!(renewal.next_product.as_deref(), Some("gold.yearly"));
    assert_eq!(renewal.grace_ends_at.map(at), Some(1_775_210_400_000));
    for payload in NOTIFICATIONS {
        let payload: Payload = serde_json::from_str(payload).unwrap();
        assert_eq!(payload.notification_uuid, "n-1");
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
