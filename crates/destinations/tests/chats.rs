//! What chats are told beside what is the same for all destinations: names that are only text, what else a message shows, and answers.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{Configured, Context, Outcome, Response, find};
use domain::{Environment, Event, EventKind, Headers, Money, NotSent};
use serde_json::{Value, json};
use std::time::Duration;

fn chat(key: &str, settings: &Value) -> Box<dyn Configured> {
    let context = Context {
        public_url: "https://t.example".into(),
    };
    let configured = find(key).unwrap().configure(settings, &context);
    configured.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn discord() -> Box<dyn Configured> {
    with_discord(&json!({}))
}

fn with_discord(more: &Value) -> Box<dyn Configured> {
    with(
        "discord",
        json!({ "webhook_url": "https://discord.com/api/webhooks/1/tok" }),
        more,
    )
}

fn with(key: &str, mut settings: Value, more: &Value) -> Box<dyn Configured> {
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    chat(key, &settings)
}

fn telegram(more: &Value) -> Box<dyn Configured> {
    with(
        "telegram",
        json!({ "bot_token": "1:a", "chat_id": "7" }),
        more,
    )
}

fn teams(more: &Value) -> Box<dyn Configured> {
    with(
        "teams",
        json!({ "workflow_url": "https://a.logic.azure.com/workflows/1?sig=x" }),
        more,
    )
}

fn body(configured: &dyn Configured, event: &Event) -> Value {
    let message = &configured.plan(event).unwrap()[0];
    let request = configured.render(message, event, sample::now(event));
    serde_json::from_slice(&request.unwrap().body).unwrap()
}

fn answered(configured: &dyn Configured, status: u16, body: &str) -> Outcome {
    configured.classify(&Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: body.as_bytes().to_vec(),
        unread: None,
    })
}

/// A renewal of somebody, and of something, whose names are markup.
fn of_markup() -> Event {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.customer.app_user_id = "<b>&\"[x](https:@everyone)_*".into();
    event.product = Some("@here `a` <c> [d](e)".into());
    event
}

/// Source of the escapes: Discord, "Markdown text 101".
#[test]
fn names_are_text_in_discord() {
    let rendered = body(discord().as_ref(), &of_markup());
    let embed = &rendered["embeds"][0];
    let customer = r#"\<b\>&"\[x\]\(https\:\@everyone\)\_\*"#;
    let description = embed["description"].as_str().unwrap();
    assert!(
        description.contains(&format!("Customer [{customer}](https://t.example/customers/%3Cb%3E%26%22%5Bx%5D%28https%3A%40everyone%29_%2A) just renewed")),
        "{description}"
    );
    assert_eq!(
        embed["fields"][0]["value"],
        r"\@here \`a\` \<c\> \[d\]\(e\)"
    );
    assert_eq!(rendered["allowed_mentions"], json!({ "parse": [] }));
}

/// Source of the entities: Telegram Bot API, "HTML style".
#[test]
fn names_are_text_in_telegram() {
    let rendered = body(telegram(&json!({})).as_ref(), &of_markup());
    let text = rendered["text"].as_str().unwrap();
    assert!(
        text.contains(">&lt;b&gt;&amp;&quot;[x](https:@everyone)_*</a> just renewed"),
        "{text}"
    );
    assert!(
        text.contains("<b>Product:</b> @here `a` &lt;c&gt; [d](e)\n"),
        "{text}"
    );
}

/// Runs of a rich text block are not read as Markdown; text blocks and facts are. Source: Adaptive Cards, "TextRun", "Fact".
#[test]
fn names_are_runs_in_teams() {
    let event = of_markup();
    let rendered = body(teams(&json!({})).as_ref(), &event);
    let card = &rendered["attachments"][0]["content"];
    for block in card["body"].as_array().unwrap() {
        assert_eq!(block["type"], "RichTextBlock");
    }
    assert_eq!(
        card["body"][0]["inlines"][1]["text"],
        event.customer.app_user_id.as_str()
    );
    assert_eq!(
        card["body"][1]["inlines"][1]["text"],
        "@here `a` <c> [d](e)"
    );
}

/// Source of the limits: Discord, "Embed limits"; Telegram, `sendMessage`; Microsoft, message size of webhooks.
#[test]
fn the_longest_names_stay_below_what_is_taken() {
    let mut event = sample::event(EventKind::ProductChanged);
    event.customer.app_user_id = "_".repeat(255);
    event.product = Some("&".repeat(5_000));
    event.previous_product = Some("&".repeat(5_000));
    let all = json!({ "show": ["store", "environment", "event"] });
    let embed = body(with_discord(&all).as_ref(), &event)["embeds"][0].clone();
    assert!(embed["description"].as_str().unwrap().chars().count() <= 4_096);
    for field in embed["fields"].as_array().unwrap() {
        assert!(field["value"].as_str().unwrap().chars().count() <= 1_024);
    }
    let text = body(telegram(&all).as_ref(), &event)["text"].to_string();
    assert!(text.chars().count() <= 4_096, "{text}");
    assert!(body(teams(&all).as_ref(), &event).to_string().len() < 28_000);
}

#[test]
fn store_environment_and_event_are_shown_where_they_are_wanted() {
    let settings = json!({ "show": ["store", "environment", "event"] });
    let event = sample::event(EventKind::SubscriptionRenewed);
    let page = format!(
        "https://t.example/projects/{}/events/{}",
        event.project, event.id
    );
    let id = event.id.to_string();
    let fields = body(with_discord(&settings).as_ref(), &event)["embeds"][0]["fields"].clone();
    let names = fields.as_array().unwrap().iter();
    let names: Vec<_> = names.map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["Product", "Revenue", "Store", "Environment", "Event"]
    );
    assert_eq!(fields[2]["value"], r"APP\_STORE");
    assert_eq!(fields[3]["value"], "PRODUCTION");
    let link = format!("[{}]({page})", id.replace('_', r"\_"));
    assert_eq!(fields[4]["value"], link);

    let slack = with(
        "slack",
        json!({ "webhook_url": "https://hooks.slack.com/services/x" }),
        &settings,
    );
    let fields = body(slack.as_ref(), &event)["attachments"][0]["fields"].clone();
    let expected = [
        json!({ "title": "Store", "value": "APP_STORE", "short": false }),
        json!({ "title": "Environment", "value": "PRODUCTION", "short": false }),
        json!({ "title": "Event", "value": format!("<{page}|{id}>"), "short": false }),
    ];
    assert_eq!(fields.as_array().unwrap()[3..], expected);

    let text = body(telegram(&settings).as_ref(), &event)["text"].clone();
    let last = format!("\n<b>Event:</b> <a href=\"{page}\">{id}</a>");
    assert!(text.as_str().unwrap().ends_with(&last), "{text}");

    let rendered = body(teams(&settings).as_ref(), &event);
    let action = &rendered["attachments"][0]["content"]["actions"][0];
    assert_eq!(action["url"], page.as_str());
}

/// What was given back, above zero and under its own name; of a part, the part.
#[test]
fn refunds_are_amounts_of_their_own() {
    let mut event = sample::event(EventKind::SubscriptionRefunded);
    let transaction = event.transaction.as_mut().unwrap();
    transaction.refunded = transaction
        .price
        .map(|price| Money::new(2_000_000, price.currency));
    let fields = body(discord().as_ref(), &event)["embeds"][0]["fields"].clone();
    assert_eq!(
        fields[1],
        json!({ "name": "Refunded", "value": "$2.00", "inline": true })
    );
}

#[test]
fn test_purchases_go_where_they_belong() {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.environment = Environment::Sandbox;
    for configured in [discord(), telegram(&json!({})), teams(&json!({}))] {
        assert_eq!(configured.plan(&event), Err(NotSent::EventDisabled));
        assert_eq!(
            configured.endpoint(Environment::Sandbox),
            Environment::Production
        );
    }
    let url = |configured: &dyn Configured| {
        let message = &configured.plan(&event).unwrap()[0];
        let request = configured.render(message, &event, sample::now(&event));
        request.unwrap().url
    };
    let with_both = with_discord(&json!({ "send_sandbox": true }));
    assert!(url(with_both.as_ref()).starts_with("https://discord.com/api/webhooks/1/tok?"));
    let other = json!({ "sandbox_webhook_url": "https://discord.com/api/webhooks/2/tok" });
    let with_other = with_discord(&other);
    assert!(url(with_other.as_ref()).starts_with("https://discord.com/api/webhooks/2/tok?"));
    assert_eq!(
        with_other.endpoints(),
        [Environment::Production, Environment::Sandbox]
    );
    let with_chat = telegram(&json!({ "sandbox_chat_id": "8" }));
    assert_eq!(body(with_chat.as_ref(), &event)["chat_id"], "8");
}

#[test]
fn a_thread_is_named_in_the_query_and_a_topic_in_the_body() {
    let event = sample::event(EventKind::SubscriptionRenewed);
    let forum = with_discord(&json!({ "thread_id": "42" }));
    let message = &forum.plan(&event).unwrap()[0];
    let request = forum.render(message, &event, sample::now(&event)).unwrap();
    assert!(request.url.ends_with("/1/tok?wait=true&thread_id=42"));
    assert_eq!(request.shown_url(), "https://discord.com/***");
    let topic = telegram(&json!({ "message_thread_id": 5, "silent": true }));
    let rendered = body(topic.as_ref(), &event);
    assert_eq!(rendered["message_thread_id"], 5);
    assert_eq!(rendered["disable_notification"], true);
}

#[test]
fn settings_that_would_never_work_are_refused() {
    for (key, settings, field) in [
        (
            "teams",
            json!({ "workflow_url": "https://acme.webhook.office.com/webhookb2/1" }),
            "workflow_url",
        ),
        ("teams", json!({ "workflow_url": "x" }), "workflow_url"),
        ("discord", json!({ "username": "MyDiscordBot" }), "username"),
        ("discord", json!({ "thread_id": "general" }), "thread_id"),
        ("discord", json!({ "show": ["weather"] }), "weather"),
        ("discord", json!({ "link_base": "x" }), "link_base"),
        ("telegram", json!({ "bot_token": "1:a/../x" }), "bot_token"),
    ] {
        let problems = find(key).unwrap().configure(&settings, &Context::default());
        let problems = problems.err().unwrap();
        assert_eq!(problems[0].field, field, "{key}: {problems:?}");
    }
}

/// Source: Discord developer docs, "Rate limits"; Telegram Bot API, `ResponseParameters`.
#[test]
fn pauses_are_read_from_the_body() {
    let limited = json!({ "message": "limited", "retry_after": 64.57, "global": false });
    assert_eq!(
        answered(discord().as_ref(), 429, &limited.to_string()),
        Outcome::Retry(Some(Duration::from_secs(65)))
    );
    let limited = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 35 } });
    assert_eq!(
        answered(telegram(&json!({})).as_ref(), 200, &limited.to_string()),
        Outcome::Retry(Some(Duration::from_secs(35)))
    );
}

#[test]
fn what_only_other_settings_change_holds_the_integration() {
    let telegram = telegram(&json!({}));
    for (chat, status, said) in [
        (
            &discord(),
            404,
            json!({ "message": "Unknown Webhook", "code": 10015 }),
        ),
        (
            &discord(),
            400,
            json!({ "message": "thread_id or thread_name", "code": 220_001 }),
        ),
        (
            &telegram,
            400,
            json!({ "ok": false, "error_code": 400, "description": "Bad Request: chat not found" }),
        ),
        (
            &telegram,
            403,
            json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was kicked from the group chat" }),
        ),
        (
            &telegram,
            400,
            json!({ "ok": false, "error_code": 400, "description": "Bad Request: message thread not found" }),
        ),
        (
            &teams(&json!({})),
            400,
            json!({ "error": { "code": "WorkflowTriggerIsNotEnabled" } }),
        ),
    ] {
        let outcome = answered(chat.as_ref(), status, &said.to_string());
        assert!(
            matches!(outcome, Outcome::CredentialsRefused(_)),
            "{said}: {outcome:?}"
        );
    }
    let moved =
        json!({ "ok": false, "error_code": 400, "parameters": { "migrate_to_chat_id": -100_200 } });
    let Outcome::CredentialsRefused(why) = answered(telegram.as_ref(), 400, &moved.to_string())
    else {
        panic!("the chat has moved");
    };
    assert!(why.contains("set `chat_id` to -100200"), "{why}");
}

#[test]
fn teams_may_say_no_with_200() {
    let teams = teams(&json!({}));
    let failed =
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
    assert_eq!(
        answered(teams.as_ref(), 200, &format!("{failed} 502 with x")),
        Outcome::Retry(None)
    );
    for said in [
        format!("{failed} 413 with x"),
        "Webhook message delivery failed with error: x".into(),
    ] {
        let outcome = answered(teams.as_ref(), 200, &said);
        assert!(matches!(outcome, Outcome::Rejected(_)), "{said}");
    }
}

/// Source: Telegram, Bot FAQ; Microsoft, rate limiting of webhooks.
#[test]
fn each_chat_has_its_pace() {
    let pace = |configured: &dyn Configured| {
        let rate = configured.rate().unwrap();
        (rate.count.get(), rate.per.as_secs())
    };
    assert_eq!(pace(discord().as_ref()), (30, 60));
    assert_eq!(pace(teams(&json!({})).as_ref()), (4, 1));
    assert_eq!(
        pace(teams(&json!({ "max_per_second": 2 })).as_ref()),
        (2, 1)
    );
    assert_eq!(pace(telegram(&json!({})).as_ref()), (1, 1));
    for group in ["-1001", "@acme"] {
        let group = telegram(&json!({ "chat_id": group }));
        assert_eq!(pace(group.as_ref()), (20, 60));
    }
}

#[test]
fn what_is_about_money_is_not_posted_twice_unless_it_may() {
    let slack = json!({ "webhook_url": "https://hooks.slack.com/services/x" });
    for more in [json!({}), json!({ "repeat_unconfirmed": true })] {
        let may = more == json!({ "repeat_unconfirmed": true });
        for configured in [
            with("slack", slack.clone(), &more),
            with_discord(&more),
            telegram(&more),
            teams(&more),
        ] {
            let repeats = |kind| {
                let event = sample::event(kind);
                let message = &configured.plan(&event).unwrap()[0];
                configured.repeatable(message, &event)
            };
            assert_eq!(repeats(EventKind::SubscriptionRenewed), may);
            assert!(repeats(EventKind::SubscriptionRenewalCancelled));
        }
    }
}
