//! What is sent to each route, by somebody who may, to a server on which that goes well.

use crate::names::{Names, server};
use axum::body::Body;
use jiff::SignedDuration;
use ledger::{ConfigurationChange as Change, Invitation, Opens, Role, User};
use tokio::sync::OnceCell;
use web::{
    access::{Access, digest},
    passwords,
    second_factor::Secret,
    test::{Answer, Client, TestServer, Who},
};

pub(crate) const PASSWORD: &str = "correct horse";
/// Takes a noticeable time, and is made once.
static HASH: OnceCell<String> = OnceCell::const_new();

/// What goes well only with a body of its own.
const BODIES: &[(&str, &str)] = &[
    ("PUT /api/v1/projects/{project}", r#"{"name":"New"}"#),
    (
        "PUT /api/v1/projects/{project}/apps/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/entitlements/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/offerings/{offering}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/products/{id}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/integrations/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PATCH /api/v1/projects/{project}/customers/{who}",
        r#"{"attributes":{"plan":"year"}}"#,
    ),
    (
        "POST /api/v1/projects/{project}/customers/{who}/transfer",
        r#"{"to":"bob"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/customers/{who}/grants",
        r#"{"entitlement":"premium"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/purchases",
        r#"{"app":"shop","app_user_id":"eve","kind":"one_time_purchase","product_id":"gold","transaction_id":"e1",
            "original_transaction_id":"e1","updated_at":"2026-01-01T12:00:00Z","purchased_at":"2026-01-01T12:00:00Z"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/replays",
        r#"{"integration":"hook","since":"2026-01-01"}"#,
    ),
    (
        "POST /v1/subscribers/identify",
        r#"{"app_user_id":"ann","new_app_user_id":"bob"}"#,
    ),
    (
        "POST /v1/subscribers/{id}/alias",
        r#"{"new_app_user_id":"bob"}"#,
    ),
    (
        "POST /v1/subscribers/{id}/attributes",
        r#"{"attributes":{"plan":{"value":"year"}}}"#,
    ),
    (
        "POST /v1/subscribers/{id}/attribution",
        r#"{"network":0,"data":{"rc_idfa":"1"}}"#,
    ),
    (
        "POST /v1/subscribers/{id}/entitlements/{entitlement}/promotional",
        r#"{"duration":"monthly"}"#,
    ),
    (
        "POST /v2/projects/{project}/customers/{who}/attributes",
        r#"{"attributes":[{"name":"plan","value":"year"}]}"#,
    ),
    (
        "POST /v2/projects/{project}/customers/{who}/actions/grant_entitlement",
        r#"{"entitlement_id":"premium"}"#,
    ),
    (
        "POST /v2/projects/{project}/customers/{who}/actions/revoke_granted_entitlement",
        r#"{"entitlement_id":"premium"}"#,
    ),
    (
        "POST /v2/projects/{project}/customers/{who}/actions/transfer",
        r#"{"target_customer_id":"bob"}"#,
    ),
    (
        "POST /callbacks/google/{app}",
        r#"{"message":{"messageId":"1","data":"eyJ2ZXJzaW9uIjoiMS4wIiwicGFja2FnZU5hbWUiOiJjb20uZXhhbXBsZS5hcHAiLCJ0ZXN0Tm90aWZpY2F0aW9uIjp7InZlcnNpb24iOiIxLjAifX0="}}"#,
    ),
    ("POST /invite/{token}", "name=New&password=correct+horse"),
    ("POST /projects", "name=Third&key=third"),
    (
        "POST /projects/{project}/account/password",
        "current=correct+horse&password=another+horse",
    ),
    (
        "POST /projects/{project}/apps/new/{store}",
        "app.key=second&app.name=Second&store_name=second",
    ),
    ("POST /projects/{project}/apps/{key}", "app.name=New"),
    (
        "POST /projects/{project}/catalog/bulk",
        "do=give&entitlement=premium&products=silver",
    ),
    ("POST /projects/{project}/catalog/list", "lines=bronze"),
    (
        "POST /projects/{project}/catalog/products",
        "id=gold&name=New&entitlements=premium",
    ),
    (
        "POST /projects/{project}/catalog/entitlements",
        "key=premium&name=New",
    ),
    (
        "POST /projects/{project}/offerings",
        "key=second&packages=monthly+external%3Dgold",
    ),
    ("POST /projects/{project}/offerings/show", "key="),
    ("POST /projects/{project}/offerings/remove", "key=summer"),
    (
        "POST /projects/{project}/integrations/new/{destination}",
        "integration.key=second&integration.name=Second&webhook_url=https%3A%2F%2Fhooks.slack.com%2Fservices%2FT%2FB%2Fx",
    ),
    (
        "POST /projects/{project}/integrations/{key}",
        "integration.name=New",
    ),
    (
        "POST /projects/{project}/integrations/{key}/remove",
        "sure=on",
    ),
    ("POST /projects/{project}/settings", "name=New"),
    ("POST /projects/{project}/settings/keys", "name=new"),
    (
        "POST /projects/{project}/members/invite",
        "email=new%40acme.example&role=viewer",
    ),
    ("POST /projects/{project}/members/{user}", "role=developer"),
    (
        "POST /projects/{project}/rates",
        "csv=Date%2C+USD%2C%0A01+January+2026%2C+1.1000%2C%0A",
    ),
    (
        "POST /projects/{project}/customers/{who}/forget",
        "sure=ann",
    ),
    (
        "POST /projects/{project}/customers/{who}/grant",
        "entitlement=premium&days=",
    ),
    (
        "POST /projects/{project}/customers/{who}/revoke",
        "entitlement=premium",
    ),
    (
        "POST /projects/{project}/customers/{who}/transfer",
        "to=bob",
    ),
    (
        "POST /projects/{project}/replay",
        "integration=hook&since=2026-01-01",
    ),
    (
        "POST /projects/{project}/simulator",
        "script=converts&product=gold&price=9.99&currency=USD&month=30",
    ),
];

/// A server on which every call can go well.
pub(crate) async fn prepared() -> (TestServer, Names) {
    let server = server().await;
    server.live().await;
    let names = Names::of(&server).await;
    server.endpoints.answer("https://hook.example", 200);
    let (hashing, system) = (&server.app.gate.hashing, server.app.engine.system());
    let hash = HASH.get_or_init(async || {
        let hash = passwords::hash(hashing, system, PASSWORD.into(), &[]).await;
        hash.unwrap()
    });
    let hash = hash.await.clone();
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    let owner = users
        .find(|user| user.email == "owner@acme.example")
        .unwrap();
    let with_password = User {
        password: hash,
        ..owner.clone()
    };
    let invitation = Invitation {
        digest: digest("invited"),
        email: "invited@acme.example".into(),
        role: Role::Viewer,
        project: None,
        opens: Opens::Account,
        made_by: "test".into(),
        expires_at: server
            .now()
            .checked_add(SignedDuration::from_hours(1))
            .unwrap(),
    };
    let changes = vec![
        Change::PutUser(with_password),
        Change::PutInvitation(invitation),
    ];
    assert!(
        server
            .app
            .engine
            .configure(&server.app.engine.setup(), changes, "test")
            .await
            .unwrap()
    );
    (server, names)
}

fn user(server: &TestServer, email: &str) -> String {
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users
        .find(|user| user.email == email)
        .unwrap()
        .id
        .to_string()
}

/// The path with what this server has for it, where it is not what others have.
pub(crate) async fn filled(server: &TestServer, names: &Names, route: &str, path: &str) -> String {
    let path = match route {
        "GET /v1/subscribers/{id}" => path.replace("{id}", "nobody-yet"),
        "DELETE /api/v1/projects/{project}/entitlements/{key}" => {
            let extra = serde_json::json!({ "name": "Extra" });
            let made = server
                .put("/api/v1/projects/acme/entitlements/extra", extra)
                .await;
            assert_eq!(made.status, 201, "{made}");
            path.replace("{key}", "extra")
        }
        "POST /signin/{token}" => {
            let link = server.app.operator_link("test").await.unwrap();
            path.replace("{token}", &link)
        }
        "POST /invite/{token}" => path.replace("{token}", "invited"),
        "POST /projects/{project}/members/{user}/second-factor" => {
            let user = user(server, "viewer@acme.example");
            second_factor(server, &user).await;
            path.replace("{user}", &user)
        }
        "POST /projects/{project}/members/withdraw/{digest}" => {
            path.replace("{digest}", &digest("invited"))
        }
        "POST /projects/{project}/settings/keys/{key}/revoke" => {
            let setup = server.app.engine.setup();
            let mut keys = setup.configuration.api_keys.iter();
            let key = keys.find(|key| key.name == "ReadKey").unwrap().id;
            path.replace("{key}", &key.to_string())
        }
        "POST /projects/{project}/simulator/{id}/stop" => {
            let body = body_of("POST /projects/{project}/simulator", "");
            let begun = client(server, Access::Form).request(
                "POST",
                "/projects/acme/simulator",
                Body::from(body),
            );
            assert_eq!(server.call(begun).await.status, 303);
            let page = server.page("/projects/acme/simulator").await.text();
            let (_, id) = page.split_once("/projects/acme/simulator/").unwrap();
            path.replace("{id}", id.split_once("/stop").unwrap().0)
        }
        _ => path.replace("{user}", &user(server, "viewer@acme.example")),
    };
    names.fill(&path, Some("acme"))
}

fn client(server: &TestServer, access: Access) -> Client<'_> {
    server.by(match access {
        Access::Anyone | Access::Visitor | Access::Store => Who::Nobody,
        Access::Client => Who::BoundWriteKey,
        Access::Read | Access::Write => Who::WriteKey,
        Access::Page | Access::Form | Access::Own | Access::Manage => Who::Owner,
    })
}

const SIGN_IN: &str = "email=owner%40acme.example&password=correct+horse";

/// Gives somebody a second factor.
async fn second_factor(server: &TestServer, user: &str) -> Secret {
    let secret = Secret::new(server.app.engine.system());
    let given = server
        .app
        .give_second_factor(user.parse().unwrap(), &secret, 0);
    assert!(given.await.unwrap().is_some());
    secret
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let beginning = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&beginning).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// What is sent about the owner's second factor.
async fn with_code(server: &TestServer, route: &str) -> String {
    let owner = user(server, "owner@acme.example");
    let password = "current=correct+horse";
    if route.ends_with("/begin") {
        return password.into();
    }
    if route.ends_with("/account/second-factor") {
        let path = "/projects/acme/account/second-factor/begin";
        let begun = server.form(path, &[("current", PASSWORD)]).await.text();
        let (_, key) = begun.split_once("Key: <code>").unwrap();
        let secret = server.secret(key.split('<').next().unwrap());
        return format!(
            "offer={}&code={}",
            hidden(&begun, "offer"),
            server.code(&secret)
        );
    }
    let code = server.code(&second_factor(server, &owner).await);
    if route.ends_with("/off") {
        return format!("{password}&code={code}");
    }
    let nobody = server.by(Who::Nobody);
    let first = nobody.request("POST", "/signin", Body::from(SIGN_IN));
    let page = server.call(first).await.text();
    format!("ticket={}&code={code}", hidden(&page, "ticket"))
}

fn body_of(route: &str, otherwise: &'static str) -> &'static str {
    let found = BODIES.iter().find(|(known, _)| *known == route);
    found.map_or(otherwise, |(_, body)| body)
}

/// Calls a route as somebody who may.
pub(crate) async fn call(
    server: &TestServer,
    (route, access): (&str, Access),
    path: &str,
) -> Answer {
    let (method, _) = route.split_once(' ').unwrap();
    let (preview, codes);
    let body = match route {
        "POST /signin" => SIGN_IN,
        _ if route == "POST /signin/code" || route.contains("/account/second-factor") => {
            codes = with_code(server, route).await;
            &codes
        }
        _ if route.ends_with("/preview") => {
            let events = server.get("/api/v1/projects/acme/events").await.json();
            let event = events["data"][0]["id"].as_str().unwrap();
            preview = format!("preview.event={event}");
            &preview
        }
        _ if path.starts_with("/api/") || path.starts_with("/v1/") => body_of(route, "{}"),
        _ => body_of(route, ""),
    };
    let client = match route {
        "POST /signout" => server.by(Who::Owner),
        _ => client(server, access),
    };
    let body = match method {
        "GET" | "DELETE" => Body::empty(),
        _ => Body::from(body.to_owned()),
    };
    server.call(client.request(method, path, body)).await
}
