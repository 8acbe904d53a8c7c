//! How an event stands with one integration: the request, every attempt, and a command that repeats it.

use crate::text::indented;
use domain::Headers;
use ledger::AttemptRecord;
use web::{App, problem::Problem, project::InProject, query::parse, view::StateView};

/// A delivery, or why there is none.
pub(crate) struct DeliveryPart {
    pub(crate) state: StateView,
    pub(crate) request_url: String,
    pub(crate) request_headers: Headers,
    pub(crate) request_body: String,
    pub(crate) request_verb: &'static str,
    pub(crate) command: String,
    pub(crate) attempts: Vec<AttemptRecord>,
}

impl DeliveryPart {
    pub(crate) async fn of(
        app: &App,
        project: &InProject,
        state: StateView,
    ) -> Result<Self, Problem> {
        let mut part = Self {
            state,
            request_url: String::new(),
            request_headers: Headers::default(),
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
}

/// A shell command that sends the same request; quotes survive any content.
fn command(url: &str, headers: &Headers, body: &str) -> String {
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
        .map(|header| format!("{}{separator}{}", header.name, header.value));
    let headers = headers.map(|header| format!("-H {}", quoted(&header)));
    let lines: Vec<String> = std::iter::once(program)
        .chain(headers)
        .chain([body])
        .collect();
    lines.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_survives_quotes() {
        let headers = [("content-type", "application/json")].into_iter().collect();
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
