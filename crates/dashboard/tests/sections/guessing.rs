//! Guessing passwords: how it is slowed down, whom that does not stop, and what hashing may take.

use crate::{cookie, lived, told, with_password};
use domain::UserId;
use engine::Networks;
use jiff::SignedDuration;
use ledger::{ConfigurationChange, Role, User, UserPart};
use web::{
    Gate, passwords,
    proxies::Proxies,
    test::{Client, TestServer, Who},
};

const OWNER: &str = "owner@acme.example";
const PASSWORD: &str = "correct horse";

async fn tries(client: &Client<'_>, email: &str, password: &str) -> u16 {
    let fields = [("email", email), ("password", password)];
    client.form("/signin", &fields).await.status.as_u16()
}

/// A server of which the hashes cost nothing to speak of: many are made here.
async fn server() -> TestServer {
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    server
}

#[tokio::test]
async fn strangers_do_not_lock_the_owner_out_of_a_browser_that_is_known() {
    let server = server().await;
    let home = server.by(Who::Nobody).at("203.0.113.7");
    let fields = [("email", OWNER), ("password", PASSWORD)];
    let entered = home.form("/signin", &fields).await;
    assert_eq!(told(&entered), "303 /");
    let known = format!("__Host-tidings_known={}", cookie(&entered, "known"));
    // Of many addresses, until even one that never tried before has to wait.
    let mut guesses = 0;
    for number in 0.. {
        let stranger =
            server
                .by(Who::Nobody)
                .at(&format!("198.51.{}.{}", number / 250, number % 250 + 1));
        match tries(&stranger, OWNER, "a wrong guess").await {
            401 => guesses += 1,
            other => {
                assert_eq!(other, 429);
                break;
            }
        }
    }
    assert_eq!(guesses, 51);
    let elsewhere = server.by(Who::Nobody).at("203.0.113.9");
    let held = elsewhere.form("/signin", &fields).await;
    assert_eq!(held.status, 429);
    let wait: u64 = held.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Her own browser goes in, wherever it is.
    let hers = elsewhere.clone().with("cookie", known.clone());
    assert_eq!(tries(&hers, OWNER, PASSWORD).await, 303);
    // Of somebody else's account it proves nothing, nor does one that was made up.
    let admin = elsewhere.clone().with("cookie", known);
    let at_admin = async |client: &Client<'_>| tries(client, "admin@acme.example", "guess").await;
    for _ in 0..6 {
        assert_eq!(at_admin(&admin).await, 401);
    }
    assert_eq!(at_admin(&admin).await, 429);
    let made_up = elsewhere.with(
        "cookie",
        "__Host-tidings_known=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    assert_eq!(tries(&made_up, OWNER, PASSWORD).await, 429);
}

#[tokio::test]
async fn one_address_is_slowed_down_and_others_are_not() {
    let server = server().await;
    let there = server.by(Who::Nobody).at("198.51.100.1");
    let here = server.by(Who::Nobody).at("203.0.113.7");
    for _ in 0..6 {
        assert_eq!(tries(&there, OWNER, "a wrong guess").await, 401);
    }
    assert_eq!(tries(&there, OWNER, PASSWORD).await, 429);
    assert_eq!(tries(&here, OWNER, PASSWORD).await, 303);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_waiting_for_the_difference() {
    let server = server().await;
    let here = server.by(Who::Nobody).at("203.0.113.7");
    for _ in 0..6 {
        assert_eq!(tries(&here, OWNER, "a wrong guess").await, 401);
    }
    server.pass(-SignedDuration::from_hours(24)).await;
    let fields = [("email", OWNER), ("password", PASSWORD)];
    let held = here.form("/signin", &fields).await;
    assert_eq!(
        (held.status.as_u16(), held.header("retry-after")),
        (429, "3")
    );
    server.pass(SignedDuration::from_secs(3)).await;
    assert_eq!(tries(&here, OWNER, PASSWORD).await, 303);
}

/// Whoever administers one project can have an account there of any address, and knows its password.
#[tokio::test]
async fn an_account_of_the_same_address_elsewhere_gives_no_more_guesses() {
    const OWN: &str = "another horse";
    let server = server().await;
    let (engine, gate) = (&server.app.engine, &server.app.gate);
    let hash = passwords::hash(&gate.hashing, engine.system(), OWN.into(), &[]).await;
    let beside = User {
        id: UserId::new(engine.system().uuid()),
        email: OWNER.into(),
        name: "Beside".into(),
        role: Role::Viewer,
        project: Some(server.project("other")),
        password: hash.unwrap(),
        created_at: engine.system().now(),
    };
    let change = vec![ConfigurationChange::PutUser(beside)];
    assert!(
        engine
            .configure(&engine.setup(), change, "test")
            .await
            .unwrap()
    );
    let there = server.by(Who::Nobody).at("198.51.100.1");
    let mut browser = there.clone();
    for _ in 0..10 {
        let own = [("email", OWNER), ("password", OWN)];
        let entered = browser.form("/signin", &own).await;
        assert_eq!(told(&entered), "303 /");
        let known = format!("__Host-tidings_known={}", cookie(&entered, "known"));
        browser = there.clone().with("cookie", known);
        assert_eq!(tries(&browser, OWNER, "a wrong guess").await, 401);
    }
    assert_eq!(tries(&browser, OWNER, PASSWORD).await, 401);
    assert_eq!(tries(&browser, OWNER, OWN).await, 303);
    // Without the cookie it is no better, and elsewhere the owner goes in.
    assert_eq!(tries(&there, OWNER, OWN).await, 429);
    let elsewhere = server.by(Who::Nobody).at("203.0.113.7");
    assert_eq!(tries(&elsewhere, OWNER, PASSWORD).await, 303);
}

/// What a request says of where it comes from is believed of trusted proxies only.
#[tokio::test]
async fn nobody_takes_another_address_by_saying_so() {
    let mut server = server().await;
    let said = |server: &TestServer, peer: &str, forwarded: String| {
        let client = server.by(Who::Nobody).at(peer);
        let request = client.with("x-forwarded-for", forwarded);
        let fields = "email=owner%40acme.example&password=a+wrong+guess";
        let body = axum::body::Body::from(fields);
        let form = ("content-type", "application/x-www-form-urlencoded");
        request
            .with(form.0, form.1)
            .request("POST", "/signin", body)
    };
    let mut answers = Vec::new();
    for number in 0..7 {
        let request = said(&server, "198.51.100.1", format!("203.0.113.{number}"));
        answers.push(server.call(request).await.status.as_u16());
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 401, 429]);
    // The proxy says who asks, whatever those who ask wrote before it.
    let trusted: Networks = "10.0.0.0/8".parse().unwrap();
    server.gate(Gate {
        proxies: Proxies::new(trusted),
        ..Gate::default()
    });
    let mut answers = Vec::new();
    for number in 0..7 {
        let forwarded = format!("203.0.113.{number}, 198.51.100.1");
        let request = said(&server, "10.0.0.1", forwarded);
        answers.push(server.call(request).await.status.as_u16());
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 401, 429]);
    let another = said(&server, "10.0.0.1", "198.51.100.2".into());
    assert_eq!(server.call(another).await.status, 401);
}

#[tokio::test]
async fn nobody_waits_for_a_hash_behind_many() {
    let server = server().await;
    let nobody = server.by(Who::Nobody);
    let full = server.app.gate.hashing.fill();
    let fields = [("email", OWNER), ("password", PASSWORD)];
    for _ in 0..20 {
        let busy = nobody.form("/signin", &fields).await;
        assert_eq!(busy.status, 503);
        assert_eq!(busy.header("retry-after"), "5");
    }
    let change = [("current", PASSWORD), ("password", "another horse")];
    let path = "/projects/acme/account/password";
    let busy = server.form(path, &change).await;
    assert_eq!(
        (busy.status.as_u16(), busy.header("retry-after")),
        (503, "5")
    );
    drop(full);
    // None of these was a try.
    assert_eq!(told(&nobody.form("/signin", &fields).await), "303 /");
}

/// What was kept with the older scheme opens, ends no session, and is kept with the new one afterwards.
#[tokio::test]
async fn a_password_is_kept_anew_when_its_owner_signs_in() {
    let server = lived().await;
    let engine = &server.app.engine;
    let kept = || {
        let setup = engine.setup();
        let mut users = setup.configuration.users.iter();
        users.find(|user| user.email == OWNER).unwrap().clone()
    };
    let owner = kept();
    // Made by Python's `hashlib.pbkdf2_hmac("sha256", b"correct horse", b"0123456789abcdef", 600000)`.
    let old =
        "pbkdf2-sha256$600000$MDEyMzQ1Njc4OWFiY2RlZg$kYKAg/dg7WC7VQ4k8+iaopu8snxCGdA0xMTwPC5tudk";
    let part = UserPart::Rehashed(old.into());
    let change = vec![ConfigurationChange::ChangeUser(owner.id, owner.email, part)];
    let done = engine.configure(&engine.setup(), change, "test").await;
    assert!(done.unwrap());
    let nobody = server.by(Who::Nobody);
    assert_eq!(tries(&nobody, OWNER, "correct horses").await, 401);
    assert_eq!(kept().password, old);
    assert_eq!(tries(&nobody, OWNER, PASSWORD).await, 303);
    let anew = kept().password;
    assert!(anew.starts_with("$argon2id$") && !passwords::is_old(&anew));
    assert_eq!(tries(&nobody, OWNER, PASSWORD).await, 303);
    assert_eq!(kept().password, anew);
    assert_eq!(server.page("/projects/acme").await.status, 200);
}

#[tokio::test]
async fn names_are_as_long_as_names_are() {
    let server = lived().await;
    let long = format!("{}@a.example", "a".repeat(300));
    let nobody = server.by(Who::Nobody);
    assert_eq!(tries(&nobody, &long, "whatever it is").await, 422);
    let fields = [("email", long.as_str()), ("role", "viewer")];
    let invited = server.form("/projects/acme/members/invite", &fields).await;
    assert_eq!(invited.status, 422);
    let forms = &server;
    let fields = [("email", "new@acme.example"), ("role", "viewer")];
    let page = forms
        .form("/projects/acme/members/invite", &fields)
        .await
        .text();
    let (_, token) = page.split_once("/invite/").unwrap();
    let path = format!("/invite/{}", token.get(..64).unwrap());
    for name in ["n".repeat(256), "Ann\u{7}".into()] {
        let fields = [("name", name.as_str()), ("password", "long enough")];
        let joined = forms.by(Who::Nobody).form(&path, &fields).await;
        assert_eq!(joined.status, 422, "{name}");
    }
    for password in ["password123", "1q2w3e4r5t6y", "new@acme.example"] {
        let fields = [("name", "New"), ("password", password)];
        let joined = forms.by(Who::Nobody).form(&path, &fields).await;
        let said = told(&joined);
        assert!(
            said.starts_with("422 the password is easily guessed"),
            "{said}"
        );
    }
}
