//! The dashboard in process, a file per section: what it shows of a project that has lived for a day, and of one that is new;
//! what its forms save, and what they refuse. `forms` and `odd_names` hold for all of them.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod account;
mod apps;
mod audit;
mod browser;
mod catalog;
mod cookies;
mod customers;
mod events;
mod forms;
mod guessing;
mod integrations;
mod lasting;
mod members;
mod messages;
mod odd_names;
mod offerings;
mod once;
mod overview;
mod races;
mod rates;
mod replay;
mod second_factor;
mod settings;
mod sign_in;
mod simulator;
mod start;
mod twice;

use ledger::{ConfigurationChange, User, UserPart};
use web::test::{Answer, TestServer, Who};

/// The pages alone, of a project that was just set up.
async fn fresh() -> TestServer {
    TestServer::start(|app| dashboard::router(&app)).await
}

/// The pages alone, of a project to which everything has happened.
async fn lived() -> TestServer {
    let server = fresh().await;
    server.live().await;
    server
}

/// The pages on the first day, without a project or an account, and a session that the operator's link began.
async fn first_day() -> (TestServer, String) {
    let server = TestServer::empty(|app| dashboard::router(&app)).await;
    let link = server.app.operator_link("test").await.unwrap();
    let session = server.app.enter_by_link(&link).await.unwrap().unwrap();
    (server, session)
}

/// A page of the project, between `<main>` and its end.
async fn shown(server: &TestServer, path: &str) -> String {
    let page = server.page(&format!("/projects/acme{path}")).await;
    assert_eq!(page.status, 200, "{path}: {page}");
    browser::main_of(&page.text())
}

/// A page of a project where nothing has happened, which says what to do next.
async fn shown_new(server: &TestServer, path: &str) -> String {
    let path = format!("/projects/other{path}");
    let page = server.by(Who::OtherOwner).get(&path).await;
    assert_eq!(page.status, 200, "{path}");
    browser::main_of(&page.text())
}

/// The value of the cookie that an answer sets, by the end of its name.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.get_all("set-cookie").iter();
    let mut set = set.map(|value| value.to_str().unwrap());
    let beginning = format!("__Host-tidings_{name}=");
    let value = set.find_map(|cookie| cookie.strip_prefix(&beginning));
    value.unwrap().split(';').next().unwrap().to_owned()
}

/// Gives a member a password.
async fn with_password(server: &TestServer, email: &str, password: &str) -> User {
    let engine = &server.app.engine;
    let (hashing, system) = (&server.app.gate.hashing, engine.system());
    let hash = web::passwords::hash(hashing, system, password.into(), &[]).await;
    let setup = engine.setup();
    let mut users = setup.configuration.users.iter();
    let user = users.find(|user| user.email == email).unwrap().clone();
    let part = UserPart::Rehashed(hash.unwrap());
    let change = ConfigurationChange::ChangeUser(user.id, user.email.clone(), part);
    assert!(
        engine
            .configure(&setup, vec![change], "test")
            .await
            .unwrap()
    );
    engine.setup().user(user.id).unwrap().clone()
}

/// What a form leads to: the address that a browser goes on to, or everything that is wrong with it.
fn told(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let said = if status == 303 {
        answer.header("location").to_owned()
    } else if answer.code().is_empty() {
        browser::problems(&answer.text()).join("; ")
    } else {
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    format!("{status} {said}")
}

/// Sends a form of the project, and says what it leads to.
async fn sent(server: &TestServer, path: &str, fields: &[(&str, &str)]) -> String {
    told(&server.form(&format!("/projects/acme{path}"), fields).await)
}

/// Sends the form that a page shows, with fields that were changed.
async fn edited(server: &TestServer, path: &str, changed: &[(&str, &str)]) -> Answer {
    let path = format!("/projects/acme{path}");
    let mut fields = browser::untouched(&server.page(&path).await.text(), &path);
    for (name, value) in changed {
        let field = fields.iter_mut().find(|(known, _)| known == name);
        (*value).clone_into(&mut field.unwrap().1);
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    server.form(&path, &fields).await
}
