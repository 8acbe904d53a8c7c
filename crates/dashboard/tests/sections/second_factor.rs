//! The second factor: switched on and off with proof, asked for whenever somebody signs in, each code good once.

use crate::{browser::main_of, cookie, lived, told, with_password};
use configuration::Vault;
use insta::assert_snapshot;
use jiff::SignedDuration;
use ledger::SecondFactor;
use web::{
    access::digest,
    second_factor::Secret,
    test::{Answer, Client, TestServer, Who},
};

const OWNER: &str = "owner@acme.example";
const PASSWORD: &str = "correct horse";
const ACCOUNT: &str = "/projects/acme/account";

/// The value of a hidden field.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let beginning = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&beginning).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// What the page offers to the phone, and what the phone makes of it.
pub(crate) async fn offered(server: &TestServer, client: &Client<'_>) -> (String, Secret) {
    let path = format!("{ACCOUNT}/second-factor/begin");
    let page = client.form(&path, &[("current", PASSWORD)]).await;
    assert_eq!(page.status, 200, "{page}");
    let page = page.text();
    let (_, key) = page.split_once("Key: <code>").unwrap();
    (
        hidden(&page, "offer"),
        server.secret(key.split('<').next().unwrap()),
    )
}

/// Switches the owner's on; answers with what makes the codes, the recovery codes, and the session that is left.
pub(crate) async fn switched_on(server: &TestServer) -> (Secret, Vec<String>, String) {
    with_password(server, OWNER, PASSWORD).await;
    let owner = server.by(Who::Owner);
    let (offer, secret) = offered(server, &owner).await;
    let code = server.code(&secret);
    let fields = [("offer", offer.as_str()), ("code", &code)];
    let on = owner
        .form(&format!("{ACCOUNT}/second-factor"), &fields)
        .await;
    assert_eq!(on.status, 200, "{on}");
    let page = on.text();
    let (_, codes) = page.split_once("<pre class=\"codes\">").unwrap();
    let codes = codes.split("</pre>").next().unwrap().lines();
    let session = cookie(&on, "session");
    (secret, codes.map(str::to_owned).collect(), session)
}

pub(crate) async fn first_step(client: &Client<'_>) -> Answer {
    let fields = [("email", OWNER), ("password", PASSWORD)];
    client.form("/signin", &fields).await
}

pub(crate) async fn second_step(client: &Client<'_>, ticket: &str, code: &str) -> Answer {
    let fields = [("ticket", ticket), ("code", code)];
    client.form("/signin/code", &fields).await
}

#[tokio::test]
async fn signing_in_takes_a_code_and_each_code_is_good_once() {
    let server = lived().await;
    let (secret, codes, session) = switched_on(&server).await;
    assert_eq!(codes.len(), 10);
    // Other sessions ended, this one goes on.
    assert_eq!(server.page(ACCOUNT).await.status, 303);
    assert_eq!(server.with_session(&session).get(ACCOUNT).await.status, 200);

    let nobody = server.by(Who::Nobody);
    let first = first_step(&nobody).await;
    assert_eq!(first.status, 200);
    assert!(
        first.headers.get("set-cookie").is_none(),
        "nobody is in yet"
    );
    let ticket = hidden(&first.text(), "ticket");
    assert_snapshot!(
        "second_step",
        main_of(&first.text()).replace(&ticket, "TICKET")
    );
    // The code that switched it on is used up.
    let used = second_step(&nobody, &ticket, &server.code(&secret)).await;
    assert_eq!(told(&used), "401 The code is wrong, or was used already.");
    server.pass(SignedDuration::from_secs(30)).await;
    let code = server.code(&secret);
    assert_eq!(told(&second_step(&nobody, &ticket, &code).await), "303 /");
    let again = second_step(&nobody, &ticket, &code).await;
    assert_eq!(again.status, 401, "seen over a shoulder it opens nothing");
    // On paper: as it stands there, or as somebody types it, once.
    for code in [&codes[0], &codes[1].to_lowercase().replace('-', " ")] {
        let first = first_step(&nobody).await;
        let ticket = hidden(&first.text(), "ticket");
        assert_eq!(told(&second_step(&nobody, &ticket, code).await), "303 /");
        assert_eq!(second_step(&nobody, &ticket, code).await.status, 401);
    }
    let page = server.with_session(&session).get(ACCOUNT).await.text();
    assert!(page.contains("8 recovery codes left"), "{page}");
}

/// As where the key file was lost and another took its place: the fault is neither the member's nor in the program.
#[tokio::test]
async fn a_second_factor_that_cannot_be_read_says_so_and_recovery_codes_go_on() {
    let server = lived().await;
    let (secret, codes, session) = switched_on(&server).await;
    let (ledger, factors) = (server.ledger(), server.ledger().second_factors().await);
    let user = factors.unwrap()[0];
    let known = ledger.second_factor(user).await.unwrap().unwrap();
    let sealed = web::second_factor::sealed(known.clone());
    assert!(sealed.opens_with(server.app.engine.vault()));
    ledger.remove_second_factor(user).await.unwrap();
    let lost = SecondFactor {
        secret: Vault::with_key([2; 32]).seal(&sealed.name, secret.bytes()),
        ..known
    };
    let digests = vec![digest(&codes[0].replace('-', ""))];
    ledger.put_second_factor(lost, digests).await.unwrap();
    server.pass(SignedDuration::from_secs(30)).await;

    let nobody = server.by(Who::Nobody).with("accept", "text/html");
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    let code = server.code(&secret);
    let unread = second_step(&nobody, &ticket, &code).await;
    assert_eq!(unread.status, 503, "{unread}");
    let page = unread.text();
    for said in [
        "sealed with another secret key",
        "a recovery code",
        "tidings doctor",
    ] {
        assert!(page.contains(said), "{page}");
    }
    // Nor is it switched off by whoever has only the password.
    let member = server.with_session(&session);
    let off = [("current", PASSWORD), ("code", code.as_str())];
    let path = format!("{ACCOUNT}/second-factor/off");
    assert_eq!(member.form(&path, &off).await.status, 503);
    let on_paper = second_step(&nobody, &ticket, &codes[0]).await;
    assert_eq!(told(&on_paper), "303 /");
}

#[tokio::test]
async fn the_first_step_alone_is_worth_nothing_elsewhere_or_later() {
    let server = lived().await;
    let (secret, _, _) = switched_on(&server).await;
    let nobody = server.by(Who::Nobody);
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    server.pass(SignedDuration::from_secs(60)).await;
    for wrong in ["", "AAAA", ticket.get(4..).unwrap()] {
        let answer = second_step(&nobody, wrong, &server.code(&secret)).await;
        assert_eq!(told(&answer), "401 That took too long. Sign in again.");
    }
    let elsewhere = nobody.clone().from_another_site();
    let answer = second_step(&elsewhere, &ticket, &server.code(&secret)).await;
    assert_eq!(answer.status, 403);
    server.pass(SignedDuration::from_mins(10)).await;
    let late = second_step(&nobody, &ticket, &server.code(&secret)).await;
    assert_eq!(told(&late), "401 That took too long. Sign in again.");
    // With another password the ticket of the old one is no good.
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    with_password(&server, OWNER, "another horse").await;
    let late = second_step(&nobody, &ticket, &server.code(&secret)).await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn codes_are_guessed_slowly() {
    let server = lived().await;
    let (secret, ..) = switched_on(&server).await;
    let nobody = server.by(Who::Nobody);
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    server.pass(SignedDuration::from_secs(60)).await;
    for _ in 0..6 {
        assert_eq!(second_step(&nobody, &ticket, "000000").await.status, 401);
    }
    // Signing in again begins no new count, nor does another address.
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    let elsewhere = nobody.clone().at("203.0.113.7");
    let held = second_step(&elsewhere, &ticket, &server.code(&secret)).await;
    assert_eq!(held.status, 429);
    assert!(!held.header("retry-after").is_empty());
    server.pass(SignedDuration::from_mins(1)).await;
    let answer = second_step(&elsewhere, &ticket, &server.code(&secret)).await;
    assert_eq!(told(&answer), "303 /");
}

/// A link for a new password does not go round it.
#[tokio::test]
async fn a_password_link_asks_for_the_code_as_well() {
    let server = lived().await;
    let (secret, ..) = switched_on(&server).await;
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    let id = users.find(|user| user.email == OWNER).unwrap().id;
    let path = format!("/projects/acme/members/{id}/link");
    let page = server.by(Who::Operator).form(&path, &[]).await.text();
    let (_, token) = page.split_once("/invite/").unwrap();
    let link = format!("/invite/{}", token.get(..64).unwrap());
    let nobody = server.by(Who::Nobody);
    let answer = nobody.form(&link, &[("password", "another horse")]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.get("set-cookie").is_none());
    server.pass(SignedDuration::from_secs(60)).await;
    let ticket = hidden(&answer.text(), "ticket");
    let code = server.code(&secret);
    assert_eq!(told(&second_step(&nobody, &ticket, &code).await), "303 /");
}

#[tokio::test]
async fn it_is_switched_on_and_off_with_proof_only() {
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    with_password(&server, "admin@acme.example", PASSWORD).await;
    let owner = server.by(Who::Owner);
    let begin = format!("{ACCOUNT}/second-factor/begin");
    let wrong = owner.form(&begin, &[("current", "another one")]).await;
    assert_eq!(told(&wrong), "422 The current password is another one.");
    let on = format!("{ACCOUNT}/second-factor");
    let (offer, secret) = offered(&server, &owner).await;
    let wrong = [("offer", offer.as_str()), ("code", "000000")];
    let answer = owner.form(&on, &wrong).await;
    assert_eq!(
        told(&answer),
        "422 The code is another one. Is the clock of your phone right?"
    );
    // One that was offered to another, or long ago, is not taken.
    let code = server.code(&secret);
    let fields = [("offer", offer.as_str()), ("code", &code)];
    let admin = server.by(Who::Admin).form(&on, &fields).await;
    assert_eq!(told(&admin), "422 That took too long. Begin again.");
    server.pass(SignedDuration::from_mins(15)).await;
    let late = [("offer", offer.as_str()), ("code", &server.code(&secret))];
    let late = owner.form(&on, &late).await;
    assert_eq!(told(&late), "422 That took too long. Begin again.");
    // A key or the operator has no account to give one to.
    let operator = server.by(Who::Operator).form(&begin, &[]).await;
    assert_eq!(operator.status, 409);

    let (secret, codes, session) = switched_on(&server).await;
    let owner = server.with_session(&session);
    let off = format!("{ACCOUNT}/second-factor/off");
    let send = async |current: &str, code: &str| {
        told(
            &owner
                .form(&off, &[("current", current), ("code", code)])
                .await,
        )
    };
    server.pass(SignedDuration::from_secs(60)).await;
    let code = server.code(&secret);
    assert_eq!(
        send("another one", &code).await,
        "422 The current password is another one."
    );
    assert_eq!(
        send(PASSWORD, "000000").await,
        "422 The code is wrong, or was used already."
    );
    assert_eq!(
        send(PASSWORD, &codes[0]).await,
        "303 /projects/acme/account?notice=saved"
    );
    assert_eq!(
        send(PASSWORD, &code).await,
        "422 You have no second factor."
    );
    assert_eq!(told(&first_step(&server.by(Who::Nobody)).await), "303 /");
}

/// A session and the password are not enough to put another phone in the place of the one there is.
#[tokio::test]
async fn one_that_is_on_is_not_replaced() {
    const IS_ON: &str = "422 It is on already. Switch it off first, which takes a code of it.";
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    // Offered before it was switched on, and still good.
    let (early, other) = offered(&server, &server.by(Who::Owner)).await;
    let (secret, _, session) = switched_on(&server).await;
    let thief = server.with_session(&session);
    let begin = format!("{ACCOUNT}/second-factor/begin");
    let answer = thief.form(&begin, &[("current", PASSWORD)]).await;
    assert_eq!(told(&answer), IS_ON);
    let code = server.code(&other);
    let fields = [("offer", early.as_str()), ("code", &code)];
    let answer = thief
        .form(&format!("{ACCOUNT}/second-factor"), &fields)
        .await;
    assert_eq!(told(&answer), IS_ON);
    server.pass(SignedDuration::from_secs(30)).await;
    let nobody = server.by(Who::Nobody);
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    let code = server.code(&secret);
    assert_eq!(told(&second_step(&nobody, &ticket, &code).await), "303 /");
}

/// Otherwise the first would have recovery codes that open nothing, and a phone whose codes are wrong.
#[tokio::test]
async fn of_two_who_switch_it_on_at_once_one_does() {
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    let owner = server.by(Who::Owner);
    let offers = [
        offered(&server, &owner).await,
        offered(&server, &owner).await,
    ];
    let switch_on = async |(offer, secret): &(String, Secret)| {
        let code = server.code(secret);
        let fields = [("offer", offer.as_str()), ("code", &code)];
        let path = format!("{ACCOUNT}/second-factor");
        owner.form(&path, &fields).await
    };
    let (first, second) = tokio::join!(switch_on(&offers[0]), switch_on(&offers[1]));
    let (winner, loser, secret) = if first.status == 200 {
        (first, second, &offers[0].1)
    } else {
        (second, first, &offers[1].1)
    };
    assert_eq!(winner.status, 200, "{winner}");
    assert_ne!(loser.status, 200, "{loser}");
    // The codes that were shown are those that open.
    let (_, codes) = winner
        .text()
        .split_once("<pre class=\"codes\">")
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .unwrap();
    let recovery = codes.lines().next().unwrap();
    server.pass(SignedDuration::from_secs(30)).await;
    let nobody = server.by(Who::Nobody);
    for code in [&server.code(secret), recovery] {
        let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
        assert_eq!(told(&second_step(&nobody, &ticket, code).await), "303 /");
    }
}

#[tokio::test]
async fn what_is_shown_on_the_way() {
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    let owner = server.by(Who::Owner);
    let path = format!("{ACCOUNT}/second-factor/begin");
    let page = owner.form(&path, &[("current", PASSWORD)]).await.text();
    let (secret, offer) = {
        let (_, key) = page.split_once("Key: <code>").unwrap();
        (key.split('<').next().unwrap(), hidden(&page, "offer"))
    };
    let (before, rest) = page.split_once("<path d=\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    let shown = format!("{before}<path d=\"{after}");
    let shown = main_of(&shown)
        .replace(&offer, "OFFER")
        .replace(secret, "KEY");
    assert_snapshot!("offer", shown);
}
