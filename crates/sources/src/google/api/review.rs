//! What speaks for or against a refund that Google reviews. Source: Google, Android Publisher API, orders.reviewrefund.

use super::client::{Api, segment};
use crate::{
    Web, Wrong,
    refund::{RefundAnswer, RefundAsked, RefundPreference, Unanswered},
};
use jiff::Timestamp;
use serde_json::{Value, json};

impl Api {
    /// Tells it to Google Play.
    pub(in crate::google) async fn review(
        &self,
        asked: &RefundAsked<'_>,
        answer: &RefundAnswer,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        let body = request(asked, answer).map_err(Unanswered::Invalid)?;
        let path = format!("orders/{}:reviewrefund", segment(asked.transaction));
        self.post(&path, &body, web, now).await?;
        Ok(())
    }
}

/// The request, or what is wrong with each field.
fn request(asked: &RefundAsked<'_>, answer: &RefundAnswer) -> Result<Value, Vec<Wrong>> {
    let mut wrong: Vec<_> = answer.share_is_possible().into_iter().collect();
    let mut is_wrong = |field: &str, why: &str| wrong.push(Wrong::new(field, why));
    if answer.customer_consented.is_some() {
        is_wrong(
            "customer_consented",
            "is not asked for by Google Play; leave it out",
        );
    }
    if answer.delivery_status.is_some() {
        is_wrong(
            "delivery_status",
            "is not asked for by Google Play; leave it out",
        );
    }
    let preference = match answer.refund_preference {
        Some(RefundPreference::Decline) => "DECLINE",
        Some(RefundPreference::GrantFull) => "APPROVE",
        Some(RefundPreference::Neutral) => "NEUTRAL",
        Some(RefundPreference::GrantProrated) => {
            is_wrong(
                "refund_preference",
                "is decline, grant_full or neutral: Google Play gives back all or nothing",
            );
            ""
        }
        None => {
            is_wrong(
                "refund_preference",
                "is required by Google Play: decline, grant_full or neutral",
            );
            ""
        }
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut request = json!({
        "pendingRefundToken": asked.token,
        "sampleContentProvided": answer.sample_content_provided,
        "refundPreference": preference,
    });
    if let Some(share) = answer.consumption_percentage {
        request["consumptionPercentageMilliunits"] = share.into();
    }
    Ok(request)
}
