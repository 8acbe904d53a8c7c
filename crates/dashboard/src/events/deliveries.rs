//! How an event stands with one integration: the request, every attempt, and a command that repeats it.

use crate::{as_shown::as_shown, text::indented};
use domain::Headers;
use ledger::{AttemptRecord, SentRequest};
use web::{App, problem::Problem, project::InProject, query::parse, view::StateView};

/// A delivery, or why there is none.
pub(crate) struct DeliveryPart {
    pub(crate) state: StateView,
    pub(crate) request_url: String,
    pub(crate) request_headers: Headers,
    pub(crate) request_body: String,
    pub(crate) request_verb: String,
    pub(crate) request_also: String,
    pub(crate) command: String,
    /// How the delivery is, for whoever sends it again.
    pub(crate) shown: String,
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
            request_verb: String::new(),
            request_also: String::new(),
            command: String::new(),
            shown: String::new(),
            attempts: Vec::new(),
        };
        if let Some(id) = &part.state.delivery {
            let id = parse("delivery", id)?;
            let ledger = app.engine.ledger();
            part.attempts = ledger.attempts(id).await?;
            let record = ledger.delivery(project.id, id).await?;
            part.shown = record.as_ref().map_or_else(String::new, as_shown);
            if let Some(request) = record.and_then(|record| record.request) {
                part.command = command(&request);
                part.request_body = indented(&request.body);
                (part.request_verb, part.request_also) = (request.method, request.also);
                (part.request_url, part.request_headers) = (request.url, request.headers);
            }
        }
        Ok(part)
    }
}

/// A text between quotes, which survive any content.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A shell command that sends the same request; nothing where no program of the shell sends all of it.
fn command(request: &SentRequest) -> String {
    let (url, body) = (&request.url, quoted(&request.body));
    let (program, separator, body) = match request.method.as_str() {
        "PUB" => {
            let (servers, subject) = url.rsplit_once('/').unwrap_or((url, ""));
            let (servers, subject) = (quoted(servers), quoted(subject));
            let program = format!("nats pub --server {servers} {subject}");
            (program, ":", Some(body))
        }
        // curl has to be told whom mail is from and whom it goes to; without, it greets the server and has succeeded.
        "PRODUCE" | "PUBLISH" | "SMTP" | "UPSERT" => return String::new(),
        method => {
            let program = format!("curl -X {method} {}", quoted(url));
            let body = (!request.body.is_empty()).then(|| format!("--data {body}"));
            (program, ": ", body)
        }
    };
    let headers = request
        .headers
        .iter()
        .map(|header| format!("{}{separator}{}", header.name, header.value));
    let headers = headers.map(|header| format!("-H {}", quoted(&header)));
    let lines: Vec<String> = std::iter::once(program)
        .chain(headers)
        .chain(body)
        .collect();
    lines.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: &str, url: &str, body: &str) -> SentRequest {
        SentRequest {
            method: method.into(),
            url: url.into(),
            headers: [("content-type", "application/json")].into_iter().collect(),
            body: body.into(),
            also: String::new(),
        }
    }

    #[test]
    fn a_command_survives_quotes() {
        let command = |method, url, body| command(&sent(method, url, body));
        let posted = command("POST", "https://a.example/", "{\"name\":\"O'Neil\"}");
        assert!(posted.starts_with("curl -X POST 'https://a.example/'"));
        assert!(
            posted.contains("--data '{\"name\":\"O'\\''Neil\"}'"),
            "{posted}"
        );
        assert!(posted.contains("-H 'content-type: application/json'"));
        let published = command("PUB", "nats://a:4222,nats://b/tidings.x", "{}");
        assert!(
            published.starts_with("nats pub --server 'nats://a:4222,nats://b' 'tidings.x'"),
            "{published}"
        );
        for (method, url) in [
            ("SMTP", "smtp://a:587"),
            ("UPSERT", "postgres://a:1/d/t"),
            ("PUBLISH", "amqps://a:5671/e/k"),
            ("PRODUCE", "kafka://a:9092/t"),
        ] {
            assert_eq!(command(method, url, "it's"), "", "{method}");
        }
    }

    #[test]
    fn a_command_has_the_method_of_the_request_and_no_body_where_it_had_none() {
        let put = command(&sent("PUT", "https://a.example/", "{}"));
        assert!(put.starts_with("curl -X PUT "), "{put}");
        let got = command(&sent("GET", "https://a.example/?a=1", ""));
        assert!(
            got.starts_with("curl -X GET ") && !got.contains("--data"),
            "{got}"
        );
    }
}
