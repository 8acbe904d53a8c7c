//! Simulated lives: the form, beginning one, ending it.

use crate::{lived, sent, shown};
use insta::assert_snapshot;

const FIELDS: [(&str, &str); 6] = [
    ("script", "converts"),
    ("customer", "sim"),
    ("product", "gold"),
    ("price", "9.99"),
    ("currency", "eur"),
    ("month", "600"),
];

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("simulator", shown(&server, "/simulator").await);
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_at_its_field() {
    let server = lived().await;
    for (field, value, problem) in [
        ("script", "dies", "script: there is no script \"dies\""),
        (
            "month",
            "7",
            "month: \"7\" is none of 10, 30, 120, 600 seconds",
        ),
        ("product", " ", "product: is empty; it is a product id"),
        (
            "product",
            "a\u{202e}b",
            "product: has a control character, or one that turns the direction of the text around it; a name has neither",
        ),
        (
            "customer",
            "a/b",
            "customer: has 1 to 255 bytes, no control character and no slash, and is none of the words programs use for nobody",
        ),
        ("price", "-1", "price: \"-1\" is no amount such as 9.99"),
    ] {
        let fields = FIELDS.map(|(name, known)| (name, if name == field { value } else { known }));
        let refused = sent(&server, "/simulator", &fields).await;
        assert_eq!(refused, format!("422 {problem}"));
    }
}

#[tokio::test]
async fn a_life_begins_and_ends() {
    let server = lived().await;
    let lives = "303 /projects/acme/simulator?notice=simulated#lives";
    assert_eq!(sent(&server, "/simulator", &FIELDS).await, lives);
    let page = shown(&server, "/simulator").await;
    let (_, stop) = page
        .split_once("action=\"/projects/acme/simulator/")
        .unwrap();
    let (id, _) = stop.split_once("/stop\"").unwrap();
    assert_eq!(
        sent(&server, &format!("/simulator/{id}/stop"), &[]).await,
        "303 /projects/acme/simulator?notice=stopped#lives"
    );
    let page = shown(&server, "/simulator").await;
    assert!(page.contains("did not happen"), "{page}");
}
