//! One event for App Events. Source: Adapty docs, "Facebook Ads", for the members; RevenueCat docs, "Meta Ads", for what has to be there.

use super::{Ready, Told, identified};
use crate::{
    Unsendable,
    common::{Refunds, Times, extinfo, number},
};
use serde_json::{Value, json};

impl Ready {
    /// The body of a request to `activities`: what has members of its own is JSON in a text.
    pub(super) fn app_event(&self, told: &Told<'_>) -> Result<Value, Unsendable> {
        let who = told.who;
        let (anonymous, advertiser) = identified(who, told.platform)?;
        let mut body = json!({
            "event": "CUSTOM_APP_EVENTS",
            "client_token": told.receiver.token.expose(),
            "app_user_id": who.app_user_id(),
            "advertiser_tracking_enabled": 1,
            "application_tracking_enabled": 1,
            "extinfo": extinfo(who, told.platform, told.package).to_string(),
            "custom_events": json!([self.logged(told)]).to_string(),
        });
        for (name, value) in [("advertiser_id", advertiser), ("anon_id", anonymous)] {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        Ok(body)
    }

    /// What happened, as an SDK logs it. Order and transaction are the chain of the purchase.
    fn logged(&self, told: &Told<'_>) -> Value {
        let event = told.event;
        let mut logged = json!({
            "_eventName": told.message.name,
            "_logTime": Times::Seconds.of(event.occurred_at),
        });
        if let Some(product) = &event.product {
            logged["fb_content_id"] = product.as_str().into();
            logged["fb_content_type"] = "product".into();
        }
        if let Some(purchase) = &event.purchase {
            logged["fb_order_id"] = purchase.chain.as_str().into();
            logged["fb_transaction_id"] = purchase.chain.as_str().into();
        }
        if let Some(transaction) = &event.transaction {
            logged["fb_num_items"] = transaction.quantity.into();
        }
        if let Some(amount) = self.common.amount(event, Refunds::Omitted) {
            logged["_valueToSum"] = number(amount);
            logged["fb_currency"] = amount.currency.code().into();
        }
        logged
    }
}
