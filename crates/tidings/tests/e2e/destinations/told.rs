//! A purchase is told everywhere.

use super::{Shop, settings};
use simulator::Mode;

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_reaches_every_destination_as_its_vendor_wants_it() {
    let keys = settings::all();
    let shop = Shop::telling(&keys).await;
    shop.buy("order-1").await;
    let states = shop.until("order-1", &keys, "delivered").await;
    for key in &keys {
        let seen = shop.vendors.last(key);
        assert!(!seen.is_empty(), "{key} saw nothing");
        for request in &seen {
            assert_eq!(
                (request.answered, request.wrong.as_deref()),
                (Mode::Accepted, None),
                "{key}: {request:?}"
            );
        }
        // Nothing is left to be said of it, and nothing of the key is shown.
        let state = &states[*key];
        assert_eq!(state["text"], "Delivered.", "{key}");
        let id = state["delivery"].as_str().unwrap();
        let path = format!("/projects/acme/deliveries/{id}");
        let detail = shop.api.get(&path).await.to_string();
        assert!(!detail.contains(settings::KEY), "{key}: {detail}");
    }
}
