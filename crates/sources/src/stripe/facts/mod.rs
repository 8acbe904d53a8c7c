//! From Stripe's objects to facts. Source: Stripe, "How subscriptions work" and the API reference.

mod about;
mod one_time;
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
    };
    if let Some(subscription) = objects::<Subscription>(answer, "subscription")?.first() {
        return about.subscription(subscription);
    }
    let charges = objects::<Charge>(answer, "charge")?;
    if let Some(charge) = charges.iter().find(|charge| charge.paid) {
        return Ok(Some(about.charge(charge)));
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
