//! Exchange rates: the newest, and others pasted in.

use crate::{lived, sent, shown, told};
use web::test::Who;

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    let page = shown(&server, "/rates").await;
    assert!(page.contains("USD") && page.contains("JPY"), "{page}");
}

#[tokio::test]
async fn are_pasted_in_by_whoever_reaches_every_project() {
    let server = lived().await;
    let csv = "Date,USD,JPY\r\n2026-12-31,1.5,150\r\n";
    assert_eq!(
        sent(&server, "/rates", &[("csv", csv)]).await,
        "303 /projects/acme/rates?notice=added"
    );
    let page = shown(&server, "/rates").await;
    assert!(
        page.contains("2026-12-31") && page.contains("1.5000"),
        "{page}"
    );
    let empty = sent(&server, "/rates", &[("csv", "Date,USD\r\n")]).await;
    assert_eq!(empty, "422 There is no line with rates below the header.");
    let other = server.by(Who::OtherOwner);
    let refused = other.form("/projects/other/rates", &[("csv", csv)]).await;
    assert_eq!(
        told(&refused),
        "403 it serves every project, and you reach one only"
    );
    // Nor are they read by whoever reaches one.
    assert_eq!(other.get("/projects/other/rates").await.status, 403);
    let settings = other.get("/projects/other/settings").await.text();
    assert!(!settings.contains("Exchange rates"), "{settings}");
    assert!(
        !settings.contains("all projects"),
        "nor other keys: {settings}"
    );
}
