//! One event for the Conversions API.

use super::{Ready, Told, identified, may_be_followed};
use crate::{
    Unsendable,
    common::{Refunds, Times, extinfo, number},
};
use domain::EventKind;
use serde_json::{Value, json};

/// Whom it is about: digests of contact data, identifiers as they are.
fn user(told: &Told<'_>) -> Result<Value, Unsendable> {
    let who = told.who;
    let (anonymous, advertiser) = identified(who, told.platform)?;
    let mut user = json!({ "external_id": [who.hashed_id()] });
    for (name, digest) in [("em", who.hashed_email()), ("ph", who.hashed_phone())] {
        if let Some(digest) = digest {
            user[name] = json!([digest]);
        }
    }
    for (name, value) in [
        ("madid", advertiser),
        ("anon_id", anonymous),
        ("client_ip_address", who.attribute("$ip")),
    ] {
        if let Some(value) = value {
            user[name] = value.into();
        }
    }
    Ok(user)
}

impl Ready {
    /// The body of a request to `events`.
    pub(super) fn conversion(&self, told: &Told<'_>) -> Result<Value, Unsendable> {
        let (event, who) = (told.event, told.who);
        let mut app = json!({
            "advertiser_tracking_enabled": u8::from(may_be_followed(who, told.platform)),
            "application_tracking_enabled": 1,
            "extinfo": extinfo(who, told.platform, told.package),
        });
        if let Some(vendor) = who.attribute("$idfv") {
            app["vendor_id"] = vendor.into();
        }
        let mut all = json!({
            "event_name": told.message.name,
            "event_time": Times::Seconds.of(event.occurred_at),
            "event_id": event.id.uuid().to_string(),
            "action_source": "app",
            "user_data": user(told)?,
            "app_data": app,
        });
        let custom = self.custom(told);
        if custom.as_object().is_some_and(|custom| !custom.is_empty()) {
            all["custom_data"] = custom;
        }
        let mut body = json!({ "data": [all], "access_token": told.receiver.token.expose() });
        let code = self.settings.test_event_code.as_deref();
        if let Some(code) = code.filter(|_| event.kind == EventKind::Test) {
            body["test_event_code"] = code.into();
        }
        Ok(body)
    }

    /// What was bought.
    fn custom(&self, told: &Told<'_>) -> Value {
        let event = told.event;
        let mut custom = json!({});
        if let Some(product) = &event.product {
            custom["content_ids"] = json!([product]);
            custom["content_type"] = "product".into();
        }
        if let Some(transaction) = &event.transaction {
            custom["order_id"] = transaction.id.as_str().into();
            custom["num_items"] = transaction.quantity.into();
        }
        if let Some(amount) = self.common.amount(event, Refunds::Omitted) {
            custom["value"] = number(amount);
            custom["currency"] = amount.currency.code().into();
        }
        custom
    }
}
