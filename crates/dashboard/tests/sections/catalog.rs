//! Products and what they unlock: the page, one by one, many at once, and entitlements.

use crate::{lived, sent, shown, shown_new};
use insta::assert_snapshot;
use web::test::TestServer;

const SAVED: &str = "303 /projects/acme/catalog?notice=saved";

/// Each product with its name and what it unlocks.
fn listed(server: &TestServer) -> Vec<String> {
    let (setup, project) = (server.app.engine.setup(), server.project("acme"));
    let rows = setup.configuration.products.iter();
    rows.filter(|row| row.project == project)
        .map(|row| format!("{} {} {}", row.id, row.name, row.entitlements.join("+")))
        .collect()
}

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("catalog", shown(&server, "/catalog").await);
    assert_snapshot!("new_catalog", shown_new(&server, "/catalog").await);
}

#[tokio::test]
async fn a_product_is_saved_with_what_it_unlocks() {
    let server = lived().await;
    let fields = [
        ("id", " gold "),
        ("name", "Gold!"),
        ("entitlements", "premium"),
    ];
    assert_eq!(sent(&server, "/catalog/products", &fields).await, SAVED);
    let fields = [("id", "bronze"), ("name", "")];
    assert_eq!(sent(&server, "/catalog/products", &fields).await, SAVED);
    assert_eq!(
        listed(&server),
        ["bronze bronze ", "gold Gold! premium", "silver silver "]
    );
    assert_eq!(
        sent(&server, "/catalog/products", &[("name", "Gold")]).await,
        "422 id: is empty; it is the product id as the store has it"
    );
    let fields = [("id", "gold"), ("entitlements", "gone")];
    let refused = sent(&server, "/catalog/products", &fields).await;
    assert!(refused.starts_with("422 products.gold"), "{refused}");
}

#[tokio::test]
async fn many_are_listed_one_a_line() {
    let server = lived().await;
    let fields = [("lines", "gold\r\n\r\n bronze, premium\r\n")];
    assert_eq!(sent(&server, "/catalog/list", &fields).await, SAVED);
    assert_eq!(
        listed(&server),
        ["bronze bronze premium", "gold Gold ", "silver silver "]
    );
    assert_eq!(
        sent(&server, "/catalog/list", &[("lines", " \r\n")]).await,
        "422 lines: is empty; each line is a product id and what it unlocks"
    );
}

#[tokio::test]
async fn those_that_were_ticked_gain_and_lose_an_entitlement_or_go() {
    let server = lived().await;
    let path = "/catalog/bulk";
    let fields = [
        ("products", "silver"),
        ("products", "sold"),
        ("entitlement", "premium"),
        ("do", "give"),
    ];
    assert_eq!(sent(&server, path, &fields).await, SAVED);
    assert_eq!(
        listed(&server),
        [
            "gold Gold premium",
            "silver silver premium",
            "sold sold premium"
        ]
    );
    let fields = [
        ("products", "gold"),
        ("entitlement", "premium"),
        ("do", "take"),
    ];
    assert_eq!(sent(&server, path, &fields).await, SAVED);
    let fields = [
        ("products", "sold"),
        ("products", "silver"),
        ("do", "remove"),
    ];
    assert_eq!(sent(&server, path, &fields).await, SAVED);
    assert_eq!(listed(&server), ["gold Gold "]);
    for (fields, problem) in [
        (
            &[("do", "give"), ("entitlement", "premium")][..],
            "products: tick at least one",
        ),
        (
            &[("products", "gold"), ("do", "burn")][..],
            "do: \"burn\" is none of give, take, remove",
        ),
        (
            &[
                ("products", "gold"),
                ("do", "give"),
                ("entitlement", "gone"),
            ][..],
            "entitlement: there is no \"gone\"",
        ),
    ] {
        let refused = sent(&server, path, fields).await;
        assert_eq!(refused, format!("422 {problem}"));
    }
}

#[tokio::test]
async fn an_entitlement_is_added() {
    let server = lived().await;
    let path = "/catalog/entitlements";
    let fields = [("key", "extra"), ("name", "Extra")];
    assert_eq!(sent(&server, path, &fields).await, SAVED);
    let page = shown(&server, "/catalog").await;
    assert!(page.contains("<strong>Extra</strong> <code>extra</code>"));
    let refused = sent(&server, path, &[("key", "Not a key")]).await;
    assert!(
        refused.starts_with("422 entitlements.Not a key"),
        "{refused}"
    );
}
