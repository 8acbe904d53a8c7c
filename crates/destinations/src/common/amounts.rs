//! Which amount is told: one policy, read from the settings, and no destination calculates.

use crate::told::money::{moves_money, prices};
use domain::{Event, EventKind, Money, event::TransactionRef};
use serde::Deserialize;

/// In which currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reported {
    /// That of the customer.
    #[default]
    Local,
    /// US dollars, where the rate is known; that of the customer, called by its name, where it is not.
    Usd,
}

/// What of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Basis {
    /// What the customer paid.
    #[default]
    Price,
    /// What is left after the store's commission.
    Proceeds,
    /// What is left after commission and tax.
    Net,
}

/// How a refund is told, which is the destination's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refunds {
    /// Below zero.
    Negative,
    /// Above zero, in an event of its own that says what it is.
    Positive,
    /// Without an amount.
    Omitted,
}

/// The amounts that an integration tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amounts {
    pub(super) reported: Reported,
    pub(super) basis: Basis,
}

impl Amounts {
    /// What moved with an event, in the currency that it names; `None` where nothing did, or nobody knows how much. What a refund without an
    /// amount did not take off is not put back either.
    pub(super) fn of(self, event: &Event, refunds: Refunds) -> Option<Money> {
        if refunds == Refunds::Omitted && event.kind == EventKind::RefundReversed {
            return None;
        }
        let moved = prices(event);
        let (local, dollars) = match self.basis {
            Basis::Price => (moved.charged, moved.dollars),
            Basis::Proceeds => Self::share(event, |of| (of.proceeds, of.proceeds_usd)),
            Basis::Net => Self::share(event, |of| (of.net, of.net_usd)),
        };
        let told = match self.reported {
            Reported::Local => local,
            Reported::Usd => dollars.filter(|dollars| dollars.micros != 0).or(local),
        };
        let told = told.filter(|amount| amount.micros != 0)?;
        if !event.kind.is_refund() {
            return Some(told);
        }
        match refunds {
            Refunds::Negative => Some(told),
            Refunds::Positive => Some(Money::new(told.micros.saturating_neg(), told.currency)),
            Refunds::Omitted => None,
        }
    }

    /// The share of what moved, with its sign.
    fn share(
        event: &Event,
        share: impl Fn(&TransactionRef) -> (Option<Money>, Option<Money>),
    ) -> (Option<Money>, Option<Money>) {
        let is_refund = event.kind.is_refund();
        let moves = moves_money(event.kind);
        let Some(transaction) = event.transaction.as_ref().filter(|_| moves) else {
            return (None, None);
        };
        let signed = |whole: Money| {
            let micros = if event.kind.is_charge() {
                whole.micros
            } else {
                transaction.of_refunded(whole.micros)
            };
            let micros = if is_refund { -micros } else { micros };
            Money::new(micros, whole.currency)
        };
        let (local, dollars) = share(transaction);
        (local.map(signed), dollars.map(signed))
    }
}

/// An amount as a JSON number: `9.99`. Exact up to fifteen digits, as numbers in JSON are for most who read them.
pub(crate) fn number(amount: Money) -> serde_json::Value {
    serde_json::from_str(&amount.decimal()).unwrap_or_default()
}

/// The amount for those who want a number in every event: zero where it is known that nothing moved, and nothing where nobody knows.
pub(crate) fn revenue(event: &Event, amount: Option<Money>) -> Option<serde_json::Value> {
    let transaction = event.transaction.as_ref();
    let is_free = transaction.is_some_and(|transaction| {
        transaction.is_free || transaction.price.is_some_and(|price| price.micros == 0)
    });
    let is_zero = !moves_money(event.kind) || is_free;
    amount.map(number).or(is_zero.then(|| 0.into()))
}

/// An amount in the smallest unit of its currency: 899 cents, 300 yen. Half a unit is rounded away from zero.
pub(crate) fn minor_units(amount: Money) -> i64 {
    let step = 10_i64.pow(6 - amount.currency.exponent());
    let half = if amount.micros < 0 {
        -step / 2
    } else {
        step / 2
    };
    amount.micros.saturating_add(half) / step
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Currency;

    /// Source: ISO 4217, minor units.
    #[test]
    fn minor_units_are_those_of_the_currency() {
        for (micros, currency, expected) in [
            (8_990_000, "EUR", 899),
            (-8_990_000, "EUR", -899),
            (300_000_000, "JPY", 300),
            (1_234_000, "KWD", 1_234),
            (5_005_000, "USD", 501),
        ] {
            let amount = Money::new(micros, Currency::try_from(currency).unwrap());
            assert_eq!(minor_units(amount), expected, "{micros} {currency}");
        }
    }
}
