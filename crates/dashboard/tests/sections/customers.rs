//! Customers: the list, each one's page, access that is given and taken back, purchases that move, forgetting.

use crate::{lived, sent, shown, shown_new, told};
use insta::assert_snapshot;
use web::test::Who;

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("customers", shown(&server, "/customers").await);
    assert_snapshot!("customer", shown(&server, "/customers/bob").await);
    assert_snapshot!("new_customers", shown_new(&server, "/customers").await);
    let missing = server.page("/projects/acme/customers/nobody").await;
    assert_eq!(missing.status, 404, "{missing}");
}

#[tokio::test]
async fn one_is_found_by_any_name_and_from_any_project() {
    let server = lived().await;
    let found = server.page("/projects/acme/customers?who=+ann+").await;
    assert_eq!(told(&found), "303 /projects/acme/customers/ann");
    let linked = server.page("/customers/ann").await;
    assert_eq!(told(&linked), "303 /projects/acme/customers/ann");
    let unreached = server.by(Who::OtherOwner).get("/customers/ann").await;
    assert_eq!(told(&unreached), "404 there is no customer \"ann\"");
    let unknown = shown(&server, "/customers?who=zoe").await;
    assert!(unknown.contains("zoe"), "{unknown}");
}

#[tokio::test]
async fn are_given_access_and_lose_it() {
    let server = lived().await;
    let path = "/customers/cleo";
    let given = [("entitlement", "premium"), ("days", "30")];
    assert_eq!(
        sent(&server, &format!("{path}/grant"), &given).await,
        "303 /projects/acme/customers/cleo?notice=granted"
    );
    assert!(shown(&server, path).await.contains("Take back"));
    assert_eq!(
        sent(&server, &format!("{path}/revoke"), &given[..1]).await,
        "303 /projects/acme/customers/cleo?notice=revoked"
    );
    assert!(!shown(&server, path).await.contains("Take back"));
    for (days, problem) in [
        ("soon", "is not a number of days"),
        ("0", "lies between 1 and 36500; empty means for ever"),
    ] {
        let fields = [("entitlement", "premium"), ("days", days)];
        let refused = sent(&server, &format!("{path}/grant"), &fields).await;
        assert_eq!(refused, format!("422 days: {problem}"));
    }
}

#[tokio::test]
async fn pass_purchases_on() {
    let server = lived().await;
    assert_eq!(
        sent(&server, "/customers/ann/transfer", &[("to", " eve ")]).await,
        "303 /projects/acme/customers/eve?notice=moved"
    );
    assert!(shown(&server, "/customers/eve").await.contains("premium"));
}

#[tokio::test]
async fn are_forgotten_by_whoever_types_the_name() {
    let server = lived().await;
    let path = "/customers/ann/forget";
    assert_eq!(
        sent(&server, path, &[("sure", "an")]).await,
        "422 sure: type the customer's id to forget it; nothing was changed"
    );
    assert_eq!(
        sent(&server, path, &[("sure", "ann")]).await,
        "303 /projects/acme/customers?notice=forgotten"
    );
    let missing = server.page("/projects/acme/customers/ann").await;
    assert_eq!(missing.status, 404, "{missing}");
}
