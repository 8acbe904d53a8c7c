//! People and their accounts: who may do what to whom, and where each is signed in.

use crate::server::{Server, Site, client, now};
use reqwest::Response;
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt};
use web::second_factor::{Secret, step_at};

/// Somebody at a browser.
struct Person {
    server: String,
    cookie: String,
}

impl Person {
    async fn send(&self, method: &str, path: &str, form: Option<&str>) -> Response {
        let request = client()
            .request(method.parse().unwrap(), format!("{}{path}", self.server))
            .header("cookie", &self.cookie)
            .header("accept", "text/html")
            .header("sec-fetch-site", "same-origin")
            .header(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
            );
        let request = match form {
            Some(form) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn post(&self, path: &str, form: &str) -> (u16, String) {
        let answer = self.send("POST", path, Some(form)).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.send("GET", path, None).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Posts something that signs in, and is somebody then.
    async fn enter(server: &str, path: &str, form: &str) -> Result<Self, u16> {
        let nobody = Self {
            server: server.to_owned(),
            cookie: String::new(),
        };
        let answer = nobody.send("POST", path, Some(form)).await;
        let status = answer.status().as_u16();
        let cookie = answer.headers().get("set-cookie").ok_or(status)?;
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        Ok(Self {
            cookie: cookie.to_owned(),
            ..nobody
        })
    }
}

async fn operator(server: &Server) -> Person {
    let entering = client().post(&server.sign_in);
    let entering = entering.header("sec-fetch-site", "same-origin");
    let answer = entering.send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    Person {
        server: server.url.clone(),
        cookie: cookie.split(';').next().unwrap().to_owned(),
    }
}

/// The path of the link on a page.
fn link(page: &str) -> String {
    let (_, rest) = page.split_once("/invite/").expect("there is a link");
    let token: String = rest.chars().take(64).collect();
    format!("/invite/{token}")
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_change_sessions_end_and_lost_passwords_are_replaced() {
    let site = Site::new(&[]);
    let server = site.serve();
    let url = &server.url;
    let operator = operator(&server).await;
    let account = "/projects/acme/account";
    let (_, page) = operator.get(account).await;
    assert!(page.contains("Accounts are made by invitation"));
    let invited = operator
        .post(
            "/projects/acme/members/invite",
            "email=ann%40a.example&role=owner",
        )
        .await;
    let form = "name=Ann&password=a+first+password";
    let ann = Person::enter(url, &link(&invited.1), form)
        .await
        .ok()
        .unwrap();
    let sign_in = async |password: &str| {
        let form = format!("email=ann%40a.example&password={password}");
        Person::enter(url, "/signin", &form).await
    };
    let elsewhere = sign_in("a+first+password").await.ok().unwrap();
    let (_, page) = ann.get(account).await;
    assert!(page.contains("Firefox on Linux") && page.contains("End all others"));
    assert!(!page.contains("argon2"));

    // A wrong current password changes nothing; a right one ends what was open elsewhere.
    let (status, page) = ann
        .post(
            &format!("{account}/password"),
            "current=wrong&password=a+second+password",
        )
        .await;
    assert!(status == 422 && page.contains("is another one"), "{status}");
    let (status, page) = ann
        .post(
            &format!("{account}/password"),
            "current=a+first+password&password=short",
        )
        .await;
    assert!(status == 422 && page.contains("10 to 200"), "{status}");
    let form = "current=a+first+password&password=a+second+password";
    let ann = Person::enter_as(&ann, &format!("{account}/password"), form).await;
    assert_eq!(elsewhere.get(account).await.0, 303, "signed out");
    assert_eq!(ann.get(account).await.0, 200);
    assert_eq!(sign_in("a+first+password").await.err(), Some(401));
    let elsewhere = sign_in("a+second+password").await.ok().unwrap();
    let third = sign_in("a+second+password").await.ok().unwrap();
    assert_eq!(ann.post(&format!("{account}/sessions"), "").await.0, 303);
    for gone in [&elsewhere, &third] {
        assert_eq!(gone.get(account).await.0, 303);
    }
    assert_eq!(ann.get(account).await.0, 200, "this one stays");

    // Somebody forgot the password: a link sets another, once, and ends what was open.
    let (_, people) = operator.get("/projects/acme/members").await;
    let (before, _) = people.split_once("/link\"").unwrap();
    let (_, user) = before.rsplit_once("/members/").unwrap();
    let path = format!("/projects/acme/members/{user}/link");
    let lost = link(&operator.post(&path, "").await.1);
    let (_, form) = ann.get(&lost).await;
    assert!(form.contains("Set a new password"), "{form}");
    let again = Person::enter(url, &lost, "password=a+third+password").await;
    assert!(again.is_ok());
    assert_eq!(ann.get(account).await.0, 303);
    assert_eq!(
        Person::enter(url, &lost, "password=a+fourth+password")
            .await
            .err(),
        Some(404)
    );
    assert!(sign_in("a+third+password").await.is_ok());
}

impl Person {
    /// Posts something that replaces this session by another.
    async fn enter_as(before: &Self, path: &str, form: &str) -> Self {
        let answer = before.send("POST", path, Some(form)).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        Self {
            server: before.server.clone(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reaches_one_project_manages_nobody_beyond_it() {
    let site = Site::new(&[]);
    site.write_project("other", &[]);
    site.run(&["apply", "project.toml"]);
    let server = site.serve();
    let url = &server.url;
    let operator = operator(&server).await;
    let invite =
        async |who: &Person, form: &str| who.post("/projects/acme/members/invite", form).await;
    let owner = link(
        &invite(&operator, "email=ann%40a.example&role=owner")
            .await
            .1,
    );
    assert!(
        Person::enter(url, &owner, "password=a+long+password")
            .await
            .is_ok()
    );
    let bound = link(
        &invite(&operator, "email=bob%40a.example&role=admin&only=on")
            .await
            .1,
    );
    let bob = Person::enter(url, &bound, "password=a+long+password")
        .await
        .ok()
        .unwrap();
    assert_eq!(bob.get("/projects/other").await.0, 404);
    let (_, people) = bob.get("/projects/acme/members").await;
    assert!(
        people.contains("bob@a.example") && !people.contains("ann@a.example"),
        "who reaches every project is told to those who do so too"
    );
    assert!(
        !people.contains("/members/usr_"),
        "and is nobody's to change"
    );
    // Whom bob invites reaches no more than bob, whatever the form says.
    let third = link(&invite(&bob, "email=cid%40a.example&role=developer").await.1);
    let cid = Person::enter(url, &third, "password=a+long+password")
        .await
        .ok()
        .unwrap();
    assert_eq!(cid.get("/projects/acme").await.0, 200);
    assert_eq!(cid.get("/projects/other").await.0, 404);
    assert_eq!(
        invite(&bob, "email=dan%40a.example&role=owner").await.0,
        403
    );
    assert_eq!(
        invite(&cid, "email=dan%40a.example&role=viewer").await.0,
        403
    );
    // Two links for one address: the later one takes the place of the first, which was lost or never seen.
    let first = link(
        &invite(&operator, "email=eve%40a.example&role=viewer")
            .await
            .1,
    );
    let second = link(
        &invite(&operator, "email=eve%40a.example&role=viewer")
            .await
            .1,
    );
    assert_eq!(
        Person::enter(url, &first, "password=a+long+password")
            .await
            .err(),
        Some(404)
    );
    assert!(
        Person::enter(url, &second, "password=another+password")
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_a_moment_ago_signs_in_at_once() {
    let site = Site::new(&[]);
    let server = site.serve();
    // Several times: the server looks for changes by itself twice a second.
    for number in 0..5 {
        let key = site.run(&["keys", "create", "--name", &format!("key-{number}")]);
        let form = format!("key={key}");
        let entered = Person::enter(&server.url, "/signin", &form).await;
        assert!(entered.is_ok(), "{number}: {:?}", entered.err());
    }
    let refused = Person::enter(&server.url, "/signin", "key=tid_sk_unknown").await;
    assert_eq!(refused.err(), Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_key_of_an_app_opens_no_page() {
    let site = Site::new(&[]);
    let server = site.serve();
    let key = site.run(&["keys", "client", "--project", "acme", "--app", "ios"]);
    assert!(key.starts_with("appl_"), "{key}");
    let nobody = Person {
        server: server.url.clone(),
        cookie: String::new(),
    };
    let answer = nobody
        .send("POST", "/signin", Some(&format!("key={key}")))
        .await;
    assert_eq!(answer.status(), 403);
    assert!(answer.headers().get("set-cookie").is_none());
    let page = answer.text().await.unwrap();
    assert!(page.contains("This is the public key of an app"), "{page}");
    assert!(!page.contains(&key), "nor is it shown again");
    // One that may only read opens pages, and no form.
    let key = site.run(&["keys", "create", "--name", "reader", "--read-only"]);
    let reader = Person::enter(&server.url, "/signin", &format!("key={key}")).await;
    let reader = reader.ok().unwrap();
    assert_eq!(reader.get("/projects/acme").await.0, 200);
    let (status, _) = reader.post("/projects/acme/apps/ios", "").await;
    assert_eq!(status, 403);
}

/// What stands between two texts.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).expect(before);
    rest.split(after).next().unwrap()
}

/// What a phone makes of a key. Source: RFC 4648, section 6.
fn bytes_of(key: &str) -> Vec<u8> {
    let letters = key.chars().filter(char::is_ascii_alphanumeric);
    let values = letters.map(|letter| match letter {
        'A'..='Z' => u32::from(letter) - u32::from('A'),
        _ => u32::from(letter) - u32::from('2') + 26,
    });
    let bits: String = values.map(|value| format!("{value:05b}")).collect();
    let whole = bits.as_bytes().chunks_exact(8);
    whole
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

/// The data are restored and the key file is not: who has a second factor is told so, and gets in by a code on paper.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_of_a_lost_key_is_told_as_that_and_codes_on_paper_let_in() {
    const PASSWORD: &str = "a+first+password";
    let site = Site::new(&[]);
    let server = site.serve();
    let account = "/projects/acme/account";
    let invite = "email=ann%40a.example&role=owner";
    let invited = operator(&server).await;
    let invited = invited.post("/projects/acme/members/invite", invite).await;
    let form = format!("name=Ann&password={PASSWORD}");
    let ann = Person::enter(&server.url, &link(&invited.1), &form).await;
    let ann = ann.ok().unwrap();
    let begin = format!("{account}/second-factor/begin");
    let (status, page) = ann.post(&begin, &format!("current={PASSWORD}")).await;
    assert_eq!(status, 200, "{page}");
    let secret = bytes_of(between(&page, "Key: <code>", "<"));
    let secret = Secret::of(&secret).unwrap();
    let code = || secret.code(step_at(now()));
    let offer = between(&page, "name=\"offer\" value=\"", "\"");
    let form = format!("offer={offer}&code={}", code());
    let (status, page) = ann.post(&format!("{account}/second-factor"), &form).await;
    assert_eq!(status, 200, "{page}");
    let on_paper = between(&page, "<pre class=\"codes\">", "</pre>");
    let on_paper = on_paper.lines().next().unwrap().to_owned();
    server.stop();
    site.run(&["backup", "--to", "copy.db"]);

    let elsewhere = Site::bare();
    let data = elsewhere.directory.join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    std::fs::copy(site.directory.join("copy.db"), data.join("tidings.db")).unwrap();
    let server = elsewhere.serve_with("127.0.0.1:0", &["--key-is-lost"]);
    let nobody = Person {
        server: server.url.clone(),
        cookie: String::new(),
    };
    let first = format!("email=ann%40a.example&password={PASSWORD}");
    let (status, page) = nobody.post("/signin", &first).await;
    assert_eq!(status, 200, "{page}");
    let ticket = between(&page, "name=\"ticket\" value=\"", "\"").to_owned();
    let second = |code: &str| format!("ticket={ticket}&code={code}");
    let (status, said) = nobody.post("/signin/code", &second(&code())).await;
    assert_eq!(status, 503, "{said}");
    for words in ["sealed with another secret key", "a recovery code"] {
        assert!(said.contains(words), "{said}");
    }
    let entered = Person::enter(&server.url, "/signin/code", &second(&on_paper)).await;
    assert_eq!(entered.ok().unwrap().get(account).await.0, 200);
    server.stop();
}
