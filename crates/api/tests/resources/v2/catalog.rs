//! What is sold, what it unlocks, what is offered.

use crate::server;
use insta::assert_snapshot;
use web::test::Who;

#[tokio::test]
async fn is_listed_and_shown() {
    let server = server().await;
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::BoundReadKey));
    for what in [
        "entitlements",
        "entitlements/premium",
        "entitlements/premium/products",
        "products?limit=1",
        "products?starting_after=gold&limit=1",
        "products/gold",
        "offerings",
        "offerings/summer",
        "offerings/none",
    ] {
        told.get(&format!("/v2/projects/acme/{what}")).await;
    }
    assert_snapshot!(told);
}
