//! A destination that acts as a test says.

use destinations::{
    Batching, Configured, Grant, Item, Now, Outcome, Plan, Request, Response, Unsendable, Window,
};
use domain::{Event, Message, pace::Rate, retry, secret::Secret};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// Where it sends.
pub(super) const A: &str = "https://a.example/";

type Classify = Arc<dyn Fn(&Response) -> Outcome + Send + Sync>;

/// How it acts.
#[derive(Clone, Default)]
pub(super) struct How {
    /// What must not be shown, in its URL and its body.
    pub(super) key: Secret,
    /// The attribute that it cannot do without.
    pub(super) needs: Option<&'static str>,
    pub(super) waits: Duration,
    pub(super) window: Window,
    /// Whether what was not answered must not be repeated.
    pub(super) is_once: bool,
    pub(super) grant: Option<Grant>,
    /// What an answer of 404 is mended by.
    pub(super) remedy: Option<Request>,
    pub(super) classify: Option<Classify>,
    pub(super) batching: Option<Batching>,
    /// Whether it panics instead of rendering.
    pub(super) is_broken: bool,
    /// How often it may be asked.
    pub(super) rate: Option<Rate>,
}

/// A destination that acts so, and otherwise like another.
pub(super) struct Dressed {
    pub(super) inner: Arc<dyn Configured>,
    pub(super) how: How,
}

impl Configured for Dressed {
    fn plan(&self, event: &Event) -> Plan {
        self.inner.plan(event)
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        assert!(!self.how.is_broken, "a sample");
        let needs = self.how.needs.unwrap_or("$adjustId");
        let has = now.attributes.get(needs);
        if self.how.needs.is_some() && has.is_none() {
            return Err(Unsendable::lacks_attribute(needs));
        }
        let key = &self.how.key;
        let body = json!({ "name": message.name, "seq": event.customer_seq, "has": has, "bundle": now.app.bundle, "key": key.expose() });
        let request = Request::json(A, body.to_string().into_bytes())
            .with_query([("key", key.expose())])
            .redacting(key);
        Ok(match &self.how.grant {
            Some(grant) => request.with_grant(grant.clone()),
            None => request,
        })
    }

    fn classify(&self, response: &Response) -> Outcome {
        if let Some(classify) = &self.how.classify {
            return classify(response);
        }
        match response.status {
            200..=299 => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(response.said()),
            400..=499 => Outcome::Rejected(response.said()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn remedy(&self, _: &Message, _: &Event, _: Now<'_>, response: &Response) -> Option<Request> {
        let remedy = self.how.remedy.clone();
        remedy.filter(|_| response.status == 404)
    }

    fn batching(&self) -> Option<Batching> {
        self.how.batching
    }

    /// A list of what each is alone, under the name of the first.
    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let mut all = Vec::new();
        for item in items {
            let alone = self.render(item.message, item.event, item.now)?;
            let alone: serde_json::Value = serde_json::from_slice(&alone.body).unwrap();
            all.push(alone);
        }
        let body = json!({ "all": all });
        Ok(Request::json(A, body.to_string().into_bytes())
            .with_query([("first", items[0].delivery)]))
    }

    /// An answer may list what became of each: `[200, 400]`.
    fn classify_batch(&self, response: &Response, _: &[Item<'_>]) -> Option<Vec<Outcome>> {
        let each: Vec<u16> = serde_json::from_slice(&response.body).unwrap_or_default();
        if each.is_empty() {
            return None;
        }
        let of = |status| Response {
            status,
            ..response.clone()
        };
        let each = each.into_iter().map(|status| self.classify(&of(status)));
        Some(each.collect())
    }

    fn rate(&self) -> Option<Rate> {
        self.how.rate
    }

    fn window(&self) -> Window {
        self.how.window
    }

    fn waits_for_attributes(&self) -> Duration {
        self.how.waits
    }

    fn repeatable(&self, _: &Message, _: &Event) -> bool {
        !self.how.is_once
    }

    fn retry(&self) -> &retry::Policy {
        self.inner.retry()
    }
}
