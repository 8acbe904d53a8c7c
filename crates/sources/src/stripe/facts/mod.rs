//! From Stripe's objects to facts. Source: Stripe, "How subscriptions work" and the API reference.

mod about;
mod amount;
mod lines;
mod one_time;
mod payments;
mod plan;
mod refund;
mod renewal;
mod subscription;

use super::{
    App,
    model::{Charge, Session, Subscription},
};
use crate::{Answer, Refusal};
use about::{About, objects};
use domain::Observation;

pub(super) fn read(answer: &Answer, app: &App) -> Result<Option<Observation>, Refusal> {
    let sessions: Vec<Session> = objects(answer, "session")?;
    let about = About {
        answer,
        app,
        refunds: refund::refunds(answer)?,
        sessions,
        charges: objects(answer, "charge")?,
    };
    if let Some(subscription) = objects::<Subscription>(answer, "subscription")?.first() {
        return about.subscription(subscription);
    }
    if let Some(invoice) = payments::read_invoices(answer)?.first() {
        return about.sold_by(invoice);
    }
    if about.sessions.is_empty() {
        // The one place where it is decided, whatever led here: an event, a refund, a receipt.
        let counts = |charge: &&Charge| charge.paid && app.bare_payments;
        let charge = about.charges.iter().find(counts);
        return Ok(charge.map(|charge| about.charge(charge)));
    }
    Ok(about
        .sessions
        .iter()
        .find(|session| {
            matches!(
                session.payment_status.as_deref(),
                Some("paid" | "no_payment_required")
            )
        })
        .and_then(|session| about.session(session)))
}
