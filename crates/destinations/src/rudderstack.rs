//! RudderStack, by the HTTP API of a data plane. Source: RudderStack docs, "HTTP API Specification", read 2026-11.
//!
//! What is sent is described in `segmentlike`: the API is Segment's. The write key is the user of Basic authentication. A data plane may be one's
//! own; one behind the same wall is an internal address, which has to be allowed like any other. 401 is a write key that nobody has, 404 one of a
//! source that is switched off.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, check_url, common,
    common::{Common, by_status, said},
    segmentlike,
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Rudderstack;

const OWN: &[Field] = &[
    Field::new(
        "data_plane_url",
        FieldKind::Url,
        "URL of the data plane: Connections, above the list, or that of your own server.",
    ),
    Field::new(
        "write_key",
        FieldKind::Secret,
        "Write key of an HTTP source: Sources, Setup.",
    ),
];

static SPEC: Spec = Spec {
    key: "rudderstack",
    title: "RudderStack",
    category: Category::Analytics,
    summary: "Customer data platform, hosted or your own: an event with its revenue and what is known of the customer.",
    notes: &[
        "An answer says that the data plane has the event, not that what stands behind it took it.",
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
    travels: &[Travel {
        secret: "write_key",
        to: &["data_plane_url", "endpoint"],
    }],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    data_plane_url: Option<String>,
    #[serde(default)]
    write_key: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Rudderstack {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let mut problems = Vec::new();
        check_url(
            "data_plane_url",
            settings.data_plane_url.as_deref(),
            &mut problems,
        );
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
        let plane = self.settings.data_plane_url.as_deref();
        let plane = plane.ok_or_else(|| Unsendable::lacks_setting("data_plane_url"))?;
        let key = &self.settings.write_key;
        if key.is_empty() {
            return Err(Unsendable::lacks_setting("write_key"));
        }
        let told = segmentlike::Told {
            name: &message.name,
            event,
            who: self.common.who(event, now),
            common: &self.common,
        };
        let url = self.common.url(plane, "/v1/batch");
        Ok(segmentlike::request(&url, key, &told))
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            404 => Outcome::CredentialsRefused(said("RudderStack", response)),
            _ => by_status("RudderStack", response),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
