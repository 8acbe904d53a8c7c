//! The conversation with Stripe's API. Source: Stripe, API reference.

use super::{
    model::{List, id},
    webhook::invoice_subscription,
};
use crate::{Answer, Call, Part, Probe, ProbeOutcome, Question, Trouble, Web, web};
use domain::{Environment, secret::Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const WHO: &str = "Stripe";
/// The version whose shapes are asked for; the older ones are read as well.
const VERSION: &str = "2025-03-31.basil";
/// Pages of a list, 100 each.
const MOST_PAGES: usize = 50;
/// How far back Stripe keeps events.
const REACH: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Lists a key must be able to read.
const READ_RIGHTS: [&str; 7] = [
    "subscriptions",
    "invoices",
    "charges",
    "refunds",
    "disputes",
    "checkout/sessions",
    "events",
];

#[derive(Debug)]
pub(super) struct Api {
    url: String,
    key: Secret,
}

impl Api {
    pub(super) const fn new(url: String, key: Secret) -> Self {
        Self { url, key }
    }

    pub(super) fn environment(&self) -> Environment {
        if self.key.expose().contains("_test_") {
            Environment::Sandbox
        } else {
            Environment::Production
        }
    }

    async fn get(&self, path: &str, web: &dyn Web, now: Timestamp) -> Result<Value, Trouble> {
        let mut call = Call::get(format!("{}/v1/{path}", self.url), Some(self.key.expose()));
        call.headers.push(("stripe-version", VERSION.into()));
        web::call(web, &call, WHO).await?.check(WHO, now)?.json(WHO)
    }

    /// All of a list.
    async fn list(&self, path: &str, web: &dyn Web, now: Timestamp) -> Result<Vec<Value>, Trouble> {
        let mut all: Vec<Value> = Vec::new();
        for _ in 0..MOST_PAGES {
            let after = all
                .last()
                .and_then(id)
                .map(|id| format!("&starting_after={id}"))
                .unwrap_or_default();
            let page = self
                .get(&format!("{path}&limit=100{after}"), web, now)
                .await?;
            let page: List<Value> = serde_json::from_value(page).map_err(|error| {
                Trouble::Nonsense(format!(
                    "{WHO} answered a list that cannot be read: {error}"
                ))
            })?;
            let is_last = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if is_last {
                return Ok(all);
            }
        }
        Err(Trouble::Nonsense(format!(
            "{WHO} answered more than {MOST_PAGES} pages for {path}"
        )))
    }

    pub(super) async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let id = &question.id;
        let is_plain = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_plain || id.is_empty() {
            return Err(Trouble::Unknown(format!("{id:?} is not a Stripe id")));
        }
        let mut talk = Talk {
            api: self,
            web,
            now,
            parts: Vec::new(),
        };
        let found = match question.about.as_str() {
            "subscription" => talk.subscription(id).await?,
            "session" => talk.session(id).await?,
            "invoice" => {
                match invoice_subscription(&self.get(&format!("invoices/{id}"), web, now).await?) {
                    Some(subscription) => talk.subscription(&subscription).await?,
                    None => None,
                }
            }
            "charge" => talk.charge(id).await?,
            "payment_intent" => talk.payment_intent(id).await?,
            other => {
                return Err(Trouble::Nonsense(format!(
                    "nobody can ask Stripe about a {other:?}"
                )));
            }
        };
        let answer = found.map(|subject| Answer {
            question: Question {
                id: subject,
                ..question.clone()
            },
            asked_at: now,
            parts: talk.parts,
        });
        Ok(answer.into_iter().collect())
    }

    /// Whether the key may read what purchases are made of.
    pub(super) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let mut probes = Vec::new();
        for asked in READ_RIGHTS {
            let outcome = match self.get(&format!("{asked}?limit=1"), web, now).await {
                Ok(_) => ProbeOutcome::Works(format!("the key may read {asked}")),
                Err(Trouble::Credentials(said)) => ProbeOutcome::Fails {
                    code: "store_credentials_refused",
                    detail: format!("give the key the right to read {asked}: {said}"),
                },
                Err(trouble) => trouble.into(),
            };
            probes.push(Probe {
                environment: Some(self.environment()),
                asked,
                outcome,
            });
        }
        probes
    }

    /// Bodies of events that Stripe could not deliver since `since`, oldest first.
    pub(super) async fn missed_events(
        &self,
        since: Timestamp,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let since = now
            .checked_sub(REACH)
            .map_or(since, |earliest| since.max(earliest));
        let path = format!(
            "events?delivery_success=false&created[gte]={}",
            since.as_second()
        );
        let mut events = self.list(&path, web, now).await?;
        // The newest come first.
        events.reverse();
        Ok(events
            .iter()
            .map(|event| event.to_string().into_bytes())
            .collect())
    }
}

/// One conversation. Each method answers with the id of the chain it is about.
struct Talk<'a> {
    api: &'a Api,
    web: &'a dyn Web,
    now: Timestamp,
    parts: Vec<Part>,
}

impl Talk<'_> {
    fn keep(&mut self, name: &str, body: Value) {
        self.parts.push(Part {
            name: name.into(),
            id: id(&body).unwrap_or_default(),
            body,
        });
    }

    async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.api.get(path, self.web, self.now).await
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>, Trouble> {
        self.api.list(path, self.web, self.now).await
    }

    /// A subscription with all its paid invoices, their refunds, and whoever owns it.
    async fn subscription(&mut self, id: &str) -> Result<Option<String>, Trouble> {
        let subscription = self.get(&format!("subscriptions/{id}")).await?;
        let customer = super::model::id(&subscription["customer"]);
        let schedule = super::model::id(&subscription["schedule"]);
        self.keep("subscription", subscription);
        for invoice in self
            .list(&format!("invoices?subscription={id}&status=paid"))
            .await?
        {
            self.refunds_of_invoice(&invoice).await?;
            self.keep("invoice", invoice);
        }
        for session in self
            .list(&format!("checkout/sessions?subscription={id}"))
            .await?
        {
            self.keep("session", session);
        }
        if let Some(schedule) = schedule {
            let schedule = self
                .get(&format!("subscription_schedules/{schedule}"))
                .await?;
            self.keep("schedule", schedule);
        }
        self.customer(customer).await?;
        Ok(Some(id.to_owned()))
    }

    async fn customer(&mut self, customer: Option<String>) -> Result<(), Trouble> {
        if let Some(customer) = customer {
            match self.get(&format!("customers/{customer}")).await {
                Ok(body) => self.keep("customer", body),
                Err(Trouble::Unknown(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }

    /// Through its payments in the newer shape, its charge in the older.
    async fn refunds_of_invoice(&mut self, invoice: &Value) -> Result<(), Trouble> {
        if invoice["amount_paid"].as_i64().unwrap_or(0) == 0 {
            return Ok(());
        }
        let Some(invoice_id) = id(invoice) else {
            return Ok(());
        };
        let charge = id(&invoice["charge"]);
        let intent = id(&invoice["payment_intent"]);
        let mut filters: Vec<String> = charge
            .map(|charge| format!("charge={charge}"))
            .or_else(|| intent.map(|intent| format!("payment_intent={intent}")))
            .into_iter()
            .collect();
        if filters.is_empty() {
            for payment in self
                .list(&format!("invoice_payments?invoice={invoice_id}"))
                .await?
            {
                let intent = id(&payment["payment"]["payment_intent"])
                    .map(|intent| format!("payment_intent={intent}"));
                let charge =
                    id(&payment["payment"]["charge"]).map(|charge| format!("charge={charge}"));
                filters.extend(intent.or(charge));
            }
        }
        for filter in filters {
            self.refunds(&filter, &invoice_id).await?;
        }
        Ok(())
    }

    /// Refunds and disputes, each with the transaction it is about.
    async fn refunds(&mut self, filter: &str, transaction: &str) -> Result<(), Trouble> {
        for (name, path) in [("refund", "refunds"), ("dispute", "disputes")] {
            for mut body in self.list(&format!("{path}?{filter}")).await? {
                body["tidings_transaction"] = transaction.into();
                self.keep(name, body);
            }
        }
        Ok(())
    }

    async fn session(&mut self, session_id: &str) -> Result<Option<String>, Trouble> {
        let session = self
            .get(&format!(
                "checkout/sessions/{session_id}?expand[]=line_items"
            ))
            .await?;
        match (session["mode"].as_str(), id(&session["subscription"])) {
            (Some("subscription"), Some(subscription)) => self.subscription(&subscription).await,
            (Some("payment"), _) => {
                let intent = id(&session["payment_intent"]);
                let customer = id(&session["customer"]);
                if let Some(intent) = &intent {
                    self.refunds(&format!("payment_intent={intent}"), intent)
                        .await?;
                }
                self.keep("session", session);
                self.customer(customer).await?;
                // A session that cost nothing has no payment.
                Ok(Some(intent.unwrap_or_else(|| session_id.to_owned())))
            }
            _ => Ok(None),
        }
    }

    async fn payment_intent(&mut self, intent_id: &str) -> Result<Option<String>, Trouble> {
        // Paid through Checkout: the session knows what was bought.
        if let Some(session) = self
            .list(&format!("checkout/sessions?payment_intent={intent_id}"))
            .await?
            .first()
            .and_then(id)
        {
            return Box::pin(self.session(&session)).await;
        }
        if let Some(subscription) = self.subscription_of(intent_id).await? {
            return self.subscription(&subscription).await;
        }
        let charges = self
            .list(&format!("charges?payment_intent={intent_id}"))
            .await?;
        let customer = charges.first().and_then(|charge| id(&charge["customer"]));
        for charge in charges {
            self.keep("charge", charge);
        }
        self.refunds(&format!("payment_intent={intent_id}"), intent_id)
            .await?;
        self.customer(customer).await?;
        Ok(Some(intent_id.to_owned()))
    }

    /// The subscription that a payment was for, in the newer shape.
    async fn subscription_of(&self, intent_id: &str) -> Result<Option<String>, Trouble> {
        let path = format!(
            "invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent_id}"
        );
        let Some(invoice) = self
            .list(&path)
            .await?
            .first()
            .and_then(|payment| id(&payment["invoice"]))
        else {
            return Ok(None);
        };
        let invoice = self.get(&format!("invoices/{invoice}")).await?;
        Ok(invoice_subscription(&invoice))
    }

    async fn charge(&mut self, charge_id: &str) -> Result<Option<String>, Trouble> {
        let charge = self.get(&format!("charges/{charge_id}")).await?;
        if let Some(invoice) = id(&charge["invoice"]) {
            let invoice = self.get(&format!("invoices/{invoice}")).await?;
            return match invoice_subscription(&invoice) {
                Some(subscription) => self.subscription(&subscription).await,
                None => Ok(None),
            };
        }
        match id(&charge["payment_intent"]) {
            Some(intent) => self.payment_intent(&intent).await,
            None => Ok(None),
        }
    }
}
