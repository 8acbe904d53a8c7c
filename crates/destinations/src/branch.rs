//! Branch, events from servers. Source: Branch docs, "Events API" version 2, read 2026-11; RevenueCat docs, "Branch".
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `name`: those that Branch has itself go to `/standard`, others to `/custom` |
//! | `$branchId`, else the app's name for the customer | `user_data.developer_identity` |
//! | `$idfa` and `$idfv` (one has to be there), `$gpsAdId` (which has to) | `user_data.idfa`, `idfv`, `aaid` |
//! | `$ip`, which has to be there | `user_data.ip` |
//! | `$attConsentStatus` of iOS | `user_data.limit_ad_tracking`: true for no, false for yes |
//! | amount; refunds go without | `event_data.revenue` with `currency`; of custom events texts in `custom_data` |
//! | transaction | `event_data.transaction_id` |
//!
//! The key is in the body. Branch reads no time: an event counts when it arrives. So one that is older than a day is not sent (the day is an
//! assumption: further off it would count in another), and one that lies ahead waits. Nothing tells a repetition apart. A trial is told as
//! `START_TRIAL`, by which networks know it, and again under another name where `events` has one. Names that Branch has itself are those of
//! its SDKs (an assumption: the reference lists them by examples).

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{Att, Common, Keys, Platform, Refunds, Who, by_status, number, said},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Branch;

const OWN: &[Field] = &[
    Field::new(
        "branch_key",
        FieldKind::Secret,
        "Live key of the app: `key_live_…`.",
    ),
    Field::new(
        "sandbox_branch_key",
        FieldKind::Secret,
        "Test key, for test purchases; without it they are not sent.",
    ),
];

static SPEC: Spec = Spec {
    key: "branch",
    title: "Branch",
    category: Category::Attribution,
    summary: "Attribution: each event with its revenue, for the link that it goes back to.",
    notes: &[
        "Switch off purchase events of Branch's own SDK, or money counts twice.",
        "Refunds are sent without an amount: Branch takes none below zero.",
        "Events count when they arrive: what is older than a day is not sent.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::TIMERS,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "branch_key",
            to: &["endpoint"],
        },
        Travel {
            secret: "sandbox_branch_key",
            to: &["endpoint"],
        },
    ],
    events: common::ATTRIBUTED_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    branch_key: Secret,
    sandbox_branch_key: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Branch {
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

/// What a trial is called there, whatever else it may be called.
const START_TRIAL: &str = "START_TRIAL";

/// What an event is called unless `events` says otherwise.
const fn usual(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialConverted => "SUBSCRIBE",
        EventKind::TrialStarted => START_TRIAL,
        EventKind::NonSubscriptionPurchase => "PURCHASE",
        _ => kind.id(),
    }
}

/// Names that Branch has itself. Source: `BRANCH_STANDARD_EVENT` of its SDKs.
const STANDARD: [&str; 25] = [
    "ACHIEVE_LEVEL",
    "ADD_PAYMENT_INFO",
    "ADD_TO_CART",
    "ADD_TO_WISHLIST",
    "CLICK_AD",
    "COMPLETE_REGISTRATION",
    "COMPLETE_STREAM",
    "COMPLETE_TUTORIAL",
    "INITIATE_PURCHASE",
    "INITIATE_STREAM",
    "INVITE",
    "LOGIN",
    "PURCHASE",
    "RATE",
    "RESERVE",
    "SEARCH",
    "SHARE",
    "SPEND_CREDITS",
    START_TRIAL,
    "SUBSCRIBE",
    "UNLOCK_ACHIEVEMENT",
    "VIEW_AD",
    "VIEW_CART",
    "VIEW_ITEM",
    "VIEW_ITEMS",
];

/// Whom it is about. What Branch cannot do without is named where it is missing.
fn user(who: Who<'_>, event: &Event) -> Result<Value, Unsendable> {
    let (os, of_devices, needed): (_, &[(&str, &str)], _) = match who.app_platform()? {
        Platform::Ios | Platform::Web => (
            "iOS",
            &[("idfa", "$idfa"), ("idfv", "$idfv")],
            "$idfa or $idfv",
        ),
        Platform::Android => ("Android", &[("aaid", "$gpsAdId")], "$gpsAdId"),
    };
    let ip = who.attribute("$ip");
    let ip = ip.ok_or_else(|| Unsendable::lacks_attribute("$ip"))?;
    let identity = who.attribute("$branchId").unwrap_or(who.app_user_id());
    let mut user = json!({ "developer_identity": identity, "ip": ip });
    user["os"] = os.into();
    let mut is_known = false;
    for (name, attribute) in of_devices {
        if let Some(id) = who.attribute(attribute) {
            user[*name] = id.into();
            is_known = true;
        }
    }
    if !is_known {
        return Err(Unsendable::lacks_attribute(needed));
    }
    if let Some(version) = who.os_version() {
        user["os_version"] = version.into();
    }
    let transaction = event.transaction.as_ref();
    if let Some(country) = transaction.and_then(|transaction| transaction.country.as_deref()) {
        user["country"] = country.into();
    }
    match who.att() {
        Att::Denied => user["limit_ad_tracking"] = true.into(),
        Att::Authorized if os == "iOS" => user["limit_ad_tracking"] = false.into(),
        _ => {}
    }
    Ok(user)
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        let of = &self.settings;
        Keys::new(
            ("branch_key", &of.branch_key),
            ("sandbox_branch_key", &of.sandbox_branch_key),
        )
    }

    /// What is told of an event under a name that Branch has itself.
    fn standard(&self, event: &Event) -> Option<Value> {
        let amount = self.common.amount(event, Refunds::Omitted)?;
        let mut data = json!({ "revenue": number(amount), "currency": amount.currency.code() });
        if let Some(transaction) = &event.transaction {
            data["transaction_id"] = transaction.id.as_str().into();
        }
        Some(data)
    }

    /// The same under another: texts alone.
    fn custom(&self, event: &Event) -> Value {
        let mut data = json!({});
        if let Some(product) = &event.product {
            data["product_id"] = product.as_str().into();
        }
        if let Some(transaction) = &event.transaction {
            data["transaction_id"] = transaction.id.as_str().into();
        }
        if let Some(amount) = self.common.amount(event, Refunds::Omitted) {
            data["revenue"] = amount.decimal().into();
            data["currency"] = amount.currency.code().into();
        }
        data
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common
            .usual_name_by(kind, |kind| Some(usual(kind)), usual)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = self.keys().has_sandbox();
        let usual = |kind| self.usual(kind);
        let name = self.common.name(event, has_sandbox, usual)?;
        let also = event.kind == EventKind::TrialStarted && name != START_TRIAL;
        let names = also.then(|| START_TRIAL.to_owned()).into_iter();
        Ok(names.chain([name]).map(Message::named).collect())
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let key = self.keys().own(event.environment)?;
        let who = self.common.who(event, now);
        let mut told = json!({
            "name": message.name,
            "branch_key": key.expose(),
            "user_data": user(who, event)?,
        });
        let path = if STANDARD.contains(&message.name.as_str()) {
            if let Some(data) = self.standard(event) {
                told["event_data"] = data;
            }
            "/v2/event/standard"
        } else {
            told["custom_data"] = self.custom(event);
            "/v2/event/custom"
        };
        let url = self.common.url("https://api2.branch.io", path);
        Ok(Request::json(&url, told.to_string().into_bytes()).redacting(key))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let says = response.said().to_ascii_lowercase();
        let is_key = says.contains("branch key") || says.contains("branch_key");
        match response.status {
            400 if is_key => Outcome::CredentialsRefused(said("Branch", response)),
            _ => by_status("Branch", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Omitted).is_none()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn timers(&self) -> Vec<Timer> {
        self.common.timers()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
