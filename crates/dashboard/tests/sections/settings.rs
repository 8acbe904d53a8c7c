//! A project's own settings, and its keys.

use crate::{edited, fresh, lived, sent, shown};
use insta::assert_snapshot;
use ledger::TransferBehaviour;

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("settings", shown(&server, "/settings").await);
}

#[tokio::test]
async fn the_sandbox_can_be_as_production_again() {
    let server = fresh().await;
    let chosen = async |word: &str| {
        let answer = edited(&server, "/settings", &[("sandbox_transfer", word)]).await;
        assert_eq!(answer.status, 303, "{answer}");
        let setup = server.app.engine.setup();
        let row = &setup.find_project("acme").unwrap().row;
        row.sandbox_transfer_behaviour
    };
    assert_eq!(chosen("share").await, Some(TransferBehaviour::Share));
    assert_eq!(chosen("").await, None);
}

#[tokio::test]
async fn what_cannot_be_is_refused_beside_its_field() {
    let server = fresh().await;
    let revision = server.app.engine.setup().revision();
    for (field, value) in [
        ("transfer", "give"),
        ("sandbox_transfer", "as_in_production"),
        ("window", "soon"),
    ] {
        let answer = edited(&server, "/settings", &[(field, value)]).await;
        assert_eq!(answer.status, 422, "{field}: {answer}");
        let beside = format!("id=\"problem-{field}\"");
        assert!(answer.text().contains(&beside), "{field}: {answer}");
    }
    assert_eq!(server.app.engine.setup().revision(), revision);
}

#[tokio::test]
async fn keys_are_made_shown_once_and_revoked() {
    let server = fresh().await;
    let keys = "/settings/keys";
    assert_eq!(
        sent(&server, keys, &[("name", " ")]).await,
        "422 the name of the key is empty or blank; a name has 1 to 255 characters"
    );
    let fields = [("name", "for the exporter"), ("write", "on")];
    let made = server.form(&format!("/projects/acme{keys}"), &fields).await;
    assert_eq!(made.status, 200, "{made}");
    assert!(made.text().contains("tid_sk_"));
    let page = shown(&server, "/settings").await;
    assert!(page.contains("for the exporter") && !page.contains("tid_sk_"));
    let setup = server.app.engine.setup();
    let mut known = setup.configuration.api_keys.iter();
    let key = known.find(|key| key.name == "for the exporter").unwrap();
    assert_eq!(key.scope, ledger::Scope::Write);
    assert_eq!(
        sent(&server, &format!("{keys}/{}/revoke", key.id), &[]).await,
        "303 /projects/acme/settings?notice=removed"
    );
    assert!(
        !shown(&server, "/settings")
            .await
            .contains("for the exporter")
    );
}
