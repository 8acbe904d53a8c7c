//! From Stripe's objects to facts. Source: Stripe, "How subscriptions work" and the API reference.

use super::{
    App, OwnerSource,
    model::{
        Charge, Dispute, Invoice, Line, Metadata, Refund, Session, Subscription, TaxAmount, id,
    },
};
use crate::{Answer, Refusal};
use domain::{
    ChainKey, Currency, Environment, Money, Observation, Store,
    fact::{
        Discount, Offer, OfferCategory, RefundFact, RenewalFact, Status, TransactionFact,
        TransactionKind, TransactionReason,
    },
    reason::ExpirationIntent,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// From the smallest unit of a currency, exactly: cents, whole yen, thousandths of a dinar.
fn money(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::try_from(currency).ok()?;
    let scale = 10_i64.pow(6_u32.saturating_sub(currency.exponent()));
    Some(Money::new(amount.checked_mul(scale)?, currency))
}

fn objects<T: DeserializeOwned>(answer: &Answer, name: &str) -> Result<Vec<T>, Refusal> {
    answer
        .parts
        .iter()
        .filter(|part| part.name == name)
        .map(|part| {
            serde_json::from_value(part.body.clone()).map_err(|error| {
                Refusal::park(
                    "store_answer_unreadable",
                    format!("the {name} {} cannot be read: {error}", part.id),
                )
            })
        })
        .collect()
}

pub(super) fn read(answer: &Answer, app: &App) -> Result<Option<Observation>, Refusal> {
    let sessions: Vec<Session> = objects(answer, "session")?;
    let about = About {
        answer,
        app,
        refunds: refunds(answer)?,
        sessions,
    };
    if let Some(subscription) = objects::<Subscription>(answer, "subscription")?.first() {
        return about.subscription(subscription);
    }
    let charges = objects::<Charge>(answer, "charge")?;
    if let Some(charge) = charges.iter().find(|charge| charge.paid) {
        return Ok(Some(about.charge(charge)));
    }
    Ok(about
        .sessions
        .iter()
        .find(|session| {
            matches!(
                session.payment_status.as_deref(),
                Some("paid" | "no_payment_required")
            )
        })
        .and_then(|session| about.session(session)))
}

struct About<'a> {
    answer: &'a Answer,
    app: &'a App,
    refunds: Vec<RefundFact>,
    sessions: Vec<Session>,
}

/// Refunds that arrived or were undone, and disputes whose money was withdrawn.
fn refunds(answer: &Answer) -> Result<Vec<RefundFact>, Refusal> {
    let version = answer.asked_at;
    let mut all = Vec::new();
    let transaction = |index: usize, name: &str| {
        answer
            .parts(name)
            .nth(index)
            .and_then(|part| part.body["tidings_transaction"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    for (index, refund) in objects::<Refund>(answer, "refund")?.into_iter().enumerate() {
        let is_undone = match refund.status.as_deref() {
            None | Some("succeeded") => false,
            Some("failed" | "canceled") => true,
            // On its way.
            _ => continue,
        };
        all.push(RefundFact {
            pieces_left: None,
            version,
            transaction: transaction(index, "refund"),
            at: refund.created.unwrap_or(version),
            amount: money(refund.amount, &refund.currency),
            id: refund.id,
            revokes: false,
            is_undone,
        });
    }
    for (index, dispute) in objects::<Dispute>(answer, "dispute")?
        .into_iter()
        .enumerate()
    {
        let is_undone = match dispute.status.as_deref() {
            Some("won") => true,
            Some("lost" | "needs_response" | "under_review") => false,
            // Warnings withdraw no money.
            _ => continue,
        };
        all.push(RefundFact {
            pieces_left: None,
            version,
            transaction: transaction(index, "dispute"),
            at: dispute.created.unwrap_or(version),
            amount: money(dispute.amount, &dispute.currency),
            id: dispute.id,
            revokes: false,
            is_undone,
        });
    }
    Ok(all)
}

impl About<'_> {
    fn version(&self) -> Timestamp {
        self.answer.asked_at
    }

    fn chain(id: &str, livemode: bool) -> Observation {
        Observation::of(ChainKey {
            store: Store::Stripe,
            environment: if livemode {
                Environment::Production
            } else {
                Environment::Sandbox
            },
            id: id.to_owned(),
        })
    }

    /// The first name found, in the configured order.
    fn owner(&self, own: Option<&Metadata>) -> Option<String> {
        let key = &self.app.owner_key;
        let customer = self.answer.parts("customer").next();
        let session = self.sessions.first();
        self.app
            .owner_sources
            .iter()
            .find_map(|source| match source {
                OwnerSource::SubscriptionMetadata => own?.get(key).cloned(),
                OwnerSource::SessionMetadata => session?.metadata.as_ref()?.get(key).cloned(),
                OwnerSource::ClientReferenceId => session?.client_reference_id.clone(),
                OwnerSource::CustomerMetadata => {
                    customer?.body["metadata"][key].as_str().map(str::to_owned)
                }
                OwnerSource::CustomerId => customer.map(|customer| customer.id.clone()),
            })
            .filter(|name| !name.is_empty())
    }

    fn subscription(&self, subscription: &Subscription) -> Result<Option<Observation>, Refusal> {
        let mut seen = Self::chain(&subscription.id, subscription.livemode);
        seen.user_token = self.owner(subscription.metadata.as_ref());
        let mut invoices: Vec<Invoice> = objects(self.answer, "invoice")?;
        invoices.sort_by_key(|invoice| invoice.created);
        let began = subscription.start_date.or(subscription.created);
        for invoice in &invoices {
            let Some(fact) = self.invoice(invoice, subscription, began) else {
                continue;
            };
            let is_update = invoice.billing_reason.as_deref() == Some("subscription_update");
            match seen.transactions.last_mut() {
                // Another quantity or anchor, not another product: the period may end later, nothing else.
                Some(last) if is_update && last.product == fact.product => {
                    last.expires_at = last.expires_at.max(fact.expires_at);
                }
                _ => seen.transactions.push(fact),
            }
        }
        if seen.transactions.is_empty() {
            // The first payment is open, or never came.
            return Ok(None);
        }
        // A trial that was made longer has no invoice of its own.
        if subscription.status == "trialing"
            && let (Some(end), Some(last)) = (subscription.trial_end, seen.transactions.last_mut())
            && last.is_free()
        {
            last.expires_at = Some(end);
        }
        seen.refunds.clone_from(&self.refunds);
        seen.renewal = Some(self.renewal(subscription));
        Ok(Some(seen))
    }

    /// A paid invoice that bought a period. Prorations of quantity, thresholds and manual invoices bought none.
    fn invoice(
        &self,
        invoice: &Invoice,
        subscription: &Subscription,
        began: Option<Timestamp>,
    ) -> Option<TransactionFact> {
        let reason = invoice.billing_reason.as_deref();
        let is_first = matches!(reason, Some("subscription_create"));
        if !is_first
            && !matches!(
                reason,
                Some(
                    "subscription_cycle" | "subscription_update" | "subscription" | "quote_accept"
                )
            )
        {
            return None;
        }
        let bought: Vec<&Line> = invoice
            .lines
            .data
            .iter()
            .filter(|line| !line.is_proration() || reason == Some("subscription_update"))
            .filter(|line| line.amount >= 0 && line.period.end.is_some())
            .collect();
        let line = bought.iter().max_by_key(|line| line.period.end)?;
        let (start, end) = (line.period.start?, line.period.end?);
        let paid_at = invoice.status_transitions.paid_at.or(invoice.created)?;
        let is_trial = invoice.total == 0
            && subscription
                .trial_end
                .is_some_and(|trial_end| start < trial_end && end <= trial_end);
        let product = line
            .product()
            .or_else(|| subscription.price().and_then(super::model::Price::name))?;
        let tax = invoice.tax.or_else(|| {
            let taxes = invoice.total_taxes.as_ref()?;
            Some(taxes.iter().map(|tax: &TaxAmount| tax.amount).sum())
        });
        Some(TransactionFact {
            original_purchased_at: began.unwrap_or(start),
            expires_at: Some(end),
            price: money(invoice.amount_paid, &invoice.currency),
            tax: tax.and_then(|tax| money(tax, &invoice.currency)),
            offer: is_trial.then_some(Offer {
                category: Some(OfferCategory::Introductory),
                discount: Some(Discount::FreeTrial),
                id: None,
            }),
            reason: Some(if reason == Some("subscription_cycle") {
                TransactionReason::Renewal
            } else {
                TransactionReason::Purchase
            }),
            country: invoice
                .customer_address
                .as_ref()
                .and_then(|address| address.country.clone()),
            begins_chain: is_first,
            ..TransactionFact::new(
                &invoice.id,
                TransactionKind::Subscription,
                product,
                if reason == Some("subscription_update") {
                    paid_at.min(end)
                } else {
                    start
                },
                self.version(),
            )
        })
    }

    fn renewal(&self, subscription: &Subscription) -> RenewalFact {
        let reason = subscription
            .cancellation_details
            .as_ref()
            .and_then(|details| details.reason.as_deref());
        let ends_later = subscription.cancel_at_period_end || subscription.cancel_at.is_some();
        let is_paused = subscription.pause_collection.as_ref().is_some_and(|_| {
            subscription
                .period_end()
                .is_some_and(|end| end <= self.version())
        });
        let price = subscription.price();
        let product = price.and_then(super::model::Price::name);
        let (status, intent) = match subscription.status.as_str() {
            "trialing" | "active" if is_paused => (Some(Status::Paused), None),
            "trialing" | "active" => (Some(Status::Active), None),
            "past_due" if self.app.past_due_access => (Some(Status::Grace), None),
            "past_due" => (Some(Status::Retry), None),
            "unpaid" => (Some(Status::Expired), Some(ExpirationIntent::BillingError)),
            // A trial that ended without a way to pay.
            "paused" => (Some(Status::Expired), Some(ExpirationIntent::Other)),
            "canceled" => {
                let intent = match reason {
                    Some("payment_failed") => ExpirationIntent::BillingError,
                    Some("payment_disputed") => ExpirationIntent::Other,
                    _ => ExpirationIntent::Cancelled,
                };
                (Some(Status::Expired), Some(intent))
            }
            _ => (None, None),
        };
        let by_choice =
            subscription.status != "canceled" || intent == Some(ExpirationIntent::Cancelled);
        RenewalFact {
            next_product: self.scheduled_product(product.as_ref()),
            product_is_in_effect: true,
            product,
            auto_renew: Some(!ends_later && status != Some(Status::Expired)),
            intent,
            in_retry: Some(matches!(status, Some(Status::Retry | Status::Grace))),
            grace_ends_at: subscription
                .period_end()
                .filter(|_| status == Some(Status::Grace)),
            renewal_price: price.and_then(|price| {
                let currency = price.currency.as_ref().or(subscription.currency.as_ref())?;
                money(price.unit_amount?, currency)
            }),
            status,
            ended_at: subscription
                .ended_at
                .filter(|_| status == Some(Status::Expired)),
            off_since: subscription.canceled_at.filter(|_| by_choice),
            resumes_at: subscription
                .pause_collection
                .as_ref()
                .and_then(|pause| pause.resumes_at),
            pause_is_planned: subscription.pause_collection.is_some(),
            ..RenewalFact::new(self.version())
        }
    }

    /// What a schedule changes the subscription to after the running phase, or a new price no invoice has charged yet.
    fn scheduled_product(&self, now: Option<&String>) -> Option<String> {
        let second = self.version().as_second();
        let schedule = self.answer.parts("schedule").next();
        let phase = schedule.and_then(|schedule| {
            schedule.body["phases"].as_array()?.iter().find(|phase| {
                phase["start_date"]
                    .as_i64()
                    .is_some_and(|start| start > second)
            })
        });
        let price = phase.and_then(|phase| id(&phase["items"][0]["price"]));
        match price {
            // A phase names the price only; the product is known once it is charged.
            Some(price) => {
                let known = now.filter(|now| now.ends_with(&format!(":{price}")));
                Some(known.cloned().unwrap_or_else(|| {
                    let product = now
                        .and_then(|now| now.split_once(':'))
                        .map_or("", |(product, _)| product);
                    format!("{product}:{price}")
                }))
            }
            None => now.cloned(),
        }
    }

    fn charge(&self, charge: &Charge) -> Observation {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, charge.livemode);
        seen.user_token = self.owner(charge.metadata.as_ref());
        let at = charge.created.unwrap_or(self.version());
        let product = charge
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.get("product_id"))
            .or(charge.description.as_ref());
        let country = charge
            .billing_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        seen.transactions = vec![self.one_time(
            id,
            product.map_or("payment", String::as_str),
            at,
            money(charge.amount, &charge.currency),
            None,
            1,
            country,
        )];
        seen.refunds = self.refunds_taking_away(charge.amount, &charge.currency);
        seen
    }

    fn session(&self, session: &Session) -> Option<Observation> {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, session.livemode);
        seen.user_token = self.owner(session.metadata.as_ref());
        let items = session.line_items.as_ref();
        let item = items.and_then(|items| items.data.first());
        let product = item.and_then(|item| item.price.as_ref()?.name())?;
        let currency = session.currency.as_deref().unwrap_or_default();
        let total = session.amount_total.unwrap_or(0);
        let country = session
            .customer_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        seen.transactions = vec![
            self.one_time(
                id,
                &product,
                session.created.unwrap_or(self.version()),
                money(total, currency),
                session
                    .total_details
                    .as_ref()
                    .and_then(|details| money(details.amount_tax, currency)),
                item.and_then(|item| item.quantity).unwrap_or(1),
                country,
            ),
        ];
        seen.refunds = self.refunds_taking_away(total, currency);
        Some(seen)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one fact, all of them different things"
    )]
    fn one_time(
        &self,
        id: &str,
        product: &str,
        at: Timestamp,
        price: Option<Money>,
        tax: Option<Money>,
        quantity: u32,
        country: Option<String>,
    ) -> TransactionFact {
        TransactionFact {
            quantity: quantity.max(1),
            price,
            tax,
            reason: Some(TransactionReason::Purchase),
            country,
            begins_chain: true,
            ..TransactionFact::new(
                id,
                TransactionKind::NonConsumable,
                product,
                at,
                self.version(),
            )
        }
    }

    /// A one-time purchase is taken away once all of it was given back.
    fn refunds_taking_away(&self, charged: i64, currency: &str) -> Vec<RefundFact> {
        let charged = money(charged, currency).map_or(i64::MAX, |money| money.micros);
        let back: i64 = self
            .refunds
            .iter()
            .filter(|refund| !refund.is_undone)
            .filter_map(|refund| refund.amount)
            .map(|amount| amount.micros)
            .fold(0, i64::saturating_add);
        self.refunds
            .iter()
            .map(|refund| RefundFact {
                revokes: back >= charged,
                ..refund.clone()
            })
            .collect()
    }
}
