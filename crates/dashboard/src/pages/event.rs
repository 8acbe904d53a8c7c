//! One event as a chain: what the store said, the rule that fired, and every attempt to tell it on.

use super::{Row, Shell, decoded::decoded, done, exact, html, indented};
use crate::{Dashboard, filters};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    http::Uri,
    response::Response,
};
use destinations::webhook;
use domain::{Event, event::Purchase, snapshot::Standing};
use ledger::{AttemptRecord, EventFilter, Page};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
    view::{self, StateView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/events/{id}", Page, "", event),
        Route::new(
            Post,
            "/projects/{project}/deliveries/{id}/resend",
            Form,
            "",
            resend,
        ),
    ]
}

struct DeliveryPart {
    state: StateView,
    request_url: String,
    request_headers: Vec<(String, String)>,
    request_body: String,
    request_verb: &'static str,
    command: String,
    attempts: Vec<AttemptRecord>,
}

struct MessagePart {
    title: String,
    received_at: String,
    verdict: &'static str,
    decoded: String,
    raw: String,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventTemplate {
    shell: Shell,
    row: Row,
    occurred_at: String,
    rule: String,
    key: String,
    seq: u64,
    message: Option<MessagePart>,
    /// What, before, after.
    states: Vec<(&'static str, String, String)>,
    deliveries: Vec<DeliveryPart>,
    event_json: String,
    /// Each webhook format, with the name and body of every message.
    formats: Vec<(&'static str, Vec<(String, String)>)>,
}

/// How far back the event before it on the same purchase is looked for.
const LOOK_BACK: usize = 50;

async fn message(app: &App, event: &Event) -> Result<Option<MessagePart>, Problem> {
    let Some(id) = event.cause.inbox else {
        return Ok(None);
    };
    let record = app.engine.ledger().inbox(id).await?;
    Ok(record.map(|record| {
        let message = record.message;
        let verdict = match message.source.as_str() {
            "app_store" => "Its signatures and the certificates behind them were verified before it was taken in.",
            "play_store" => "It was pushed by the configured service account; what happened was then asked of Google.",
            "stripe" => "Its signature was verified before it was taken in; what happened was then asked of Stripe.",
            "receipt" => "A client sent it in; what was bought is the store's word.",
            "customer" => "Something was done to the customer.",
            source if source.ends_with("/answer") => "It is what the store itself answered when it was asked.",
            _ => "A key of the project vouches for it.",
        };
        MessagePart {
            title: message.title,
            received_at: exact(message.received_at),
            verdict,
            decoded: decoded(&message.body).unwrap_or_default(),
            raw: String::from_utf8_lossy(&message.body).into_owned(),
        }
    }))
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Current => "current".into(),
        Standing::Grace { until, .. } => format!("unpaid, in grace until {until:.0}"),
        Standing::Retry { since } => format!("unpaid since {since:.0}"),
        Standing::Lapsed => "period over, not confirmed yet".into(),
        Standing::Expired { at, reason } => format!("expired {at:.0}, {}", reason.id()),
        Standing::Paused { until: Some(until) } => format!("paused until {until:.0}"),
        Standing::Paused { until: None } => "paused".into(),
        Standing::Revoked { at } => format!("revoked {at:.0}"),
    }
}

/// The purchase line by line.
fn lines(event: &Event, purchase: &Purchase) -> Vec<(&'static str, String)> {
    let time = |at: Option<jiff::Timestamp>| at.map_or("never".into(), |at| format!("{at:.0}"));
    vec![
        ("Product", event.product.clone().unwrap_or_default()),
        ("Period", format!("{:?}", purchase.phase).to_lowercase()),
        ("Standing", standing(&purchase.standing)),
        ("Period ends", time(purchase.expires_at)),
        ("Access ends", time(purchase.access_until)),
        (
            "Renews",
            if purchase.will_renew { "yes" } else { "no" }.into(),
        ),
        (
            "Next product",
            purchase
                .next_product
                .clone()
                .unwrap_or_else(|| "the same".into()),
        ),
        ("Paid periods", purchase.consecutive_payments.to_string()),
    ]
}

/// What the event before it on the same purchase said, beside what this one says.
async fn states(
    app: &App,
    project: &InProject,
    position: u64,
    event: &Event,
) -> Result<Vec<(&'static str, String, String)>, Problem> {
    let Some(purchase) = &event.purchase else {
        return Ok(Vec::new());
    };
    let filter = EventFilter {
        project: Some(project.id),
        customer: Some(event.customer.id),
        ..EventFilter::default()
    };
    let page = Page::Before(Some(position), LOOK_BACK);
    let earlier = app.engine.ledger().events(&filter, page).await?;
    let before = earlier.iter().find_map(|row| {
        let known = row.event.purchase.as_ref()?;
        (known.chain == purchase.chain).then(|| lines(&row.event, known))
    });
    let after = lines(event, purchase);
    Ok(match before {
        Some(before) => before
            .into_iter()
            .zip(after)
            .map(|((what, before), (_, after))| (what, before, after))
            .collect(),
        None => after
            .into_iter()
            .map(|(what, after)| (what, "–".to_owned(), after))
            .collect(),
    })
}

/// A shell command that sends the same request; quotes survive any content.
fn command(url: &str, headers: &[(String, String)], body: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let (program, separator, body) = match url.rsplit_once('/') {
        Some((servers, subject)) if !url.starts_with("http") => (
            format!("nats pub --server {} {}", quoted(servers), quoted(subject)),
            ":",
            quoted(body),
        ),
        _ => (
            format!("curl -X POST {}", quoted(url)),
            ": ",
            format!("--data {}", quoted(body)),
        ),
    };
    let headers = headers
        .iter()
        .map(|(name, value)| format!("-H {}", quoted(&format!("{name}{separator}{value}"))));
    let lines: Vec<String> = std::iter::once(program)
        .chain(headers)
        .chain([body])
        .collect();
    lines.join(" \\\n  ")
}

async fn delivery_part(
    app: &App,
    project: &InProject,
    state: StateView,
) -> Result<DeliveryPart, Problem> {
    let mut part = DeliveryPart {
        state,
        request_url: String::new(),
        request_headers: Vec::new(),
        request_body: String::new(),
        request_verb: "POST",
        command: String::new(),
        attempts: Vec::new(),
    };
    if let Some(id) = &part.state.delivery {
        let id = parse("delivery", id)?;
        let ledger = app.engine.ledger();
        part.attempts = ledger.attempts(id).await?;
        let record = ledger.delivery(project.id, id).await?;
        if let Some(request) = record.and_then(|record| record.request) {
            part.request_verb = request.verb();
            part.command = command(&request.url, &request.headers, &request.body);
            part.request_body = indented(&request.body);
            (part.request_url, part.request_headers) = (request.url, request.headers);
        }
    }
    Ok(part)
}

/// `GET /projects/{project}/events/{id}`.
pub(crate) async fn event(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = app
        .engine
        .ledger()
        .event(
            project.id,
            parse("event", &id).map_err(|_| Problem::not_found("event", &id))?,
        )
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    let message = message(&app, &row.event).await?;
    let states = states(&app, &project, row.position, &row.event).await?;
    let shown =
        serde_json::to_value(&row.event).and_then(|value| serde_json::to_string_pretty(&value));
    let event_json = shown.unwrap_or_else(|error| error.to_string());
    let occurred_at = exact(row.event.occurred_at);
    let formats = webhook::FORMATS.map(|format| {
        let told = webhook::payloads(format, &row.event).into_iter();
        let shown = |body: Vec<u8>| indented(&String::from_utf8_lossy(&body));
        let told = told.map(|(name, body)| {
            let shown = body.map_or_else(|error| error.to_string(), shown);
            (name, shown)
        });
        (format, told.collect())
    });
    let (rule, key, seq) = (
        row.event.cause.rule.clone(),
        row.event.key.clone(),
        row.event.customer_seq,
    );
    let mut row = Row::of(&project.key, view::event(&project.setup, row));
    let mut deliveries = Vec::new();
    for state in std::mem::take(&mut row.integrations) {
        deliveries.push(delivery_part(&app, &project, state).await?);
    }
    Ok(html(&EventTemplate {
        shell: Shell::load(&app, &project, "events", &uri).await?,
        row,
        occurred_at,
        rule,
        key,
        seq,
        message,
        states,
        deliveries,
        event_json,
        formats: formats.into(),
    }))
}

/// `POST /projects/{project}/deliveries/{id}/resend`, from the page of an event or, with `back`, of an integration.
pub(crate) async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = parse("delivery", &id)?;
    let record = app
        .engine
        .ledger()
        .delivery(project.id, id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id.to_string()))?;
    app.engine.dispatch().resend(project.id, id).await?;
    project
        .did(&app, "resend delivery", &id.to_string())
        .await?;
    let back = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "back")
        .and_then(|(_, key)| {
            project
                .integration(&key)
                .ok()
                .map(|known| known.row.key.clone())
        });
    let path = match back {
        Some(key) => format!("/projects/{}/integrations/{key}", project.key),
        None => format!("/projects/{}/events/{}", project.key, record.event),
    };
    Ok(done(&path, "resent"))
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_survives_quotes() {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let command = command("https://a.example/", &headers, "{\"name\":\"O'Neil\"}");
        assert!(
            command.contains("--data '{\"name\":\"O'\\''Neil\"}'"),
            "{command}"
        );
        assert!(command.contains("-H 'content-type: application/json'"));
        let published = super::command("nats://a:4222,nats://b/tidings.x", &headers, "{}");
        assert!(
            published.starts_with("nats pub --server 'nats://a:4222,nats://b' 'tidings.x'"),
            "{published}"
        );
    }
}
