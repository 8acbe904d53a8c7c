//! Names that are long, or look like markup, are text on every page.

use crate::lived;

#[tokio::test]
async fn very_long_and_odd_names_stay_text() {
    let server = lived().await;
    let odd = format!("<script>alert('&')</script>{}", "x".repeat(200)).replace('/', "|");
    server.buys(&odd).await;
    for path in ["", "/customers", "/overview", "/integrations/idle"] {
        let page = server.page(&format!("/projects/acme{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text().contains("<script>alert"), "{path}");
    }
    let listed = server.page("/projects/acme/customers").await.text();
    let (_, link) = listed
        .split_once("href=\"/projects/acme/customers/%3Cscript")
        .unwrap();
    let (link, _) = link.split_once('"').unwrap();
    let page = format!("/projects/acme/customers/%3Cscript{link}");
    let shown = server.page(&page).await;
    assert_eq!(shown.status, 200, "{page}");
    assert!(!shown.text().contains("<script>alert"));
}
