//! What was bought in no app. Source: AppsFlyer developer hub, "Web S2S API"; it knows customers by the app's name for them, which the web SDK
//! has to have been told.

use super::{Ready, body};
use crate::{
    Request, Unsendable,
    common::{Refunds, Who, number},
    encode::percent,
};
use domain::{Environment, Event, Message};
use serde_json::json;

impl Ready {
    /// The request to a web app. There is none for test purchases.
    pub(super) fn of_web(
        &self,
        message: &Message,
        event: &Event,
        who: Who<'_>,
    ) -> Result<Request, Unsendable> {
        let (app, token) = (&self.settings.web_app_id, &self.settings.web_token);
        let app = app.as_deref();
        let app = app.ok_or_else(|| Unsendable::lacks_setting("web_app_id"))?;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("web_token"));
        }
        if event.environment == Environment::Sandbox {
            return Err(Unsendable::unsupported(
                "AppsFlyer has no web app for test purchases",
            ));
        }
        let amount = self.common.amount(event, Refunds::Negative);
        let mut told = json!({
            "event_name": message.name,
            "event_value": body::value(event, amount),
            "user_id": { "customer_user_id": who.app_user_id() },
        });
        if let Some(amount) = amount {
            told["event_revenue"] = number(amount);
            told["event_revenue_currency"] = amount.currency.code().into();
        }
        let path = format!("/v2.0/s2s/inapps/app/web/{}", percent(app.trim()));
        let url = self.common.url("https://events.appsflyer.com", &path);
        Ok(Request::json(&url, told.to_string().into_bytes()).with_bearer(token))
    }
}
