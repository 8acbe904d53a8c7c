//! From Google's answers to facts. Source: Google, "Google Play Developer API", purchases.subscriptionsv2,
//! purchases.productsv2 and orders; "Subscription lifecycle".
//!
//! Each purchase token is a *leg* of the chain that begins with the first linked token. A transaction is a paid order. The
//! API tells only the present: `expiryTime` is the end of the paid period while a subscription is active or cancelled,
//! and otherwise the end of grace, of hold or of access, which is why the end is provisional then.

mod about;
mod lines;
mod one_time;
mod refund;
mod renewal;
mod subscription;
mod taken;
mod transaction;

use super::{
    api::read_subscription,
    model::{self, Order},
};
use crate::{Answer, Question, Refusal};
use about::{About, Prompt, unreadable};
use domain::Observation;
use serde::Deserialize;

/// Whether what a message says is something to tell, also where the store shows nothing of its purchase.
pub(super) fn says_enough(question: &Question) -> bool {
    !question.prompt["review"].is_null()
}

pub(super) fn read(answer: &Answer) -> Result<Option<Observation>, Refusal> {
    let prompt = Option::<Prompt>::deserialize(&answer.question.prompt)
        .map_err(unreadable)?
        .unwrap_or_default();
    let orders = answer
        .parts("order")
        .map(|part| model::read(part.body.clone()).map_err(unreadable))
        .collect::<Result<Vec<Order>, _>>()?;
    let about = About {
        answer,
        prompt,
        orders,
    };
    if let Some(part) = answer.parts("product").next() {
        let seen = about.product(part)?;
        return Ok(seen.or_else(|| about.review()));
    }
    if answer.parts("subscription").next().is_none() {
        if about.prompt.voided.is_some() {
            return Ok(Some(about.void()));
        }
        if let Some(asked) = about.review() {
            return Ok(Some(asked));
        }
    }
    let legs = answer
        .parts("subscription")
        .map(|part| Ok((part, read_subscription(&part.body).map_err(unreadable)?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let seen = about.subscription(&legs)?;
    Ok(seen.or_else(|| about.review()))
}
