//! Asapty, events of customers who came by Apple Search Ads. Source: Asapty's own page on events of measurement partners, as servers of this
//! field restate it, and Adapty docs, "Asapty", read 2026-11.
//!
//! | ours | theirs, a query |
//! |---|---|
//! | kind, renamed | `event_name` |
//! | `occurred_at` | `conversiondate`, milliseconds |
//! | when the customer was first seen | `install_time`, milliseconds |
//! | `$appleAdsCampaignId`, which has to be there | `campaignid` |
//! | `$appleAdsAdGroupId`, `$appleAdsKeywordId`, `$appleAdsAdId`, `$claimType` | `adgroupid`, `keywordid`, `ad_id`, `claim_type` |
//! | amount, 0 where none moved or a refund | `af_revenue` and `revenue` in `json`, with `af_currency` |
//! | transaction, product, the app's name for the customer | `transaction_id`, `product_id`, `customer_user_id` in `json` |
//!
//! An id of -1 stands for none. `json` is JSON in a text; sources call the amount by two names there, and both are sent. The id of the account
//! is all that it takes to send: it is kept as a secret. Only purchases in production are told. The status says nothing: `result.status` in the
//! body does. Nothing tells a repetition apart.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Method, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Refunds, Times, Who, by_status, said},
    spec::fields,
};
use domain::{Event, EventKind, Message, Money, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Asapty;

const OWN: &[Field] = &[Field::new(
    "asapty_id",
    FieldKind::Secret,
    "Asapty id: Settings, General.",
)];

static SPEC: Spec = Spec {
    key: "asapty",
    title: "Asapty",
    category: Category::Attribution,
    summary: "Apple Search Ads: events of customers who came by an ad, for the keyword that it goes back to.",
    notes: &[
        "Only customers with `$appleAdsCampaignId` are told of.",
        "Test purchases are not sent, and refunds are sent with an amount of 0.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[Travel {
        secret: "asapty_id",
        to: &["endpoint"],
    }],
    events: common::ATTRIBUTED,
    ordered: true,
    concurrency: 4,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    asapty_id: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Asapty {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read(settings, &SPEC)?;
        Ok(Box::new(Ready { settings, common }))
    }
}

/// An id of Apple's, where it is one.
fn id<'a>(who: Who<'a>, attribute: &str) -> Option<&'a str> {
    who.attribute(attribute).filter(|id| *id != "-1")
}

impl Ready {
    /// What moved, and with what.
    fn value(&self, event: &Event, who: Who<'_>) -> Value {
        let amount = self.common.amount(event, Refunds::Omitted);
        let transaction = event.transaction.as_ref();
        let revenue = amount.map_or_else(|| "0".to_owned(), Money::decimal);
        let mut value = json!({
            "revenue": revenue,
            "af_revenue": revenue,
            "customer_user_id": who.app_user_id(),
        });
        let price = transaction.and_then(|transaction| transaction.price);
        if let Some(money) = amount.or(price) {
            value["af_currency"] = money.currency.code().into();
        }
        if let Some(transaction) = transaction {
            value["transaction_id"] = transaction.id.as_str().into();
        }
        if let Some(product) = &event.product {
            value["product_id"] = product.as_str().into();
        }
        value
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, false, |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let account = &self.settings.asapty_id;
        if account.is_empty() {
            return Err(Unsendable::lacks_setting("asapty_id"));
        }
        let who = self.common.who(event, now);
        let campaign = id(who, "$appleAdsCampaignId");
        let campaign =
            campaign.ok_or_else(|| Unsendable::lacks_attribute("$appleAdsCampaignId"))?;
        let conversion = Times::Millis.of(event.occurred_at).to_string();
        let installed = Times::Millis.of(event.customer.first_seen).to_string();
        let value = self.value(event, who).to_string();
        let mut told = vec![
            ("source", "tidings"),
            ("asaptyid", account.expose()),
            ("event_name", message.name.as_str()),
            ("conversiondate", conversion.as_str()),
            ("install_time", installed.as_str()),
            ("campaignid", campaign),
        ];
        for (name, attribute) in [
            ("adgroupid", "$appleAdsAdGroupId"),
            ("keywordid", "$appleAdsKeywordId"),
            ("ad_id", "$appleAdsAdId"),
            ("claim_type", "$claimType"),
        ] {
            told.extend(id(who, attribute).map(|id| (name, id)));
        }
        told.push(("json", value.as_str()));
        let url = self.common.url("https://asapty.com", "/_api/mmpEvents/");
        let request = Request::new(Method::Get, url).with_query(told);
        Ok(request.redacting(account))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        match response.status {
            200..=299 if body["result"]["status"] == "OK" => Outcome::Delivered,
            200..=299 => Outcome::Rejected(said("Asapty", response)),
            _ => by_status("Asapty", response),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Omitted).is_none()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
