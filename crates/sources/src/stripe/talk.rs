//! One conversation with Stripe's API: from what a message is about to everything that belongs to it.

use super::{
    answered::{is_torn, paid, took_money, uncounted_prices},
    api::Api,
    invoice::{subscription_paid_by, sum},
    model::{id, phases_ahead},
};
use crate::{Answer, Part, Question, Trouble, Web};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// How often is asked again what contradicts itself, because it changed while it was read.
const TORN_TRIES: usize = 3;

/// Asks everything that belongs to what a question is about.
pub(super) async fn ask(
    api: &Api,
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
    let mut talk = Talk::new(api, web, now);
    let found = talk.about(&question.about, id).await?;
    let answer = found.map(|subject| Answer {
        question: Question {
            id: subject,
            ..question.clone()
        },
        asked_at: now,
        parts: talk.into_parts(),
    });
    Ok(answer.into_iter().collect())
}

/// One conversation. Each method answers with the id of the chain it is about.
pub(super) struct Talk<'a> {
    api: &'a Api,
    web: &'a dyn Web,
    now: Timestamp,
    parts: Vec<Part>,
}

impl<'a> Talk<'a> {
    pub(super) const fn new(api: &'a Api, web: &'a dyn Web, now: Timestamp) -> Self {
        Self {
            api,
            web,
            now,
            parts: Vec::new(),
        }
    }

    /// Everything that was answered.
    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// Asks about a thing of some kind.
    pub(super) async fn about(&mut self, kind: &str, id: &str) -> Result<Option<String>, Trouble> {
        match kind {
            "subscription" => self.subscription(id).await,
            "session" => self.session(id).await,
            "invoice" => self.invoice(id).await,
            "charge" => self.charge(id).await,
            "payment_intent" => self.payment_intent(id).await,
            other => Err(Trouble::Nonsense(format!(
                "nobody can ask Stripe about a {other:?}"
            ))),
        }
    }

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

    /// A subscription with all its invoices, their refunds, and whoever owns it.
    async fn subscription(&mut self, id: &str) -> Result<Option<String>, Trouble> {
        for _ in 0..TORN_TRIES {
            self.parts.clear();
            if self.read_subscription(id).await? {
                break;
            }
        }
        Ok(Some(id.to_owned()))
    }

    /// Whether what was read is of one moment, as far as can be seen.
    async fn read_subscription(&mut self, id: &str) -> Result<bool, Trouble> {
        let subscription = self.get(&format!("subscriptions/{id}")).await?;
        let customer = super::model::id(&subscription["customer"]);
        let schedule = super::model::id(&subscription["schedule"]);
        let invoices = self.list(&format!("invoices?subscription={id}")).await?;
        let is_whole = !is_torn(&subscription, &invoices);
        let mut uncounted = BTreeSet::new();
        for mut invoice in invoices {
            self.complete(&mut invoice, "lines", "invoices").await?;
            uncounted.extend(uncounted_prices(&invoice));
            if subscription_paid_by(&invoice).is_some() {
                self.refunds_of_invoice(&invoice).await?;
            }
            self.keep("invoice", invoice);
        }
        self.prices_gone(&subscription, uncounted).await?;
        self.keep("subscription", subscription);
        for session in self
            .list(&format!("checkout/sessions?subscription={id}"))
            .await?
        {
            self.keep("session", session);
        }
        if let Some(schedule) = schedule {
            self.schedule(&schedule).await?;
        }
        self.customer(customer).await?;
        Ok(is_whole)
    }

    /// Fills up a list of which an object shows its beginning only.
    async fn complete(&self, object: &mut Value, list: &str, kind: &str) -> Result<(), Trouble> {
        if object[list]["has_more"] != true {
            return Ok(());
        }
        let Some(id) = id(object) else {
            return Ok(());
        };
        let all = self.list(&format!("{kind}/{id}/{list}?")).await?;
        object[list] = serde_json::json!({ "data": all, "has_more": false });
        Ok(())
    }

    /// A schedule, with the prices of the phases that are ahead: it names them, and not what is sold for them.
    async fn schedule(&mut self, id: &str) -> Result<(), Trouble> {
        let schedule = self.get(&format!("subscription_schedules/{id}")).await?;
        let ahead = phases_ahead(&schedule, self.now);
        let items = ahead
            .filter_map(|phase| phase["items"].as_array())
            .flatten();
        let mut prices: Vec<String> = items
            .filter_map(|item| super::model::id(&item["price"]))
            .collect();
        prices.sort_unstable();
        prices.dedup();
        for price in prices {
            self.keep_if_known("price", &format!("prices/{price}"))
                .await?;
        }
        self.keep("schedule", schedule);
        Ok(())
    }

    /// The prices of what was invoiced and cost nothing, where the subscription has them no longer: they say whether it was usage, of which
    /// nothing was counted.
    async fn prices_gone(
        &mut self,
        subscription: &Value,
        mut prices: BTreeSet<String>,
    ) -> Result<(), Trouble> {
        let items = subscription["items"]["data"].as_array();
        for item in items.into_iter().flatten() {
            if let Some(price) = id(&item["price"]) {
                prices.remove(&price);
            }
        }
        for price in prices {
            self.keep_if_known("price", &format!("prices/{price}"))
                .await?;
        }
        Ok(())
    }

    /// Something that the account may not have any more.
    async fn keep_if_known(&mut self, name: &str, path: &str) -> Result<(), Trouble> {
        match self.get(path).await {
            Ok(body) => self.keep(name, body),
            Err(Trouble::Unknown(_)) => {}
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }

    /// An invoice, or what it is for.
    async fn invoice(&mut self, id: &str) -> Result<Option<String>, Trouble> {
        let mut invoice = self.get(&format!("invoices/{id}")).await?;
        if let Some(subscription) = subscription_paid_by(&invoice) {
            return self.subscription(&subscription).await;
        }
        if let Some(session) = self.session_of(&invoice, id).await? {
            return self.session(&session).await;
        }
        let customer = super::model::id(&invoice["customer"]);
        self.complete(&mut invoice, "lines", "invoices").await?;
        self.refunds_of_invoice(&invoice).await?;
        self.payments_before_the_end(&invoice, id).await?;
        self.keep("invoice", invoice);
        self.customer(customer).await?;
        Ok(Some(id.to_owned()))
    }

    async fn customer(&mut self, customer: Option<String>) -> Result<(), Trouble> {
        match customer {
            Some(customer) => {
                self.keep_if_known("customer", &format!("customers/{customer}"))
                    .await
            }
            None => Ok(()),
        }
    }

    /// How an invoice was paid, as filters, each with the transaction that it is to us: its charge or payment in the older shape, its
    /// payments in the newer. Of several the first is the invoice, and each later one is kept and a transaction of its own.
    async fn payments_of(
        &self,
        invoice: &Value,
        invoice_id: &str,
    ) -> Result<(Vec<(String, String)>, Vec<Value>), Trouble> {
        let by = |of: &Value| {
            let charge = id(&of["charge"]).map(|charge| format!("charge={charge}"));
            let intent = id(&of["payment_intent"]).map(|intent| format!("payment_intent={intent}"));
            (charge, intent)
        };
        let (charge, intent) = by(invoice);
        if let Some(filter) = charge.or(intent) {
            return Ok((vec![(filter, invoice_id.to_owned())], Vec::new()));
        }
        let path = format!("invoice_payments?invoice={invoice_id}");
        let mut payments = self.list(&path).await?;
        // Others are open, or were cancelled.
        payments.retain(|payment| {
            payment["status"]
                .as_str()
                .is_none_or(|status| status == "paid")
        });
        payments.sort_by_key(|payment| {
            let paid_at = payment["status_transitions"]["paid_at"].as_i64();
            (paid_at.or(payment["created"].as_i64()), id(payment))
        });
        let filters = payments.iter().enumerate().filter_map(|(index, payment)| {
            let (charge, intent) = by(&payment["payment"]);
            let own = id(payment).filter(|_| index > 0);
            Some((
                intent.or(charge)?,
                own.unwrap_or_else(|| invoice_id.to_owned()),
            ))
        });
        let filters = filters.collect();
        let listed: Option<Vec<i64>> = payments
            .iter()
            .map(|payment| payment["amount_paid"].as_i64().filter(|paid| *paid > 0))
            .collect();
        let is_one = payments.len() < 2;
        let in_parts = listed.is_some_and(|listed| !is_one || sum(listed) < paid(invoice));
        Ok((filters, if in_parts { payments } else { Vec::new() }))
    }

    async fn refunds_of_invoice(&mut self, invoice: &Value) -> Result<(), Trouble> {
        let Some(invoice_id) = id(invoice).filter(|_| took_money(invoice)) else {
            return Ok(());
        };
        let (filters, parts) = self.payments_of(invoice, &invoice_id).await?;
        // What is bought once is one transaction, however it was paid.
        let in_parts = !parts.is_empty() && subscription_paid_by(invoice).is_some();
        if in_parts {
            for part in parts {
                self.keep("invoice_payment", part);
            }
        }
        for (filter, transaction) in filters {
            let of = if in_parts { &transaction } else { &invoice_id };
            self.refunds(&filter, of).await?;
        }
        Ok(())
    }

    /// When something was paid of an invoice of which the rest was given up: it does not say.
    async fn payments_before_the_end(&mut self, invoice: &Value, id: &str) -> Result<(), Trouble> {
        let is_paid = invoice["status"] == "paid";
        if is_paid || !took_money(invoice) {
            return Ok(());
        }
        for payment in self.list(&format!("invoice_payments?invoice={id}")).await? {
            if payment["status"]
                .as_str()
                .is_none_or(|status| status == "paid")
            {
                self.keep("invoice_payment", payment);
            }
        }
        Ok(())
    }

    /// The session of Checkout that made an invoice of what it had sold.
    async fn session_of(&self, invoice: &Value, id: &str) -> Result<Option<String>, Trouble> {
        if took_money(invoice) {
            let (filters, _) = self.payments_of(invoice, id).await?;
            for (filter, _) in filters {
                let path = format!("checkout/sessions?{filter}");
                if filter.starts_with("payment_intent=")
                    && let Some(session) =
                        self.list(&path).await?.first().and_then(super::model::id)
                {
                    return Ok(Some(session));
                }
            }
        }
        Ok(None)
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
                "checkout/sessions/{session_id}?expand[]=line_items&expand[]=invoice"
            ))
            .await?;
        match (session["mode"].as_str(), id(&session["subscription"])) {
            (Some("subscription"), Some(subscription)) => self.subscription(&subscription).await,
            (Some("payment"), _) => {
                let intent = id(&session["payment_intent"]);
                let customer = id(&session["customer"]);
                if let Some(intent) = &intent {
                    self.charges(intent).await?;
                    self.refunds(&format!("payment_intent={intent}"), intent)
                        .await?;
                }
                let mut session = session;
                self.complete(&mut session, "line_items", "checkout/sessions")
                    .await?;
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
        if let Some(invoice) = self.invoice_of(intent_id).await? {
            return self.invoice(&invoice).await;
        }
        let customer = self.charges(intent_id).await?;
        self.refunds(&format!("payment_intent={intent_id}"), intent_id)
            .await?;
        self.customer(customer).await?;
        Ok(Some(intent_id.to_owned()))
    }

    /// The charges of a payment. Answers with its customer.
    async fn charges(&mut self, intent_id: &str) -> Result<Option<String>, Trouble> {
        let charges = self
            .list(&format!("charges?payment_intent={intent_id}"))
            .await?;
        let customer = charges.first().and_then(|charge| id(&charge["customer"]));
        for charge in charges {
            self.keep("charge", charge);
        }
        Ok(customer)
    }

    /// The invoice that a payment was for, in the newer shape.
    async fn invoice_of(&self, intent_id: &str) -> Result<Option<String>, Trouble> {
        let path = format!(
            "invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent_id}"
        );
        let payments = self.list(&path).await?;
        Ok(payments.first().and_then(|payment| id(&payment["invoice"])))
    }

    async fn charge(&mut self, charge_id: &str) -> Result<Option<String>, Trouble> {
        let charge = self.get(&format!("charges/{charge_id}")).await?;
        if let Some(invoice) = id(&charge["invoice"]) {
            return self.invoice(&invoice).await;
        }
        match id(&charge["payment_intent"]) {
            Some(intent) => self.payment_intent(&intent).await,
            None => Ok(None),
        }
    }
}
