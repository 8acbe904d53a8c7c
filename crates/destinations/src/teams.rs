//! Microsoft Teams, by a workflow. Source: Microsoft, "Create incoming webhooks with Workflows for Microsoft Teams", "Microsoft 365 connectors",
//! "Adaptive Cards for Teams" (rich text blocks, version 1.2 and later), read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | customer as a link, sentence | a rich text block, `good` or `attention` |
//! | product, amount, store, environment | a rich text block each |
//! | page of the event, where it is to be shown | an action that opens it |
//! | all in one line | `fallbackText` |
//!
//! Text blocks and facts read a subset of Markdown, runs of a rich text block read none: names can neither lead anywhere nor ring anybody. A
//! card is far below the 28 KB that are taken. The secret is the URL, which holds a signature. Connectors (`webhook.office.com`) were switched
//! off in 2026, so their URLs are refused.
//!
//! 202 says that the workflow was started; whether the card was posted is never told. What stood between a connector and Teams answered 200
//! with an error in words, which is read as what it says. Assumed: 401, 403 and 404, and 400 with `WorkflowTriggerIsNotEnabled`, mean that the
//! workflow is off or gone. Four requests a second. There is no idempotency key.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Unsendable,
    chat::{self, Chat, Link, Told, check_webhook},
    common::{self, Keys},
    spec::fields,
};
use domain::{Environment, Event, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{borrow::Cow, num::NonZeroU32};

/// The entry in [`crate::ALL`].
pub struct Teams;

const OWN: &[Field] = &[
    Field::new(
        "workflow_url",
        FieldKind::Secret,
        "URL of a workflow that posts to a channel when a webhook request is received.",
    ),
    Field::new(
        "sandbox_workflow_url",
        FieldKind::Secret,
        "URL of another workflow for test purchases.",
    ),
];

static SPEC: Spec = Spec {
    key: "teams",
    title: "Microsoft Teams",
    category: Category::Chat,
    summary: "A card in a channel for each event that matters to people, by a workflow.",
    notes: &[
        "An answer says that the workflow was started, not that the card was posted: look at its run history.",
        "A workflow belongs to a person: name a co-owner, or it ends when the account does.",
        "Teams cannot tell a repetition: where an answer was lost, what is about money is not posted again unless the settings say so.",
    ],
    fields: fields!(
        OWN,
        chat::SHOWN,
        common::EVENT_SWITCHES,
        common::SANDBOX,
        common::MONEY,
        chat::DELIVERY,
    ),
    // The secret is the URL.
    travels: &[],
    events: chat::EVENTS,
    ordered: true,
    concurrency: 1,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    workflow_url: Secret,
    #[serde(default)]
    sandbox_workflow_url: Secret,
}

struct Ready {
    settings: Settings,
    chat: Chat,
}

/// Hosts of the connectors that were switched off.
const CONNECTORS: [&str; 2] = ["webhook.office.com", "outlook.office.com"];

fn check(field: &str, url: &Secret, problems: &mut Vec<Invalid>) {
    check_webhook(field, url, problems);
    let rest = url.expose().split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
    if CONNECTORS.iter().any(|of| host.ends_with(of)) {
        let problem =
            "is the URL of a connector, which Microsoft switched off; make a workflow instead";
        problems.push(Invalid::new(field, problem));
    }
}

impl Destination for Teams {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, chat) = chat::read::<Settings>(settings, &SPEC, context)?;
        let mut problems = Vec::new();
        check("workflow_url", &settings.workflow_url, &mut problems);
        check(
            "sandbox_workflow_url",
            &settings.sandbox_workflow_url,
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, chat }))
    }
}

fn run(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text })
}

fn linked(link: &Link<'_>) -> Value {
    let mut run = run(&link.text);
    run["selectAction"] = json!({ "type": "Action.OpenUrl", "url": link.url });
    run
}

fn block(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn headline(told: &Told<'_>) -> Value {
    let emoji = told.mood.emoji();
    let mut runs = match &told.customer {
        None => vec![run(&format!("{emoji} This"))],
        Some(customer) => vec![run(&format!("{emoji} Customer ")), linked(customer)],
    };
    runs.push(run(&format!(" {}", told.text)));
    let color = if told.mood.is_good() {
        "good"
    } else {
        "attention"
    };
    for run in &mut runs {
        run["weight"] = "bolder".into();
        run["color"] = color.into();
    }
    block(&runs)
}

fn card(told: &Told<'_>) -> Value {
    let fact = |(name, value): &(&str, Cow<'_, str>)| {
        let mut name = run(&format!("{name}: "));
        name["weight"] = "bolder".into();
        block(&[name, run(value)])
    };
    let mut body = vec![headline(told)];
    body.extend(told.facts.iter().map(fact));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": told.summary,
        "body": body,
    });
    if let Some(link) = &told.event {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Event", "url": link.url }]);
    }
    card
}

/// The status that a 200 tells in words: `... endpoint returned HTTP error 429`.
fn told_status(said: &str) -> Option<u16> {
    let (_, rest) = said.split_once("returned HTTP error ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

impl Ready {
    const fn urls(&self) -> Keys<'_> {
        Keys::new(
            ("workflow_url", &self.settings.workflow_url),
            ("sandbox_workflow_url", &self.settings.sandbox_workflow_url),
        )
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        self.chat.plan(event, self.urls().has_sandbox())
    }

    fn render(&self, _: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let told = self.chat.told(event)?;
        let url = self.urls().shared(event.environment)?;
        let body = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": card(&told),
            }],
        });
        Ok(Request::json(url.expose(), body.to_string().into_bytes()).with_secret_url())
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.said();
        let why = || format!("Teams answered {}: {said}", response.status);
        let failed = said.starts_with("Webhook message delivery failed");
        let is_off = said.contains("WorkflowTriggerIsNotEnabled");
        let status = match response.status {
            200..=299 => told_status(&said).unwrap_or(if failed { 400 } else { 200 }),
            status => status,
        };
        match status {
            200..=299 => Outcome::Delivered,
            401 | 403 | 404 => Outcome::CredentialsRefused(why()),
            400 if is_off => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.urls().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.urls().endpoints()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.chat.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        let four = NonZeroU32::MIN.saturating_add(3);
        self.chat.common.rate(Some(Rate::per_second(four)))
    }

    fn retry(&self) -> &retry::Policy {
        self.chat.common.retry()
    }
}
