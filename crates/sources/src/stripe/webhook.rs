//! What an event asks us to look at. Source: Stripe, "Types of events".

use super::{invoice::subscription_paid_by, model::id};
use crate::{Content, Question, Received, Refusal, RefusalCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a webhook.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = StripeEvent))]
#[derive(Debug, Deserialize)]
pub struct EventEnvelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// In seconds of the Unix epoch.
    created: i64,
    /// Whether real money moves; no test clock moves it.
    #[serde(default)]
    livemode: Option<bool>,
    data: EventData,
}

/// What the event is about.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = StripeEventData))]
#[derive(Debug, Deserialize)]
struct EventData {
    /// The object as the endpoint's version of the API has it.
    object: Value,
    /// What of it was otherwise before, in events that say that it was updated.
    #[serde(default)]
    previous_attributes: Value,
}

pub(super) fn receive(body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
    let event: EventEnvelope = serde_json::from_slice(body).map_err(|error| {
        Refusal::refuse(
            RefusalCode::MalformedPayload,
            format!("expected a Stripe event, a JSON object with `id`, `type`, `created` and `data.object`: {error}"),
        )
    })?;
    let created = Timestamp::from_second(event.created).ok();
    let signed_at = created.unwrap_or(Timestamp::UNIX_EPOCH);
    // What happens to a test clock happened at its time, which may lie ahead. Source: Stripe, "Test clocks".
    if event.livemode != Some(false) {
        Refusal::unless_ahead(signed_at, now)?;
    }
    let object = &event.data.object;
    let about = |about: &str, id: Option<String>| {
        id.map(|id| Question::about(about, id)).ok_or_else(|| {
            Refusal::park(
                RefusalCode::UnreadablePayload,
                format!("the {} has no id", event.kind),
            )
        })
    };
    let own = || id(object);
    let question = match event.kind.as_str() {
        // The subscription does not show that it was said.
        "customer.subscription.trial_will_end" => Some(Question {
            prompt: json!({ "trial_will_end": event.created }),
            ..about("subscription", own())?
        }),
        kind if kind.starts_with("customer.subscription.") => Some(Question {
            prompt: if says_pause(&event) {
                json!({ "paused_at": event.created })
            } else {
                Value::Null
            },
            ..about("subscription", own())?
        }),
        kind if kind.starts_with("subscription_schedule.") => {
            // One that was released has let go of it.
            id(&object["subscription"])
                .or_else(|| id(&object["released_subscription"]))
                .map(|id| Question::about("subscription", id))
        }
        kind if kind.starts_with("invoice.") => {
            match subscription_paid_by(object) {
                Some(id) => Some(Question::about("subscription", id)),
                // Of one that is about no subscription, only the payment is news, also where the rest will never come.
                None if is_settled(object) => Some(about("invoice", own())?),
                None => None,
            }
        }
        "invoice_payment.paid" => id(&object["invoice"]).map(|id| Question::about("invoice", id)),
        // A session says when it was opened, and this when it was paid.
        "checkout.session.async_payment_succeeded" => Some(Question {
            prompt: json!({ "paid_at": event.created }),
            ..about("session", own())?
        }),
        kind if kind.starts_with("checkout.session.") => Some(about("session", own())?),
        kind if kind.starts_with("charge.dispute.")
            || kind.starts_with("refund.")
            || kind == "charge.refund.updated" =>
        {
            Some(match id(&object["charge"]) {
                Some(id) => Question::about("charge", id),
                // What was paid without a card has no charge. Source: Stripe, API reference, Refund.
                None => about("payment_intent", id(&object["payment_intent"]))?,
            })
        }
        "charge.refunded" => Some(about("charge", own())?),
        // A charge says when it was made, and a bank may take days.
        "payment_intent.succeeded" => Some(Question {
            prompt: json!({ "paid_at": event.created }),
            ..about("payment_intent", own())?
        }),
        _ => None,
    };
    let question = question.map(|question| Question {
        heard_at: created,
        ..question
    });
    Ok(Received {
        key: event.id,
        signed_at,
        content: question.map_or_else(|| Content::Nothing(why_not(&event.kind)), Content::Ask),
        title: event.kind,
        revocation: Vec::new(),
        remark: None,
    })
}

/// Whether it is the event that says that a pause began: the subscription shows that it is paused, and not since when. Source: Stripe,
/// "Types of events" (`customer.subscription.paused` is about the status alone) and the API reference, `data.previous_attributes`.
fn says_pause(event: &EventEnvelope) -> bool {
    let was = event.data.previous_attributes.get("pause_collection");
    let is_set = !event.data.object["pause_collection"].is_null();
    event.kind == "customer.subscription.paused" || (is_set && was.is_some_and(Value::is_null))
}

/// Whether an invoice was paid, or some of it before it was given up.
fn is_settled(invoice: &Value) -> bool {
    let was_paid = invoice["amount_paid"].as_i64() > Some(0);
    match invoice["status"].as_str() {
        Some("paid") => true,
        Some("uncollectible" | "void") => was_paid,
        _ => false,
    }
}

/// Why an event leads to no question.
fn why_not(kind: &str) -> String {
    let why = match kind {
        kind if kind.starts_with("invoice.") => {
            "The invoice is about no subscription, and nothing is settled: what is paid of it would be news, once all is or the rest was given up."
        }
        kind if kind.starts_with("invoice_payment.") => {
            "The payment names no invoice, so it is about no purchase."
        }
        kind if kind.starts_with("subscription_schedule.") => {
            "The schedule has no subscription yet: there is nothing that it changes."
        }
        _ => {
            "Purchases do not depend on events of this type; what they lead to, other events tell. The endpoint in Stripe need not send it."
        }
    };
    why.to_owned()
}
