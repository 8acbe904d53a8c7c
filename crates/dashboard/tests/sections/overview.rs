//! How a project goes.

use crate::{lived, shown, shown_new};
use insta::assert_snapshot;

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("overview", shown(&server, "/overview").await);
    assert_snapshot!("new_overview", shown_new(&server, "/overview").await);
    assert_snapshot!(
        "overview_of_the_sandbox",
        shown(&server, "/overview?environment=sandbox").await
    );
}
