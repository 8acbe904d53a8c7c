//! What a store asks about a refund: what is said beside the event, and the form that answers it.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use crate::{
    form::{Form, Ticked, Trimmed, wrong},
    respond::done,
    state::Dashboard,
    text::exact,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{Event, Store, fact::TransactionKind};
use engine::awaits_answer;
use ledger::AuditFilter;
use serde::Deserialize;
use sources::{DeliveryStatus, RefundAnswer, RefundPreference};
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// What the audit log calls an answer.
const ANSWERED: &str = "answer refund request";
/// Entries of the audit log looked through for answers.
const LOOKED_THROUGH: usize = 200;

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    vec![Route::page(
        Method::Post(Effect::Does(ANSWERED, Subject::Path("id"))),
        "/projects/{project}/events/{id}/consumption",
        Access::Form,
        answer,
    )]
}

/// What a store asks.
pub(crate) struct AskedPart {
    pub(crate) store: &'static str,
    pub(crate) reason: String,
    pub(crate) until: String,
    /// It still waits.
    pub(crate) is_open: bool,
    pub(crate) is_apple: bool,
    /// How much was used up, the store works out itself.
    pub(crate) renews: bool,
    pub(crate) answers: Vec<Answered>,
}

/// That somebody answered.
pub(crate) struct Answered {
    pub(crate) who: String,
    pub(crate) at: String,
}

/// What the store of an event asks, if it asks anything that can be answered.
pub(crate) async fn asked(
    app: &App,
    project: &InProject,
    event: &Event,
) -> Result<Option<AskedPart>, Problem> {
    let now = app.engine.system().now();
    let is_open = match awaits_answer(event, now) {
        Ok(()) => true,
        Err(engine::RefundAnswerError::TooLate(_)) => false,
        Err(_) => return Ok(None),
    };
    let request = event.request.as_ref();
    let store = event.app.as_ref().map(|app| app.store);
    let purchase = event.purchase.as_ref();
    Ok(Some(AskedPart {
        store: store.map_or("The store", Store::title),
        reason: request
            .and_then(|request| request.reason.clone())
            .unwrap_or_default(),
        until: request
            .and_then(|request| request.respond_by)
            .map_or_else(String::new, exact),
        is_open,
        is_apple: store == Some(Store::AppStore),
        renews: purchase.is_some_and(|bought| bought.kind == TransactionKind::Subscription),
        answers: answers(app, project, event).await?,
    }))
}

/// Who answered it, as far back as the last entries of the audit log go.
async fn answers(app: &App, project: &InProject, event: &Event) -> Result<Vec<Answered>, Problem> {
    let filter = AuditFilter {
        project: project.id,
        with_common: false,
    };
    let entries = app
        .engine
        .ledger()
        .audit(filter, None, LOOKED_THROUGH)
        .await?;
    let id = event.id.to_string();
    let its = entries
        .into_iter()
        .filter(|entry| entry.what == ANSWERED && entry.subject == id);
    let answered = its.map(|entry| Answered {
        who: entry.who,
        at: exact(entry.at),
    });
    Ok(answered.collect())
}

/// The form that answers. What a store does not ask for is not on its form.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AnswerForm {
    consented: Option<Ticked>,
    sample: Ticked,
    delivery: Trimmed,
    /// In percent; empty where nothing is said of it.
    used: Trimmed,
    preference: Trimmed,
}

impl AnswerForm {
    fn answer(&self) -> Result<RefundAnswer, Problem> {
        let refused = |field: &str, why: &str| Problem::invalid(vec![wrong(field, why)]);
        let delivery_status = match &*self.delivery {
            "" => None,
            "delivered" => Some(DeliveryStatus::Delivered),
            "undelivered_quality_issue" => Some(DeliveryStatus::UndeliveredQualityIssue),
            "undelivered_wrong_item" => Some(DeliveryStatus::UndeliveredWrongItem),
            "undelivered_server_outage" => Some(DeliveryStatus::UndeliveredServerOutage),
            "undelivered_other" => Some(DeliveryStatus::UndeliveredOther),
            _ => return Err(refused("delivery", "is none of those offered")),
        };
        let refund_preference = match &*self.preference {
            "" => None,
            "decline" => Some(RefundPreference::Decline),
            "grant_full" => Some(RefundPreference::GrantFull),
            "grant_prorated" => Some(RefundPreference::GrantProrated),
            "neutral" => Some(RefundPreference::Neutral),
            _ => return Err(refused("preference", "is none of those offered")),
        };
        let consumption_percentage = match &*self.used {
            "" => None,
            text => Some(
                thousandths(text)
                    .ok_or_else(|| refused("used", "is a number of percent, such as 45.2"))?,
            ),
        };
        Ok(RefundAnswer {
            customer_consented: self.consented.map(|Ticked(consented)| consented),
            sample_content_provided: self.sample.0,
            delivery_status,
            consumption_percentage,
            refund_preference,
        })
    }
}

/// `45.2` percent as 45200 thousandths of one.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 3 {
        return None;
    }
    format!("{whole}{part:0<3}").parse().ok()
}

/// `POST /projects/{project}/events/{id}/consumption`.
async fn answer(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Form(sent): Form<AnswerForm>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("event", &id);
    let event = parse("event", &id).map_err(|_| missing())?;
    let row = app.engine.ledger().event(project.id, event).await?;
    let row = row.ok_or_else(missing)?;
    let intake = app.engine.intake();
    intake.answer_refund(&row.event, &sent.answer()?).await?;
    let path = format!("/projects/{}/events/{event}", project.key);
    Ok(done(&path, "answered"))
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn percents_are_counted_in_thousandths() {
        for (text, expected) in [
            ("67.932", Some(67_932)),
            ("0.015", Some(15)),
            ("40", Some(40_000)),
            ("100", Some(100_000)),
            ("45.2", Some(45_200)),
            ("45.", Some(45_000)),
            ("0.0001", None),
            ("-1", None),
            (".5", None),
            ("half", None),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
