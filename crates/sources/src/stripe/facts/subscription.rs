//! A subscription: every paid invoice that bought a period is a transaction, and so is one that only took money.

use super::{
    super::{
        invoice::{Invoice, Line},
        model::{Price, Subscription},
    },
    about::{About, objects},
    amount::money,
    lines::{self, Alone},
    plan::Plan,
};
use crate::{Refusal, claim::carried};
use domain::{
    Observation,
    fact::{
        Discount, Offer, OfferCategory, RenewalFact, TransactionFact, TransactionKind,
        TransactionReason,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

impl About<'_> {
    pub(super) fn subscription(
        &self,
        subscription: &Subscription,
    ) -> Result<Option<Observation>, Refusal> {
        let mut seen = Self::chain(&subscription.id, subscription.livemode);
        seen.user_token = self.owner(subscription.metadata.as_ref());
        let invoices = self.invoices(subscription)?;
        seen.is_named_before = !self.is_named_anew(seen.user_token.as_deref(), &invoices);
        let prices = objects::<Price>(self.answer, "price")?;
        let all = lines::alone(subscription, &invoices, &prices);
        let plans = self.plans(subscription, &all);
        for line in &all {
            let plan = plans.get(&line.name);
            let Some((mut transactions, renewal)) = self.line(line, subscription, plan) else {
                continue;
            };
            for fact in &mut transactions {
                fact.line.clone_from(&line.name);
            }
            seen.transactions.extend(transactions);
            seen.renewals.extend(renewal.map(|renewal| RenewalFact {
                line: line.name.clone(),
                ..renewal
            }));
        }
        if seen.transactions.is_empty() {
            // The first payment is open, or never came.
            return Ok(None);
        }
        // What is sold by hand beside it is a purchase of its own, and so is what is given back of that.
        let by_hand = invoices.iter().filter(|invoice| invoice.is_by_hand());
        let by_hand: BTreeSet<&str> = by_hand.map(|invoice| invoice.id.as_str()).collect();
        let refunds = self.refunds.iter();
        let own = refunds.filter(|refund| !by_hand.contains(refund.transaction.as_str()));
        seen.refunds = own.cloned().collect();
        seen.notes = self.notes();
        Ok(Some(seen))
    }

    /// Whether the newest charge was made under another name than the one before it: metadata are those of the subscription, which every
    /// charge repeats.
    fn is_named_anew(&self, name: Option<&str>, invoices: &[Invoice]) -> bool {
        let is_own = |invoice: &&Invoice| {
            invoice.took_money() && invoice.part_of.is_none() && !invoice.is_by_hand()
        };
        let mut own = invoices.iter().rev().filter(is_own);
        let named = |invoice: &Invoice| {
            let metadata = invoice.metadata_then()?;
            Some(carried(
                metadata.get(&self.app.owner_key).map(String::as_str),
            ))
        };
        let (newest, before) = (own.next().and_then(named), own.next().and_then(named));
        newest
            .zip(before)
            .is_some_and(|(newest, before)| newest.as_deref() == name && newest != before)
    }

    /// The charges of one line, and how it goes on, where the subscription still has it. `None` where nothing was bought.
    fn line(
        &self,
        line: &Alone,
        whole: &Subscription,
        plan: Option<&Plan>,
    ) -> Option<(Vec<TransactionFact>, Option<RenewalFact>)> {
        let subscription = line.subscription.as_ref().unwrap_or(whole);
        let invoices = &line.invoices;
        let added = self.added(line, whole);
        let mut periods: Vec<TransactionFact> = Vec::new();
        let mut extras = Vec::new();
        for invoice in invoices.iter().filter(|invoice| invoice.took_money()) {
            let before = (periods.last(), added.as_ref());
            match self.paper(invoice, subscription, before) {
                Paper::Period(fact) => {
                    // A renewal ends the period before it.
                    if let Some(last) = periods.last_mut()
                        && fact.reason == Some(TransactionReason::Renewal)
                    {
                        last.expires_at = last.expires_at.min(Some(fact.purchased_at));
                    }
                    periods.push(fact);
                }
                Paper::Extra(fact) => extras.push(fact),
                Paper::Longer(end) => {
                    if let Some(last) = periods.last_mut() {
                        last.expires_at = last.expires_at.max(end);
                    }
                }
                Paper::Nothing => {}
            }
        }
        if !periods.iter().any(|period| period.begins_chain)
            && let Some(owed) = self.owed(subscription, invoices, periods.is_empty())
        {
            periods.insert(0, owed);
        }
        if periods.is_empty() {
            periods.extend(added);
        }
        // All invoices are known: what is charged for the first time begins then.
        let first = periods.first_mut().filter(|_| !line.name.is_empty());
        if let Some(first) = first {
            first.begins_chain = true;
        }
        if periods.is_empty() {
            return None;
        }
        end_trial(&mut periods, subscription);
        let paid_until = periods
            .iter()
            .filter(|period| !period.is_owed)
            .filter_map(|period| period.expires_at)
            .max();
        let ran_as_trial = periods.last().is_some_and(TransactionFact::is_free);
        let renewal = line
            .subscription
            .as_ref()
            .map(|own| self.renewal(own, plan, paid_until, ran_as_trial));
        periods.extend(extras);
        Some((periods, renewal))
    }

    /// What a paid invoice came to, after the period `before`, or after it was `added`.
    fn paper(
        &self,
        invoice: &Invoice,
        subscription: &Subscription,
        (before, added): (Option<&TransactionFact>, Option<&TransactionFact>),
    ) -> Paper {
        let reason = invoice.billing_reason.as_deref();
        let bought = bought(invoice);
        let product = bought
            .and_then(Line::product)
            .or_else(|| subscription.price().and_then(Price::name));
        let same_product = before.is_some_and(|before| Some(&before.product) == product.as_ref());
        let took_money = invoice.amount_paid > 0;
        let buys = match reason {
            Some(
                "subscription_create" | "subscription_cycle" | "subscription" | "quote_accept",
            ) => true,
            // Another product; or the same one from now on: another anchor, a trial cut short, a pause that is over.
            Some("subscription_update") => {
                bought.is_some_and(|line| !same_product || (took_money && !line.is_proration()))
            }
            _ => false,
        };
        if buys {
            let fact =
                product.and_then(|product| self.period(invoice, bought, subscription, product));
            return match fact {
                // Usage of the last period, charged when all was over.
                Some(fact) if is_after_the_end(&fact, subscription) => {
                    self.extra(invoice, before.or(added))
                }
                Some(fact) => Paper::Period(fact),
                None => Paper::Nothing,
            };
        }
        if took_money && !invoice.is_by_hand() {
            return self.extra(invoice, before);
        }
        match reason {
            // Another quantity or anchor that costs nothing now: the period may end later, nothing else.
            Some("subscription_update") => Paper::Longer(bought.and_then(|line| line.period.end)),
            _ => Paper::Nothing,
        }
    }

    /// Money that was taken and bought no period: more seats until its end, usage beyond a threshold.
    fn extra(&self, invoice: &Invoice, before: Option<&TransactionFact>) -> Paper {
        let at = invoice.paid_at();
        let Some((before, at)) = before.zip(at).filter(|_| invoice.amount_paid > 0) else {
            return Paper::Nothing;
        };
        Paper::Extra(TransactionFact {
            is_extra: true,
            part_of: invoice.part_of.clone(),
            original_purchased_at: before.original_purchased_at,
            reason: Some(TransactionReason::Purchase),
            ..Self::charge_of(
                invoice,
                TransactionFact::new(
                    &invoice.id,
                    TransactionKind::Subscription,
                    &before.product,
                    at,
                    self.version(),
                ),
            )
        })
    }

    /// A period that was bought.
    fn period(
        &self,
        invoice: &Invoice,
        bought: Option<&Line>,
        subscription: &Subscription,
        product: String,
    ) -> Option<TransactionFact> {
        let reason = invoice.billing_reason.as_deref();
        let Span {
            start,
            end,
            is_exact,
        } = span(invoice, bought, subscription)?;
        let is_first = reason == Some("subscription_create");
        let is_trial = bought.is_some_and(|line| is_trial(line, subscription));
        let purchased_at = if reason == Some("subscription_update") {
            invoice.paid_at()?.min(end)
        } else {
            start
        };
        Some(TransactionFact {
            original_purchased_at: subscription.began().unwrap_or(start),
            expires_at: Some(end),
            end_is_provisional: !is_exact,
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
            begins_chain: is_first,
            quantity: bought.and_then(|line| line.quantity).unwrap_or(1).max(1),
            ..Self::charge_of(
                invoice,
                TransactionFact::new(
                    &invoice.id,
                    TransactionKind::Subscription,
                    product,
                    purchased_at,
                    self.version(),
                ),
            )
        })
    }

    /// An item of several that runs although nothing was charged for it yet: it was added without a proration, its proration waits for the
    /// next invoice, or it is counted first. Source: Stripe, "Prorations" and "Usage-based billing".
    fn added(&self, line: &Alone, whole: &Subscription) -> Option<TransactionFact> {
        let own = line.subscription.as_ref()?;
        let has_begun = !matches!(own.status.as_str(), "incomplete" | "incomplete_expired");
        let items = &whole.items.data;
        let item = own
            .items
            .data
            .first()
            .filter(|_| has_begun && items.len() > 1)?;
        let begins = item.created.or(own.period_start())?;
        Some(TransactionFact {
            is_owed: true,
            begins_chain: true,
            expires_at: own.period_end(),
            reason: Some(TransactionReason::Purchase),
            ..TransactionFact::new(
                &item.id,
                TransactionKind::Subscription,
                own.price()?.name()?,
                begins,
                self.version(),
            )
        })
    }

    /// What was charged, and where.
    fn charge_of(invoice: &Invoice, fact: TransactionFact) -> TransactionFact {
        TransactionFact {
            price: money(invoice.amount_paid, &invoice.currency),
            tax: invoice
                .taxed()
                .and_then(|tax| money(tax, &invoice.currency)),
            country: invoice.country(),
            ..fact
        }
    }

    /// The first period of a subscription that Stripe lets run although its first invoice is not paid: one sent to the
    /// customer, one on its way through a bank, one that was given up. Source: Stripe, "Set up subscriptions with invoicing".
    fn owed(
        &self,
        subscription: &Subscription,
        invoices: &[Invoice],
        is_all: bool,
    ) -> Option<TransactionFact> {
        let runs = !is_all
            || match subscription.status.as_str() {
                "active" | "trialing" | "past_due" | "unpaid" | "paused" => true,
                "canceled" => subscription.collection_method.as_deref() == Some("send_invoice"),
                _ => false,
            };
        let first = invoices
            .iter()
            .find(|invoice| invoice.billing_reason.as_deref() == Some("subscription_create"))
            .filter(|_| runs)?;
        let bought = bought(first);
        let product = bought
            .and_then(Line::product)
            .or_else(|| subscription.price().and_then(Price::name))?;
        let fact = self.period(first, bought, subscription, product)?;
        Some(TransactionFact {
            is_owed: true,
            price: None,
            tax: None,
            ..fact
        })
    }
}

/// What a paid invoice of a subscription came to.
enum Paper {
    /// It bought a period.
    Period(TransactionFact),
    /// It took money, and bought none.
    Extra(TransactionFact),
    /// It cost nothing, and the period may end later.
    Longer(Option<Timestamp>),
    /// None of these.
    Nothing,
}

/// A period that was bought, and whether its end is known or the best that can be said of it by now.
struct Span {
    start: Timestamp,
    end: Timestamp,
    is_exact: bool,
}

/// The line of what was bought: of the subscription rather than beside it, of a whole period rather than the rest of one, and
/// the one that lasts longest.
fn bought(invoice: &Invoice) -> Option<&Line> {
    let is_update = invoice.billing_reason.as_deref() == Some("subscription_update");
    invoice
        .lines
        .data
        .iter()
        .filter(|line| !line.is_proration() || is_update)
        .filter(|line| line.amount >= 0 && line.period.start.is_some() && line.period.end.is_some())
        .max_by_key(|line| (!line.is_beside(), !line.is_proration(), line.period.end))
}

/// The period that an invoice bought. What is counted first and charged afterwards (usage) names the period that is over; what
/// such an invoice begins is the one that runs since, and once that is over it is as long as the one that is named, unless somebody heard
/// of it while it ran: its end is exact then. Source: Stripe, "Usage-based billing".
fn span(invoice: &Invoice, bought: Option<&Line>, subscription: &Subscription) -> Option<Span> {
    let exact = |(start, end)| Span {
        start,
        end,
        is_exact: true,
    };
    let named = bought.and_then(|line| line.period.start.zip(line.period.end));
    let is_first = invoice.billing_reason.as_deref() == Some("subscription_create");
    let start = match named {
        Some((_, over)) if !is_first && invoice.created.is_some_and(|created| over <= created) => {
            over
        }
        Some((start, end)) if start < end => return Some(exact((start, end))),
        _ => invoice.period_end.or(invoice.created)?,
    };
    let (runs_from, runs_until) = subscription.period_start().zip(subscription.period_end())?;
    if runs_from <= start {
        return Some(exact((start, runs_until)));
    }
    let lasted = named.map(|(from, over)| from.duration_until(over));
    let lasted = lasted.filter(SignedDuration::is_positive);
    let end = lasted.and_then(|lasted| start.checked_add(lasted).ok());
    Some(Span {
        start,
        end: end.map_or(runs_from, |end| end.min(runs_from)),
        is_exact: false,
    })
}

/// Nothing was charged for it, and it began in the free time. A discount leaves the amount of a line as it is. Source: Stripe,
/// API reference, `amount` of an invoice line item.
fn is_trial(line: &Line, subscription: &Subscription) -> bool {
    line.amount == 0
        && !line.is_of_a_free_price()
        && line
            .period
            .start
            .zip(subscription.trial_end)
            .is_some_and(|(start, trial_end)| start < trial_end)
}

/// Free time that was made longer or shorter has no invoice of its own.
fn end_trial(periods: &mut [TransactionFact], subscription: &Subscription) {
    let Some(ends) = subscription.trial_end else {
        return;
    };
    let Some(trial) = periods.iter().rposition(TransactionFact::is_free) else {
        return;
    };
    let begins_before = |next: &TransactionFact| next.purchased_at < ends;
    if !periods.get(trial + 1).is_some_and(begins_before) && periods[trial].purchased_at < ends {
        periods[trial].expires_at = Some(ends);
    }
}

fn is_after_the_end(fact: &TransactionFact, subscription: &Subscription) -> bool {
    !fact.begins_chain
        && subscription
            .ended_at
            .is_some_and(|ended| fact.purchased_at >= ended)
}
