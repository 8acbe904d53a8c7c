//! What a customer used up of what they want refunded. Source: Apple, App Store Server API, *Send Consumption Information*,
//! `ConsumptionRequest`, `consumptionPercentage`, `deliveryStatus`, `refundPreference`.

use super::client::{Api, WHO};
use crate::{
    Call, Purpose, Trouble, Web, Wrong,
    refund::{DeliveryStatus, RefundAnswer, RefundAsked, RefundPreference, Unanswered, WHOLE},
};
use domain::fact::TransactionKind;
use jiff::Timestamp;
use serde_json::{Value, json};

impl Api {
    /// Tells it to the App Store of the transaction's environment.
    pub(in crate::apple) async fn consumed(
        &self,
        asked: &RefundAsked<'_>,
        answer: &RefundAnswer,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        let body = request(asked, answer).map_err(Unanswered::Invalid)?;
        let mut hosts = self.hosts.iter();
        let (_, host) = hosts
            .find(|(environment, _)| *environment == asked.environment)
            .ok_or_else(|| {
                let why = "the app no longer accepts the environment of the purchase";
                Unanswered::Store(Trouble::Credentials(why.into()))
            })?;
        let is_plain = asked.transaction.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain {
            let why = format!("{WHO} knows no transaction {:?}", asked.transaction);
            return Err(Unanswered::Refused(why));
        }
        let url = format!(
            "{host}/inApps/v2/transactions/consumption/{}",
            asked.transaction
        );
        let body = body.to_string().into_bytes();
        let call = Call::put(Purpose::Store, url, "application/json", body);
        self.call(call, web, now).await?;
        Ok(())
    }
}

/// The request, or what is wrong with each field: what Apple documents to refuse is not sent.
fn request(asked: &RefundAsked<'_>, answer: &RefundAnswer) -> Result<Value, Vec<Wrong>> {
    let renews = asked.kind == TransactionKind::Subscription;
    let share = answer.consumption_percentage;
    let mut wrong: Vec<_> = answer.share_is_possible().into_iter().collect();
    let mut is_wrong = |field: &str, why: &str| wrong.push(Wrong::new(field, why));
    if answer.customer_consented != Some(true) {
        is_wrong(
            "customer_consented",
            "must be true: without the customer's consent the App Store is not to be answered",
        );
    }
    if answer.delivery_status.is_none() {
        is_wrong("delivery_status", "is required by the App Store");
    }
    if renews && share.is_some() {
        is_wrong(
            "consumption_percentage",
            "is worked out by the App Store itself for a subscription; leave it out",
        );
    }
    let is_undelivered = answer
        .delivery_status
        .is_some_and(|status| status != DeliveryStatus::Delivered);
    if !renews && is_undelivered && share.is_some_and(|share| share > 0) {
        is_wrong(
            "consumption_percentage",
            "must be 0 of what was not delivered",
        );
    }
    let is_partly_used = share.is_some_and(|share| 0 < share && share < WHOLE);
    let wants_the_rest = answer.refund_preference == Some(RefundPreference::GrantProrated);
    if wants_the_rest && !renews && !is_partly_used {
        is_wrong(
            "consumption_percentage",
            "must be more than 0 and less than 100000 where the rest is to be given back",
        );
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut request = json!({
        "customerConsented": true,
        "sampleContentProvided": answer.sample_content_provided,
        "deliveryStatus": answer.delivery_status.map(delivery),
    });
    if let Some(share) = share {
        request["consumptionPercentage"] = share.into();
    }
    if let Some(preference) = answer.refund_preference.and_then(preference) {
        request["refundPreference"] = preference.into();
    }
    Ok(request)
}

const fn delivery(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Delivered => "DELIVERED",
        DeliveryStatus::UndeliveredQualityIssue => "UNDELIVERED_QUALITY_ISSUE",
        DeliveryStatus::UndeliveredWrongItem => "UNDELIVERED_WRONG_ITEM",
        DeliveryStatus::UndeliveredServerOutage => "UNDELIVERED_SERVER_OUTAGE",
        DeliveryStatus::UndeliveredOther => "UNDELIVERED_OTHER",
    }
}

/// The App Store has no word for none.
const fn preference(preference: RefundPreference) -> Option<&'static str> {
    match preference {
        RefundPreference::Decline => Some("DECLINE"),
        RefundPreference::GrantFull => Some("GRANT_FULL"),
        RefundPreference::GrantProrated => Some("GRANT_PRORATED"),
        RefundPreference::Neutral => None,
    }
}
