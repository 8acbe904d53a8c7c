//! What customers pay with, what of it is tax, and what is left to the seller.
//!
//! Sources: Google, orders, `Money` and `tax` (totals include taxes); Stripe, Invoice, `total_taxes`, and Checkout Session, `total_details`;
//! Apple, JWSTransactionDecodedPayload (no tax but of Advanced Commerce, `estimatedTax`). What stores keep: Apple, "Membership details", 30 %
//! of a first year; Google, "Service fees", 15 % of subscriptions and 30 % of what else is sold; of Stripe what the app says.

use super::life::{Form, Life, Market};
use jiff::Timestamp;

/// What a customer pays with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purse {
    /// ISO 4217 code of it.
    pub currency: &'static str,
    /// Percent that come on top of what the seller asks for.
    tax_percent: i64,
    market: Market,
    has_items: bool,
}

/// What an amount comes to, in millionths; `None` where nobody can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// In dollars.
    pub usd: i64,
    /// Tax in it.
    pub tax: Option<i64>,
    /// The same in dollars.
    pub tax_usd: Option<i64>,
    /// What the store leaves of it.
    pub proceeds: Option<i64>,
    /// The same in dollars.
    pub proceeds_usd: Option<i64>,
    /// What it leaves of what is no tax.
    pub net: Option<i64>,
    /// The same in dollars.
    pub net_usd: Option<i64>,
}

/// What a dollar and a krona were worth on a day: millionths of each for a euro.
pub fn rates(day: i64) -> [(&'static str, i64); 2] {
    [
        ("USD", 1_050_000 + 1_300 * (day % 97)),
        ("SEK", 11_000_000 + 7_001 * (day % 53)),
    ]
}

const DAY: i64 = 86_400;

impl Life {
    /// What the customer pays with.
    pub(super) fn purse(&self) -> Purse {
        Purse::of(self.market, self.form(), self.begins)
    }
}

impl Purse {
    /// That of somebody who comes then.
    fn of(market: Market, form: Form, begins: Timestamp) -> Self {
        let (currency, tax_percent) = match begins.as_second() % 3 {
            0 => ("USD", 0),
            1 => ("EUR", 19),
            _ => ("SEK", 25),
        };
        Self {
            currency,
            tax_percent,
            market,
            has_items: market == Market::AppStore && matches!(form, Form::Addon | Form::Item),
        }
    }

    /// The tax in an amount, in whole cents.
    pub(super) fn taxed(&self, micros: i64) -> i64 {
        micros.max(0) / 10_000 * self.tax_percent / (100 + self.tax_percent) * 10_000
    }

    /// What was charged for that at `at` comes to.
    pub fn worth(&self, micros: i64, at: Timestamp, is_subscription: bool) -> Worth {
        let tax = self.tax_told(micros, is_subscription);
        let left = self.left(is_subscription);
        let part = |micros: i64| left.map(|left| of_ten_thousand(micros, left));
        let (proceeds, net) = (part(micros), tax.and_then(|tax| part(micros - tax)));
        let dollars = |micros: Option<i64>| micros.map(|micros| self.dollars(micros, at));
        Worth {
            usd: self.dollars(micros, at),
            tax,
            tax_usd: dollars(tax),
            proceeds,
            proceeds_usd: dollars(proceeds),
            net,
            net_usd: dollars(net),
        }
    }

    /// The tax that the store tells of.
    fn tax_told(&self, micros: i64, is_subscription: bool) -> Option<i64> {
        match self.market {
            Market::Play | Market::Stripe => Some(self.taxed(micros)),
            // It estimates none.
            Market::AppStore if self.has_items && is_subscription => Some(0),
            Market::AppStore | Market::Stated => None,
        }
    }

    /// Of ten thousand so many are the seller's. Nobody is there for a year.
    const fn left(&self, is_subscription: bool) -> Option<i64> {
        match (self.market, is_subscription) {
            (Market::AppStore, _) | (Market::Play, false) => Some(7_000),
            (Market::Play, true) => Some(8_500),
            (Market::Stripe, _) => Some(9_710),
            (Market::Stated, _) => None,
        }
    }

    /// In dollars, at the rates of that day: half a millionth and more is one.
    pub fn dollars(&self, micros: i64, at: Timestamp) -> i64 {
        let [(_, dollar), (_, krona)] = rates(at.as_second().div_euclid(DAY));
        let for_a_euro = match self.currency {
            "USD" => return micros,
            "EUR" => 1_000_000,
            _ => krona,
        };
        let (micros, dollar) = (i128::from(micros), i128::from(dollar));
        let twice = 2 * micros * dollar + i128::from(for_a_euro);
        i64::try_from(twice.div_euclid(2 * i128::from(for_a_euro))).unwrap_or(i64::MAX)
    }
}

/// Toward zero.
fn of_ten_thousand(micros: i64, part: i64) -> i64 {
    let part = i128::from(micros) * i128::from(part) / 10_000;
    i64::try_from(part).unwrap_or(i64::MAX)
}
