//! Receipts as clients really send them. A client that is answered 4xx finishes the transaction, and the purchase is lost: so
//! nothing but who bought and what the store gave them may refuse one.

use crate::{
    sdk::V1,
    server::{AUTHORITY, Api, BUNDLE_ID, Site, now},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use simulator::{Authority, StoreReceipt};

/// A purchase as StoreKit 2 hands it to the app. Source: Apple, JWSTransactionDecodedPayload.
pub(crate) fn transaction(id: u64) -> String {
    let bought = now().as_millisecond();
    let ends = bought + 30 * 24 * 3_600_000;
    let payload = json!({
        "transactionId": id.to_string(), "originalTransactionId": id.to_string(), "bundleId": BUNDLE_ID,
        "productId": format!("{BUNDLE_ID}.monthly"), "purchaseDate": bought, "originalPurchaseDate": bought,
        "expiresDate": ends, "quantity": 1, "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED",
        "signedDate": bought, "environment": "LocalTesting", "transactionReason": "PURCHASE",
        "storefront": "USA", "price": 9990, "currency": "USD",
    });
    AUTHORITY.sign(&payload).unwrap()
}

/// What SDKs write beside `app_user_id` and `fetch_token`. Source: purchases-ios (`PostReceiptDataOperation`,
/// `ProductRequestData`, the snapshots of `BackendPostReceiptDataTests`), purchases-android (`Backend.postReceiptData`) and
/// purchases-js (`postReceipt`), each as of August 2026.
fn of_sdks() -> Vec<Value> {
    vec![
        // iOS, nothing known of the product: a purchase found in the queue.
        json!({
            "initiation_source": "queue", "is_restore": false, "observer_mode": false, "payload_version": 1,
            "purchase_completed_by": "revenuecat", "sdk_originated": false,
        }),
        // iOS, StoreKit 1 or 2, with everything that is known: decimals are texts.
        json!({
            "app_transaction": "a.signed.one", "applied_targeting_rule": { "revision": 1, "rule_id": "abc123" },
            "attributes": { "$attConsentStatus": { "updated_at_ms": 1_678_307_200_000_i64, "value": "authorized" } },
            "currency": "USD", "initiation_source": "purchase", "intro_duration": "P1W", "introductory_price": "4.99",
            "is_restore": false, "metadata": { "a": "b" }, "normal_duration": "P1M", "observer_mode": true,
            "offers": [{ "offer_identifier": "offerid", "payment_mode": 0, "price": "12.1" }], "payload_version": 1,
            "payment_mode": 0,
            "paywall": { "dark_mode": true, "display_mode": "full_screen", "locale": "en_US", "paywall_id": "p", "revision": 5, "session_id": "73616D70-6C65-2073-7472-696E67000000" },
            "presented_offering_identifier": "a_offering", "presented_placement_identifier": "a_placement",
            "price": "15.99", "product_id": "product_id", "purchase_completed_by": "my_app", "sdk_originated": true,
            "store_country": "ESP", "subscription_group_id": "sub_group",
            "test_receipt_identifier": "12345678-1234-1234-1234-C2C35AE34D09", "transaction_id": "12345",
        }),
        // iOS where the store did not say in which currency.
        json!({
            "attributes": { "$email": { "updated_at_ms": 1, "value": "" } }, "currency": null, "store_country": null,
            "initiation_source": "purchase", "is_restore": true, "observer_mode": false, "payload_version": 1,
            "price": "0", "product_id": "product_id", "purchase_completed_by": "revenuecat", "sdk_originated": true,
        }),
        // Android: numbers, lists of products, phases.
        json!({
            "product_ids": ["monthly"], "platform_product_ids": [{ "product_id": "monthly", "base_plan_id": "p1m" }],
            "is_restore": false, "presented_offering_identifier": "default", "observer_mode": false,
            "purchase_completed_by": "revenuecat", "price": 4.99, "currency": "EUR", "normal_duration": "P1M",
            "attributes": { "color": { "value": null, "updated_at_ms": 1_678_307_200_000_i64 } }, "store_user_id": "amzn",
            "pricing_phases": [{ "billingPeriod": "P1M", "billingCycleCount": 0, "formattedPrice": "$4.99", "priceAmountMicros": 4_990_000, "priceCurrencyCode": "USD", "recurrenceMode": 1 }],
            "proration_mode": "IMMEDIATE_WITH_TIME_PRORATION", "initiation_source": "purchase",
            "paywall": { "paywall_id": "p", "session_id": "s", "revision": 1, "display_mode": "FULL_SCREEN", "dark_mode": false, "locale": "en" },
            "sdk_originated": true, "payload_version": 1,
        }),
        // Web.
        json!({
            "product_id": "monthly", "currency": "USD", "presented_offering_identifier": "default",
            "presented_placement_identifier": null, "presented_workflow_id": null, "applied_targeting_rule": null,
            "initiation_source": "purchase", "paywall": { "paywall_id": "p" },
        }),
    ]
}

/// Values that no member is meant to have, as they would be written.
const ODD: [&str; 13] = [
    "null",
    "true",
    "-1",
    "1e999",
    "0.1",
    "\"\"",
    "\"-1\"",
    "\"NaN\"",
    "\"\\ud800\"",
    "[]",
    "[null, 7, {}]",
    "{}",
    "{\"a\": {\"value\": [], \"updated_at_ms\": \"soon\"}}",
];

/// Members that are read where they make sense.
const READ: [&str; 7] = [
    "product_id",
    "product_ids",
    "price",
    "currency",
    "attributes",
    "presented_offering_identifier",
    "create_events",
];

/// Others that clients send, and one that they do not send yet.
const PASSED_OVER: [&str; 26] = [
    "platform_product_ids",
    "introductory_price",
    "offers",
    "payment_mode",
    "normal_duration",
    "intro_duration",
    "trial_duration",
    "subscription_group_id",
    "pricing_phases",
    "proration_mode",
    "store_country",
    "store_user_id",
    "ip_address",
    "is_restore",
    "observer_mode",
    "purchase_completed_by",
    "initiation_source",
    "aad_attribution_token",
    "presented_placement_identifier",
    "presented_workflow_id",
    "applied_targeting_rule",
    "paywall",
    "app_transaction",
    "metadata",
    "should_update_last_seen_fields",
    "a_member_of_next_year",
];

/// The members of an object, as text without its braces.
fn members(object: &Value) -> String {
    let text = object.to_string();
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inner.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receipt_is_taken_whatever_stands_beside_user_and_token() {
    let site = Site::new(&[]);
    let server = site.serve();
    let api = Api::new(&site, &server, &["--project", "acme"]);
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let mut beside: Vec<String> = of_sdks().iter().map(members).collect();
    for odd in ODD {
        let each = READ.iter().map(|name| format!("\"{name}\": {odd}"));
        let all: Vec<_> = each
            .clone()
            .chain(PASSED_OVER.iter().map(|name| format!("\"{name}\": {odd}")))
            .collect();
        beside.extend(each);
        beside.push(all.join(","));
    }
    for (number, beside) in (1_000_u64..).zip(&beside) {
        let matters =
            json!({ "app_user_id": format!("user-{number}"), "fetch_token": transaction(number) });
        let body = format!("{{{}, {beside}}}", members(&matters));
        let (status, answer) = client.send_text("POST", "/receipts", Some(body)).await;
        assert_eq!(status, 200, "{beside}: {answer}");
        let bought = &answer["subscriber"]["entitlements"]["premium"]["product_identifier"];
        assert_eq!(
            *bought,
            format!("{BUNDLE_ID}.monthly"),
            "{beside}: {answer}"
        );
    }
    let events = api.events().await;
    let started = events
        .iter()
        .filter(|event| event["kind"] == "subscription_started");
    assert_eq!(started.count(), beside.len(), "each is told once");

    // What makes sense is used, also beside what does not.
    let body = json!({
        "app_user_id": "ann", "fetch_token": transaction(1), "price": {},
        "presented_offering_identifier": "summer",
        "attributes": {
            "color": { "value": "red", "updated_at_ms": "1000" }, "size": { "value": 42 }, "shape": { "value": ["round"] },
            "taste": "sweet", "sound": null, "$unknown": { "value": "x" },
        },
    });
    let (status, answer) = client
        .send_text("POST", "/receipts", Some(body.to_string()))
        .await;
    assert_eq!(status, 200, "{answer}");
    let customer = api.get("/projects/acme/customers/ann").await;
    assert_eq!(
        customer["customer"]["attributes"],
        // Newer SDKs have keys that are not known here.
        json!({ "$unknown": "x", "color": "red", "size": "42" })
    );

    // By themselves, attributes that cannot be read are told, and the others are kept.
    let body = json!({ "attributes": { "color": { "value": "blue" }, "shape": { "value": ["round"] }, "sound": null } });
    let (status, answer) = client
        .send_text(
            "POST",
            "/subscribers/ann/attributes",
            Some(body.to_string()),
        )
        .await;
    assert_eq!((status, &answer["code"]), (400, &json!(7263)), "{answer}");
    let told: Vec<_> = answer["attribute_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["key_name"])
        .collect();
    assert_eq!(told, ["shape", "sound"]);
    let customer = api.get("/projects/acme/customers/ann").await;
    assert_eq!(customer["customer"]["attributes"]["color"], "blue");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_bought_and_what_the_store_gave_are_required() {
    let site = Site::new(&[]);
    let server = site.serve();
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let token = transaction(1);
    for (body, code) in [
        (json!({}), 7226),
        (json!({ "fetch_token": token }), 7226),
        (json!({ "fetch_token": token, "app_user_id": null }), 7226),
        (json!({ "fetch_token": token, "app_user_id": 7 }), 7226),
        (
            json!({ "fetch_token": token, "app_user_id": ["ann"] }),
            7226,
        ),
        (json!({ "fetch_token": token, "app_user_id": "" }), 7220),
        (json!({ "fetch_token": token, "app_user_id": " " }), 7220),
        (json!({ "fetch_token": token, "app_user_id": "null" }), 7226),
        (json!({ "app_user_id": "ann" }), 7226),
        (json!({ "app_user_id": "ann", "fetch_token": null }), 7226),
        (json!({ "app_user_id": "ann", "fetch_token": 7 }), 7226),
        (json!({ "app_user_id": "ann", "fetch_token": {} }), 7226),
        (json!({ "app_user_id": "ann", "fetch_token": "" }), 7103),
        (
            json!({ "app_user_id": "ann", "fetch_token": "a.b.c" }),
            7103,
        ),
        (json!([]), 7226),
        (json!(null), 7226),
    ] {
        let (status, answer) = client
            .send_text("POST", "/receipts", Some(body.to_string()))
            .await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(code)),
            "{body}: {answer}"
        );
    }
}

/// The public key is in every copy of the app, and ids are in its logs: neither takes somebody's purchase away.
#[tokio::test(flavor = "multi_thread")]
async fn the_public_key_takes_nothing_by_naming_it() {
    let site = Site::new(&[]);
    let server = site.serve();
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let send = async |who: &str, token: &str| {
        let body = json!({ "app_user_id": who, "fetch_token": token });
        client.send("POST", "/receipts", Some(body)).await
    };
    let (status, answer) = send("ann", &transaction(1)).await;
    assert_eq!(status, 200, "{answer}");
    let forged = StoreReceipt {
        bundle_id: BUNDLE_ID,
        environment: "LocalTesting",
        created_at: now(),
        transactions: &[("1", "1")],
    };
    let forged = Authority::create().unwrap().sign_receipt(&forged).unwrap();
    for (token, expected) in [("1", (403, 7225)), (&forged, (400, 7103))] {
        let (status, answer) = send("eve", token).await;
        let code = answer["code"].as_i64().unwrap();
        assert_eq!((status, code), expected, "{answer}");
    }
    let (_, answer) = send("eve", "1").await;
    let why = answer["message"].as_str().unwrap();
    assert!(
        why.contains("not whose") && why.contains("secret key"),
        "{why}"
    );
    for (who, has) in [("ann", true), ("eve", false)] {
        let (_, answer) = client
            .send("GET", &format!("/subscribers/{who}"), None)
            .await;
        let premium = &answer["subscriber"]["entitlements"]["premium"];
        assert_eq!(premium.is_object(), has, "{who}: {answer}");
    }
}

/// What the App Store signs of the app itself. Source: Apple, `AppTransaction`.
fn app_transaction(bundle: &str, version: &str) -> String {
    let payload = json!({
        "receiptType": "LocalTesting", "appAppleId": 1_234_567_890, "bundleId": bundle, "applicationVersion": "3.0",
        "versionExternalIdentifier": 0, "receiptCreationDate": now().as_millisecond(), "originalPurchaseDate": 1_700_000_000_000_i64,
        "originalApplicationVersion": version, "deviceVerification": "AA==", "deviceVerificationNonce": "73616d70-6c65-2073-7472-696e67000000",
    });
    AUTHORITY.sign(&payload).unwrap()
}

/// purchases-ios asks so whenever it knows neither of the two values of somebody who bought nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_of_nothing_says_how_the_app_was_got() {
    let site = Site::new(&[]);
    let server = site.serve();
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let send = async |beside: Value| {
        let mut body = of_sdks().swap_remove(0);
        let members = body.as_object_mut().unwrap();
        members.insert("app_user_id".into(), json!("ann"));
        members.extend(beside.as_object().unwrap().clone());
        client.send("POST", "/receipts", Some(body)).await
    };
    let of = |answer: &Value| {
        let subscriber = &answer["subscriber"];
        ["original_application_version", "original_purchase_date"]
            .map(|name| subscriber[name].clone())
    };
    let got = [json!("1.4"), json!("2023-11-14T22:13:20Z")];
    let signed = app_transaction(BUNDLE_ID, "1.4");
    let (status, answer) = send(json!({ "app_transaction": signed })).await;
    assert_eq!((status, of(&answer)), (200, got.clone()), "{answer}");
    let (_, answer) = client.send("GET", "/subscribers/ann", None).await;
    assert_eq!(of(&answer), got);
    // By itself it has to be genuine, and of this app; beside a purchase it only advises.
    let other = app_transaction("com.example.other", "9");
    for wrong in [other.as_str(), "a.signed.one", "x"] {
        let (status, answer) = send(json!({ "app_transaction": wrong })).await;
        assert_eq!((status, &answer["code"]), (400, &json!(7103)), "{answer}");
        let both = json!({ "app_transaction": wrong, "fetch_token": transaction(7) });
        let (status, answer) = send(both).await;
        assert_eq!((status, of(&answer)), (200, got.clone()), "{answer}");
    }
    let both =
        json!({ "app_user_id": "eve", "app_transaction": signed, "fetch_token": transaction(8) });
    let (status, answer) = send(both).await;
    assert_eq!((status, of(&answer)), (200, got), "{answer}");
    for nothing in [
        json!({}),
        json!({ "app_transaction": null }),
        json!({ "app_transaction": 7 }),
    ] {
        let (status, answer) = send(nothing).await;
        assert_eq!((status, &answer["code"]), (400, &json!(7226)), "{answer}");
    }
}

/// purchases-ios makes one of everything that a StoreKit file in Xcode holds: base64 of JSON, in which each transaction is signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_a_storekit_file_holds_every_purchase() {
    let site = Site::new(&[]);
    let server = site.serve();
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let bundled = |transactions: &[String]| {
        let receipt = json!({
            "environment": "xcode", "bundle_id": BUNDLE_ID, "original_application_version": "1",
            "original_purchase_date": "1970-01-01T00:02:03Z", "transactions": transactions,
            "subscription_status": { "group": [{ "state": 1, "renewal_info": "a.b.c", "transaction": transactions.first() }] },
        });
        BASE64_STANDARD.encode(format!("{receipt:#}"))
    };
    let send = async |token: String| {
        let body = json!({ "app_user_id": "ann", "fetch_token": token });
        client.send("POST", "/receipts", Some(body)).await
    };
    let (status, answer) = send(bundled(&[])).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = send(bundled(&[transaction(1), transaction(2)])).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["subscriber"]["entitlements"]["premium"].is_object());
    let api = Api::new(&site, &server, &["--project", "acme"]);
    let ann = api.get("/projects/acme/customers/ann").await;
    assert_eq!(ann["purchases"].as_array().unwrap().len(), 2, "{ann}");
    let forged = Authority::create().unwrap();
    let forged = forged
        .sign(&json!({ "environment": "LocalTesting" }))
        .unwrap();
    let (status, answer) = send(bundled(&[forged])).await;
    assert_eq!((status, &answer["code"]), (400, &json!(7103)), "{answer}");
}

/// An app asks before it lets somebody pay for what would be refused to them.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_purchase_could_be_restored_is_told_without_moving_it() {
    let site = Site::new(&[]);
    let file = site.directory.join("project.toml");
    let keeps = std::fs::read_to_string(&file).unwrap();
    let keeps = keeps.replace(
        "key = \"acme\"",
        "key = \"acme\"\nsandbox_transfer_behaviour = \"keep\"",
    );
    std::fs::write(file, keeps).unwrap();
    site.run(&["apply", "project.toml"]);
    let server = site.serve();
    let client = V1 {
        url: server.url.clone(),
        key: site.run(&["keys", "client", "--project", "acme", "--app", "ios"]),
    };
    let body = json!({ "app_user_id": "ann", "fetch_token": transaction(1) });
    let (status, answer) = client.send("POST", "/receipts", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    for (who, id, may) in [("ann", 1, true), ("eve", 1, false), ("eve", 2, true)] {
        let path = format!("/subscribers/{who}/restore/eligibility");
        let body = json!({ "fetch_token": transaction(id) });
        let answer = client.send("POST", &path, Some(body)).await;
        let told = json!({ "is_purchase_allowed_by_restore_behavior": may });
        assert_eq!(answer, (200, told), "{who} {id}");
    }
    let eligible = json!({ "product_identifiers": ["a", "b"], "fetch_token": "AA==" });
    let path = "/subscribers/ann/intro_eligibility";
    let answer = client.send("POST", path, Some(eligible)).await;
    assert_eq!(answer, (200, json!({ "a": null, "b": null })));
}
