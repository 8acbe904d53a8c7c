//! Segment, by its HTTP Tracking API. Source: Segment docs, "HTTP Tracking API Source" and "Handling Duplicate Data", read 2026-11.
//!
//! What is sent is described in `segmentlike`. The write key is the user of Basic authentication; for a source that has OAuth enforced it is in the body, and
//! the request carries a token, which Segment gives for a text that the key of an OAuth application signs (Segment docs, "OAuth 2.0"). The answer is 200 for a key that nobody has,
//! for events without an id, and from the other region as well: only its debugger shows what arrived. 400 is an event of more than 32 KB, or no
//! JSON.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Grant, Invalid, Now, Outcome,
    Plan, Request, Response, SignedClient, Spec, Travel, Unsendable, common,
    common::{Common, by_status, said},
    grant::pair,
    segmentlike,
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Segment;

const OWN: &[Field] = &[
    Field::new(
        "write_key",
        FieldKind::Secret,
        "Write key of an HTTP API source: Connections, Sources, Settings, API Keys.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the workspace is. The wrong one takes events and loses them.",
    ),
    Field::new(
        "oauth_application",
        FieldKind::Text,
        "ID of an OAuth application, for a source that has OAuth enabled: Settings, Workspace settings, Access Management.",
    ),
    Field::new(
        "oauth_private_key",
        FieldKind::LongSecret,
        "Private key of that application, in PEM.",
    ),
    Field::new(
        "oauth_key_id",
        FieldKind::Text,
        "ID that Segment gave its public key.",
    ),
];

static SPEC: Spec = Spec {
    key: "segment",
    title: "Segment",
    category: Category::Analytics,
    summary: "Customer data platform: an event with its revenue and what is known of the customer, for all that stands behind it.",
    notes: &[
        "Segment answers 200 also to a wrong write key: look into the debugger of the source after the first test.",
        "The ids of events count among all sources: what goes to two of them arrives at one.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::SANDBOX,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY_ONCE,
    ),
    travels: &[
        Travel {
            secret: "write_key",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "oauth_private_key",
            to: &["region", "endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    write_key: Secret,
    #[serde(default)]
    region: Region,
    #[serde(default)]
    oauth_application: String,
    #[serde(default)]
    oauth_private_key: Secret,
    #[serde(default)]
    oauth_key_id: String,
}

impl Settings {
    fn problems(&self) -> Vec<Invalid> {
        let key = &self.oauth_private_key;
        let problem = (!key.is_empty()).then(|| pair(key).err()).flatten();
        let problem = problem.map(|problem| Invalid::new("oauth_private_key", problem));
        problem.into_iter().collect()
    }

    /// The application that the source is connected with, where there is one.
    fn grant(&self) -> Result<Option<Grant>, Unsendable> {
        if self.oauth_application.is_empty() {
            return Ok(None);
        }
        if self.oauth_private_key.is_empty() {
            return Err(Unsendable::lacks_setting("oauth_private_key"));
        }
        let audience = match self.region {
            Region::Us => "https://oauth2.segment.io",
            Region::Eu => "https://oauth2.eu1.segmentapis.com",
        };
        Ok(Some(Grant::SignedClient(SignedClient {
            url: format!("{audience}/token"),
            audience: audience.to_owned(),
            id: self.oauth_application.clone(),
            key: self.oauth_private_key.clone(),
            key_id: self.oauth_key_id.clone(),
            scope: "tracking_api:write",
        })))
    }
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Segment {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, common }))
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
        let key = &self.settings.write_key;
        if key.is_empty() {
            return Err(Unsendable::lacks_setting("write_key"));
        }
        let url = match self.settings.region {
            Region::Us => self.common.url("https://api.segment.io", "/v1/batch"),
            Region::Eu => self
                .common
                .url("https://events.eu1.segmentapis.com", "/v1/batch"),
        };
        let told = segmentlike::Told {
            name: &message.name,
            event,
            who: self.common.who(event, now),
            common: &self.common,
        };
        Ok(match self.settings.grant()? {
            None => segmentlike::request(&url, key, &told),
            Some(grant) => segmentlike::request_with_grant(&url, key, grant, &told),
        })
    }

    fn classify(&self, response: &Response) -> Outcome {
        match by_status("Segment", response) {
            Outcome::Delivered if response.json()["success"] == false => {
                Outcome::Rejected(said("Segment", response))
            }
            outcome => outcome,
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
