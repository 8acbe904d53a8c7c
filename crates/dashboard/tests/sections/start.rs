//! The guided start, and making a project.

use crate::{first_day, lived, shown, told};
use insta::assert_snapshot;
use web::test::Who;

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("start", shown(&server, "/start").await);
    assert_eq!(told(&server.page("/").await), "303 /projects/acme");
}

#[tokio::test]
async fn a_project_is_made_with_a_key_made_of_its_name() {
    let (new, session) = first_day().await;
    let operator = new.with_session(&session);
    assert!(
        operator
            .get("/")
            .await
            .text()
            .contains("action=\"/projects\"")
    );
    let fields = [("name", " My App! "), ("key", "")];
    let made = "303 /projects/my-app/start?notice=added";
    assert_eq!(told(&operator.form("/projects", &fields).await), made);
    assert_eq!(
        told(&operator.form("/projects", &fields).await),
        "422 there is a project \"my-app\" already"
    );
    let server = lived().await;
    let bound = server.by(Who::OtherOwner);
    assert_eq!(
        told(&bound.form("/projects", &fields).await),
        "403 you reach one project only, and may not make another"
    );
}
