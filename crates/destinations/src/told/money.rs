//! What moved, and its shares.

use super::prices::Prices;
use domain::{
    Currency, Event, EventKind, Money,
    event::{Line, TransactionRef},
};
use serde_json::value::RawValue;

/// A JSON number, written as it is meant.
pub(crate) type Number = Box<RawValue>;

fn number(text: String) -> Option<Number> {
    RawValue::from_string(text).ok()
}

pub(crate) fn money(amount: Money) -> Option<Number> {
    number(amount.decimal())
}

/// What moved: positive in, negative out, 0 where nothing did. Of several lines, all that the charge was for.
pub(crate) fn prices(event: &Event) -> Prices {
    if event.lines.is_empty() || event.base_of_another().is_some() {
        return own_prices(event);
    }
    let lines: Vec<_> = event.charged_lines().collect();
    let sum = |amounts: Vec<Option<Money>>| {
        let mut amounts = amounts.into_iter();
        let first = amounts.next()??;
        amounts.try_fold(first, |sum, amount| sum.checked_add(amount?).ok())
    };
    if event.kind.is_charge() {
        return Prices {
            charged: sum(lines.iter().map(|line| line.price).collect()),
            dollars: sum(lines.iter().map(|line| line.price_usd).collect()),
        };
    }
    let is_undone = event.kind == EventKind::RefundReversed;
    if event.kind.is_refund() || is_undone {
        let back = |line: &&Line| line.refunded.or(line.price);
        let charged = sum(lines.iter().map(back).collect());
        let dollars = lines
            .iter()
            .map(|line| share_of(line.price_usd?, back(line)?, line.price?));
        let dollars = sum(dollars.collect());
        return if is_undone {
            Prices { charged, dollars }
        } else {
            Prices {
                charged: charged.map(minus),
                dollars: dollars.map(minus),
            }
        };
    }
    own_prices(event)
}

/// `part` of `whole`, in the money that `dollars` is the whole of.
fn share_of(dollars: Money, part: Money, whole: Money) -> Option<Money> {
    if part == whole {
        return Some(dollars);
    }
    let share = i128::from(dollars.micros) * i128::from(part.micros);
    let micros = share.checked_div(i128::from(whole.micros))?;
    Some(Money::new(i64::try_from(micros).ok()?, dollars.currency))
}

/// Whether money moves with events of this kind: where a vendor cannot tell a repetition, it would count twice.
pub(crate) const fn moves_money(kind: EventKind) -> bool {
    kind.is_charge() || kind.is_refund() || matches!(kind, EventKind::RefundReversed)
}

const fn minus(amount: Money) -> Money {
    Money::new(amount.micros.saturating_neg(), amount.currency)
}

fn own_prices(event: &Event) -> Prices {
    let nothing = |currency| Money::new(0, currency);
    let Some(transaction) = &event.transaction else {
        // Nobody knows what a charge was that nothing is known of.
        return Prices {
            charged: None,
            dollars: (!moves_money(event.kind)).then(|| nothing(Currency::USD)),
        };
    };
    let zero = Prices {
        charged: transaction.price.map(|price| nothing(price.currency)),
        dollars: Some(nothing(Currency::USD)),
    };
    if transaction.is_free {
        return zero;
    }
    let dollars = transaction
        .price_usd
        .map(|_| Money::new(event.revenue_usd_micros(), Currency::USD));
    let given_back = transaction.refunded.or(transaction.price);
    if event.kind.is_charge() {
        return Prices {
            charged: transaction.price,
            dollars: transaction.price_usd,
        };
    }
    if event.kind == EventKind::RefundReversed {
        return Prices {
            charged: given_back,
            dollars,
        };
    }
    if event.kind.is_refund() {
        return Prices {
            charged: given_back.map(minus),
            dollars,
        };
    }
    zero
}

/// A share as a decimal number of up to six digits, rounded half up; `None` where it is unknown or makes no sense.
pub(crate) fn share(part: Option<Money>, whole: Option<Money>) -> Option<Number> {
    let (part, whole) = (part?, whole?);
    if part.currency != whole.currency || whole.micros <= 0 || part.micros < 0 {
        return None;
    }
    let (part, whole) = (i128::from(part.micros), i128::from(whole.micros));
    let millionths = (part * 1_000_000 + whole / 2) / whole;
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let text = text.trim_end_matches('0');
    number(if text.ends_with('.') {
        format!("{text}0")
    } else {
        text.to_owned()
    })
}

pub(crate) fn commission(transaction: &TransactionRef) -> Option<Money> {
    let (price, proceeds) = (transaction.price?, transaction.proceeds?);
    price.checked_sub(proceeds).ok()
}
