//! What came of a test event, told where somebody asked for it.

use crate::{form::Sent, text::exact};
use axum::http::Uri;
use domain::EventKind;
use engine::ActiveIntegration;
use ledger::DeliveryRecord;
use web::{App, problem::Problem, project::InProject, view};

/// What names the test event in the address of a page.
pub(super) const TEST: &str = "test";

/// How a test event stands with an integration, as people read it.
pub(super) struct Tested {
    pub(super) event: String,
    pub(super) color: &'static str,
    pub(super) text: String,
    /// When it is tried again, if it is.
    pub(super) next: String,
}

impl Tested {
    /// The one that an address names, where it went to this integration.
    pub(super) async fn of(
        app: &App,
        project: &InProject,
        active: &ActiveIntegration,
        uri: &Uri,
    ) -> Result<Option<Self>, Problem> {
        let Ok(id) = Sent::query(uri).text(TEST).parse() else {
            return Ok(None);
        };
        let ledger = app.engine.ledger();
        let row = ledger.event(project.id, id).await?;
        let test = row.filter(|row| row.event.kind == EventKind::Test);
        let Some(state) = test.and_then(|row| view::of_one(active, &row)) else {
            return Ok(None);
        };
        let delivery = state.delivery.as_deref().and_then(|id| id.parse().ok());
        let record = match delivery {
            Some(delivery) => ledger.delivery(project.id, delivery).await?,
            None => None,
        };
        let text = match state.state {
            "delivered" if state.is_plain() => {
                format!("The test event was accepted{}.", answer(record.as_ref()))
            }
            "delivered" => format!("The test event was hardly processed. {}", state.text),
            "pending" if state.attempts == 0 => "The test event is on its way.".to_owned(),
            "held" => format!("The test event waits. {}", state.text),
            "not_sent" => format!("The test event was not sent. {}", state.text),
            _ => format!("The test event was not accepted. {}", state.text),
        };
        Ok(Some(Self {
            event: id.to_string(),
            color: state.color,
            text,
            next: state.due_at.map(exact).unwrap_or_default(),
        }))
    }
}

/// ` with 200 after 12 ms`.
fn answer(record: Option<&DeliveryRecord>) -> String {
    let last = record.and_then(|record| record.last.as_ref());
    let answered = last.and_then(|last| Some((last.status?, last.duration_ms)));
    answered.map_or_else(String::new, |(status, ms)| {
        format!(" with {status} after {ms} ms")
    })
}
