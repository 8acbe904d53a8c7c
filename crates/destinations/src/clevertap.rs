//! CleverTap, by its upload API. Source: CleverTap docs, "Upload events API", "Upload user profiles API", limits, read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | `$clevertapId`, else the app's name for the customer | `objectId`, `identity` |
//! | kind, renamed | `evtName` |
//! | `occurred_at` | `ts`, seconds |
//! | amount that came in | `evtData.amount` with `evtData.currency`; a refund has none |
//! | properties, lists as one text | `evtData` |
//! | attributes, where they are sent | a second record, of the profile |
//!
//! 200 says in `status` whether all, some or none of the records were taken, and of those that were not, why. At most fifteen requests are
//! under way for an account, so far fewer are from one node. Assumed: properties of events hold no lists. Live campaigns look two hours back
//! only. Nothing can be told to be a repetition.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Keys, Refunds, Times, Who, number, properties},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The entry in [`crate::ALL`].
pub struct CleverTap;

const REGIONS: [&str; 6] = ["eu1", "us1", "in1", "sg1", "aps3", "mec1"];

const OWN: &[Field] = &[
    Field::new(
        "account_id",
        FieldKind::Text,
        "Account id of the project: Settings, Project.",
    ),
    Field::new(
        "passcode",
        FieldKind::Secret,
        "Passcode of the same project.",
    ),
    Field::new(
        "sandbox_account_id",
        FieldKind::Text,
        "Account id of another project for test purchases.",
    ),
    Field::new(
        "sandbox_passcode",
        FieldKind::Secret,
        "Its passcode; without it test purchases are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&REGIONS),
        "Where the account's data are kept, as the dashboard's address says.",
    ),
];

static SPEC: Spec = Spec {
    key: "clevertap",
    title: "CleverTap",
    category: Category::Messaging,
    summary: "Events with what they brought in, for the profile that the app knows.",
    notes: &[
        "Live campaigns look two hours back: what is sent later starts none.",
        "CleverTap cannot tell a repetition: where an answer was lost, what is about money is not sent again unless the settings say so.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "passcode",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_passcode",
            to: &["region", "endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 5,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    account_id: String,
    #[serde(default)]
    passcode: Secret,
    #[serde(default)]
    sandbox_account_id: String,
    #[serde(default)]
    sandbox_passcode: Secret,
    #[serde(default)]
    region: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for CleverTap {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let region = settings.region.as_deref();
        if region.is_some_and(|region| !REGIONS.contains(&region)) {
            let problem = format!("is one of {}", REGIONS.join(", "));
            return Err(vec![Invalid::new("region", problem)]);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

/// A record of somebody, of this type.
fn record(who: Who<'_>, of: &str) -> Map<String, Value> {
    let (named, id) = match who.attribute("$clevertapId") {
        Some(id) => ("objectId", id),
        None => ("identity", who.app_user_id()),
    };
    Map::from_iter([
        (named.to_owned(), id.into()),
        ("type".to_owned(), of.into()),
    ])
}

/// An attribute as profiles call it. Source: CleverTap docs, "User profiles", predefined properties.
fn field(attribute: &str) -> &str {
    match attribute {
        "$displayName" => "Name",
        "$email" => "Email",
        "$phoneNumber" => "Phone",
        other => other.trim_start_matches('$'),
    }
}

/// A property as it is taken: a list is one text.
fn single(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            items.join(",").into()
        }
        other => other,
    }
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("passcode", &self.settings.passcode),
            ("sandbox_passcode", &self.settings.sandbox_passcode),
        )
    }

    fn account(&self, environment: Environment) -> Result<&str, Unsendable> {
        let (named, account) = match environment {
            Environment::Production => ("account_id", &self.settings.account_id),
            Environment::Sandbox => ("sandbox_account_id", &self.settings.sandbox_account_id),
        };
        if account.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(account)
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, self.keys().has_sandbox(), |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let passcode = self.keys().own(event.environment)?;
        let account = self.account(event.environment)?;
        let who = self.common.who(event, now);
        let told = properties(event, who, Times::Iso).into_iter();
        let mut told: Map<_, _> = told.map(|(name, value)| (name, single(value))).collect();
        if let Some(amount) = self.common.amount(event, Refunds::Omitted) {
            told.insert("amount".into(), number(amount));
            told.insert("currency".into(), amount.currency.code().into());
        }
        let mut record_of_event = record(who, "event");
        record_of_event.insert("evtName".into(), message.name.as_str().into());
        record_of_event.insert("ts".into(), Times::Seconds.of(event.occurred_at));
        record_of_event.insert("evtData".into(), told.into());
        let mut records = vec![record_of_event];
        if self.common.sends_attributes() {
            let all = who.attributes();
            let all: Map<_, _> = all
                .map(|(name, value)| (field(name).to_owned(), value.into()))
                .collect();
            let mut profile = record(who, "profile");
            profile.insert("profileData".into(), all.into());
            records.push(profile);
        }
        let region = self.settings.region.as_deref().unwrap_or(REGIONS[0]);
        let host = format!("https://{region}.api.clevertap.com");
        let url = self.common.url(&host, "/1/upload");
        let body = json!({ "d": records });
        Ok(Request::json(&url, body.to_string().into_bytes())
            .with_header("x-clevertap-account-id", account)
            .redacting(passcode)
            .with_secret_header("x-clevertap-passcode", passcode.expose()))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("CleverTap answered {status}: {said}")
        };
        let unprocessed = said["unprocessed"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let is_profile = |one: &Value| one["record"]["type"] == "profile";
        let is_refused = said["status"] == "fail" || !unprocessed.iter().all(is_profile);
        match response.status {
            200..=299 if is_refused => Outcome::Rejected(why()),
            200..=299 if said["status"] == "partial" || !unprocessed.is_empty() => {
                Outcome::Partly(why())
            }
            200..=299 if said["status"] == "success" => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
