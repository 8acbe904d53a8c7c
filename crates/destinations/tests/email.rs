//! E-mail: what is written, what its settings may be, and what replies mean.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{
    Configured, Context, Outcome, Request,
    email::{Security, Stage, answer, written},
    find,
};
use domain::{Event, EventKind, NotSent};
use serde_json::{Value, json};

fn settings(more: &Value) -> Value {
    let mut all = json!({
        "server": "smtp.example.com",
        "from": "Events <events@example.com>",
        "to": ["team@example.com"],
    });
    all.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    all
}

fn made(more: &Value, public_url: &str) -> Result<Box<dyn Configured>, Vec<destinations::Invalid>> {
    let context = Context {
        public_url: public_url.into(),
    };
    find("email").unwrap().configure(&settings(more), &context)
}

fn mail(more: &Value) -> Box<dyn Configured> {
    made(more, "https://t.example").unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn mail_to(all: &[String]) -> Box<dyn Configured> {
    mail(&json!({ "to": all }))
}

fn rendered(configured: &dyn Configured, event: &Event) -> Request {
    let message = &configured.plan(event).unwrap()[0];
    configured
        .render(message, event, sample::now(event))
        .unwrap()
}

fn sent(configured: &dyn Configured) -> destinations::email::Mail {
    match rendered(configured, &sample::event(EventKind::Test)).via {
        destinations::Via::Mail(mail) => mail,
        _ => panic!("it is mail"),
    }
}

/// Source: RFC 5322, sections 2.1.1 and 2.2; RFC 2047 for the words of the subject.
#[test]
fn a_message_is_headers_and_text_in_short_lines_of_ascii() {
    let mail = mail(&json!({ "show": ["event"] }));
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.product = Some(format!(
        "Über\r\n.\r\nBcc: all@example.com {}",
        "x".repeat(150)
    ));
    let request = rendered(mail.as_ref(), &event);
    let text = String::from_utf8(written(&request).unwrap()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']));
    assert!(
        text.split("\r\n")
            .all(|line| line.len() < 998 && line != ".")
    );
    let unfolded = head.replace("\r\n ", " ");
    let names: Vec<_> = unfolded
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-Id",
            "Auto-Submitted",
            "Content-Type",
            "MIME-Version",
            "Content-Transfer-Encoding"
        ]
    );
    assert!(head.contains("Date: Thu, 01 Jan 2026 10:00:"), "{head}");
    assert!(
        head.contains("Subject: Customer 12345 just renewed"),
        "{head}"
    );
    assert!(head.contains("=?utf-8?"), "{head}");
    assert!(
        body.starts_with("=F0=9F=98=BA Customer 12345 just renewed"),
        "{body}"
    );
    let page = "https://t.example/projects/";
    assert!(body.replace("=\r\n", "").contains(page), "{body}");
}

#[test]
fn the_server_is_asked_at_the_usual_port_of_how_it_is_encrypted() {
    for (more, server, security) in [
        (json!({}), "smtp.example.com:587", Security::Starttls),
        (
            json!({ "security": "tls" }),
            "smtp.example.com:465",
            Security::Tls,
        ),
        (
            json!({ "security": "none" }),
            "smtp.example.com:25",
            Security::None,
        ),
        (
            json!({ "server": "[2001:db8::1]" }),
            "[2001:db8::1]:587",
            Security::Starttls,
        ),
        (
            json!({ "server": "[2001:db8::1]:26" }),
            "[2001:db8::1]:26",
            Security::Starttls,
        ),
        (
            json!({ "server": "10.0.0.1:2525" }),
            "10.0.0.1:2525",
            Security::Starttls,
        ),
    ] {
        let sent = sent(mail(&more).as_ref());
        assert_eq!((sent.server.as_str(), sent.security), (server, security));
    }
}

#[test]
fn it_says_the_name_of_this_installation_or_of_the_sender() {
    for (public_url, hello) in [
        ("https://t.example:8443/x", "t.example"),
        ("http://localhost:8080", "example.com"),
        ("http://192.0.2.1", "example.com"),
        ("", "example.com"),
    ] {
        let made = made(&json!({}), public_url).ok().unwrap();
        assert_eq!(sent(made.as_ref()).hello, hello, "{public_url}");
    }
}

#[test]
fn settings_are_addresses_and_a_server_and_a_password_travels_encrypted_only() {
    for (more, problem) in [
        (
            json!({ "server": "smtp://a.example" }),
            "`server` has a port that is not a number",
        ),
        (
            json!({ "server": "a.example/x" }),
            "`server` has a host with something other",
        ),
        (
            json!({ "server": "me@a.example" }),
            "`server` must not contain a user name",
        ),
        (
            json!({ "from": "events" }),
            "`from` \"events\" is no address",
        ),
        (
            json!({ "from": "é@example.com" }),
            "`from` \"é@example.com\" is no address",
        ),
        (
            json!({ "to": ["a@example.com", "b@example.com>\r\nDATA"] }),
            "`to` \"b@example.com>\\r\\nDATA\" is no address",
        ),
        (
            json!({ "to": vec!["a@example.com"; 51] }),
            "`to` holds at most 50",
        ),
        (json!({ "password": "p" }), "`username` is missing"),
        (
            json!({ "username": "u", "password": "p", "security": "none" }),
            "`security` `none` would send the password in the clear",
        ),
        (
            json!({ "ca_certificates": "no" }),
            "`ca_certificates` holds no certificates",
        ),
        (json!({ "security": "ssl" }), "`ssl`"),
    ] {
        let problems = made(&more, "https://t.example").err().unwrap();
        let shown = problems[0].to_string();
        assert!(
            shown.starts_with(problem) || shown.contains(problem),
            "{shown}"
        );
    }
}

#[test]
fn what_is_not_set_is_named() {
    for name in ["server", "from", "to"] {
        let empty = if name == "to" { json!([]) } else { json!("") };
        let mail = mail(&json!({ name: empty }));
        let event = sample::event(EventKind::Test);
        let message = &mail.plan(&event).unwrap()[0];
        let why = mail
            .render(message, &event, sample::now(&event))
            .unwrap_err();
        assert_eq!(why.reason, NotSent::MissingCredentials);
        assert_eq!(why.detail, format!("{name} is not set"));
        assert!(mail.endpoints().is_empty());
    }
}

/// Source: RFC 5321, section 4.2.3; RFC 4954, section 6.
#[test]
fn replies_mean_what_their_codes_say() {
    let mail = mail(&json!({}));
    let means = |code| mail.classify(&answer(Stage::Message, code, "said", []));
    assert_eq!(means(250), Outcome::Delivered);
    for code in [421, 450, 451, 452, 454, 455, 500, 503] {
        assert_eq!(means(code), Outcome::Retry(None), "{code}");
    }
    for code in [530, 534, 535, 538] {
        assert!(
            matches!(means(code), Outcome::CredentialsRefused(_)),
            "{code}"
        );
    }
    for code in [521, 550, 551, 552, 553, 554, 555] {
        assert!(matches!(means(code), Outcome::Rejected(_)), "{code}");
    }
    let nobody = (
        "nobody@example.com".parse().unwrap(),
        "5.1.1\r\nnobody".into(),
    );
    match mail.classify(&answer(Stage::Message, 250, "taken", [nobody])) {
        Outcome::Partly(why) => assert!(why.contains("nobody@example.com: 5.1.1"), "{why}"),
        other => panic!("{other:?}"),
    }
    // What a server says is its own, whatever it looks like.
    let said = answer(Stage::Message, 250, "taken\nrefused: nobody", []);
    assert_eq!(mail.classify(&said), Outcome::Delivered);
}

/// Source: RFC 5321, sections 3.1, 3.3 and 4.2.4.1 (554 and 521 for a greeting), 4.5.3.1.
#[test]
fn what_is_refused_before_the_message_is_told_is_not_about_the_message() {
    let mail = mail(&json!({}));
    assert!(mail.may_take_again(), "a block is lifted elsewhere");
    for stage in [Stage::Hello, Stage::Login, Stage::Sender, Stage::Recipients] {
        for code in [500, 502, 503, 521, 535, 550, 553, 554] {
            match mail.classify(&answer(stage, code, "said", [])) {
                Outcome::CredentialsRefused(why) => {
                    assert!(why.contains(&format!("{code} to ")), "{why}");
                }
                other => panic!("{stage:?} {code}: {other:?}"),
            }
        }
        for code in [421, 450, 452] {
            let means = mail.classify(&answer(stage, code, "said", []));
            assert_eq!(means, Outcome::Retry(None), "{stage:?} {code}");
        }
    }
}

#[test]
fn all_wait_for_one_who_is_refused_for_now_while_the_event_is_young() {
    let mail = mail(&json!({}));
    let event = sample::event(EventKind::Test);
    let message = &mail.plan(&event).unwrap()[0];
    for (minutes, waits) in [(0, true), (9, true), (10, false), (600, false)] {
        let mut now = sample::now(&event);
        now.at = event.recorded_at + jiff::SignedDuration::from_mins(minutes);
        match mail.render(message, &event, now).unwrap().via {
            destinations::Via::Mail(mail) => assert_eq!(mail.waits_for_all, waits, "{minutes}"),
            _ => panic!("it is mail"),
        }
    }
}

/// Source: RFC 2047, sections 5 (3) and 8: what is encoded stands for the name itself, of which quotes are no part.
#[test]
fn a_name_with_a_comma_is_one_name_without_quotes() {
    let name = r#""Müller, Jörg" <jm@example.com>"#;
    let mail = mail(&json!({ "from": name, "to": [name, "all@example.com"] }));
    let request = rendered(mail.as_ref(), &sample::event(EventKind::Test));
    let text = String::from_utf8(written(&request).unwrap()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    let unfolded = head.replace("\r\n ", " ");
    let encoded = "=?utf-8?b?TcO8bGxlciwgSsO2cmc=?= <jm@example.com>";
    for line in [
        format!("From: {encoded}"),
        format!("To: {encoded}, all@example.com"),
    ] {
        assert!(unfolded.lines().any(|one| one == line), "{line}\n{head}");
    }
    // Fifty recipients, and names that are long: no line is.
    let long = format!("{} <l@example.com>", "Événement ".repeat(20));
    let mut all = vec![long; 25];
    all.extend(vec!["\"Doe, Jane\" <jd@example.com>".to_owned(); 25]);
    let crowd = mail_to(&all);
    let request = rendered(crowd.as_ref(), &sample::event(EventKind::Test));
    let text = String::from_utf8(written(&request).unwrap()).unwrap();
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 78));
    assert_eq!(text.matches("\"Doe, Jane\" <jd@example.com>").count(), 25);
}

#[test]
fn what_is_about_money_is_not_sent_twice_where_nobody_knows() {
    let renewal = sample::event(EventKind::SubscriptionRenewed);
    let expiry = sample::event(EventKind::SubscriptionExpired);
    let repeats = |more: &Value, event: &Event| {
        let mail = mail(more);
        mail.repeatable(&mail.plan(event).unwrap()[0], event)
    };
    assert!(!repeats(&json!({}), &renewal) && repeats(&json!({}), &expiry));
    assert!(repeats(&json!({ "repeat_unconfirmed": true }), &renewal));
}
