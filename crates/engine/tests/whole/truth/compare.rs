//! What was heard of a customer beside what truly happened.

use domain::{CancellationReason, Currency, Event, EventKind, Money, event::TransactionRef};
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Expected, Lasting, Purse, When, Worth};
use std::collections::BTreeSet;

/// How long after the store shows something it is heard, when nothing is in the way.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(15);

/// Something that a store said about a purchase.
#[derive(Clone, Copy)]
pub(super) struct Hearing {
    pub(super) purchase: usize,
    /// When it was so.
    pub(super) as_of: Timestamp,
    /// When it came. What comes behind newer messages may come behind an answer as well: a store that was asked at the end of
    /// a period knows better than what it said before.
    pub(super) came_at: Timestamp,
}

impl Hearing {
    fn is_within(&self, from: Timestamp, until: Option<Timestamp>) -> bool {
        let before = |at| until.is_none_or(|until| at < until);
        from <= self.as_of && before(self.as_of) && before(self.came_at)
    }
}

/// How much of it can be asked for.
pub(super) struct Measure<'a> {
    /// What the customer pays with.
    pub(super) purse: Purse,
    /// Nobody can be asked what came before what is heard first.
    pub(super) knows_no_past: bool,
    /// Everything was heard when it was said.
    pub(super) is_whole: bool,
    /// When the store was heard.
    pub(super) heard: &'a [Hearing],
}

impl Measure<'_> {
    /// Whether the event cannot have been missed: the store was heard while it showed it, or since it keeps it in its records.
    fn asks_for(&self, expected: &Expected) -> bool {
        let (from, until) = match expected.lasting {
            Lasting::Recorded(from) => (from, None),
            Lasting::While(from, until) => (from, until),
            Lasting::Perhaps => return false,
        };
        let mut of_this = self
            .heard
            .iter()
            .filter(|heard| heard.purchase == expected.purchase);
        let heard_in = |from, until| of_this.clone().any(|heard| heard.is_within(from, until));
        let knows_before = expected.undoes.is_none_or(|undone| {
            let never_knew = expected
                .again_since
                .is_some_and(|since| !heard_in(since, Some(undone)));
            never_knew || heard_in(undone, Some(from))
        });
        let is_told = self.is_whole && !expected.is_unsaid;
        is_told || (knows_before && of_this.any(|heard| heard.is_within(from, until)))
    }

    fn agrees(&self, when: When, at: Timestamp) -> bool {
        match when {
            When::At(then) => then == at,
            When::Shown(since) => {
                since <= at && (!self.is_whole || since.duration_until(at) <= AT_ONCE)
            }
        }
    }
}

/// An event, as far as it is compared.
struct Heard {
    /// It undoes a refund of which nothing had been heard.
    is_alone: bool,
    kind: &'static str,
    product: String,
    micros: Option<i64>,
    /// What the charge that it is about comes to, where it says what that cost.
    worth: Option<Worth>,
    /// In which currency that was.
    currency: Option<Currency>,
    reason: Option<&'static str>,
    at: Timestamp,
}

/// What an event says that a charge comes to.
fn worth(told: &TransactionRef) -> Option<Worth> {
    let micros = |money: Option<Money>| money.map(|money| money.micros);
    Some(Worth {
        usd: told.price_usd?.micros,
        tax: micros(told.tax),
        tax_usd: micros(told.tax_usd),
        proceeds: micros(told.proceeds),
        proceeds_usd: micros(told.proceeds_usd),
        net: micros(told.net),
        net_usd: micros(told.net_usd),
    })
}

impl Heard {
    fn of(event: &Event) -> Option<Self> {
        let is_told = !matches!(
            event.kind,
            EventKind::AccessLevelUpdated | EventKind::TrialActive | EventKind::SubscriptionActive
        );
        let transaction = event.transaction.as_ref();
        let is_given_back = event.kind.is_refund() || event.kind == EventKind::RefundReversed;
        let money = if is_given_back {
            transaction.and_then(|transaction| transaction.refunded.or(transaction.price))
        } else {
            transaction.and_then(|transaction| transaction.price)
        };
        is_told.then(|| Self {
            is_alone: event.cause.rule == "refund.undone_alone",
            kind: event.kind.id(),
            product: event.product.clone().unwrap_or_default(),
            micros: money.map(|money| money.micros),
            worth: transaction.and_then(worth),
            currency: money.map(|money| money.currency),
            reason: event.cancellation_reason.map(CancellationReason::id),
            at: event.occurred_at,
        })
    }

    /// Whether it is the undoing of a refund that had not been heard of, because it overtook it: it gives nothing back, and once
    /// the refund is heard of it is undone once more, with what that gave back. Where everything is heard in order, there is none.
    fn overtook(&self, expected: &[Expected], measure: &Measure<'_>) -> bool {
        let undoes = |expected: &Expected| {
            expected.kind == self.kind
                && expected.product == self.product
                && measure.agrees(expected.when, self.at)
        };
        !measure.is_whole && self.micros.unwrap_or(0) == 0 && expected.iter().any(undoes)
    }

    /// What of the charge comes to something else than it is worth.
    fn is_worth_else(&self, expected: &Expected, purse: &Purse) -> Option<&'static str> {
        let (micros, at) = expected.charge.filter(|_| {
            let kind = self.kind;
            is_charge(kind) || kind.ends_with("_refunded") || kind == "refund_reversed"
        })?;
        if self
            .currency
            .is_some_and(|told| told.code() != purse.currency)
        {
            return Some("currency");
        }
        let is_subscription = !self.kind.starts_with("non_subscription");
        let truly = purse.worth(micros, at, is_subscription);
        let Some(told) = self.worth else {
            return Some("dollars");
        };
        [
            (told.usd != truly.usd, "dollars"),
            (
                (told.tax, told.tax_usd) != (truly.tax, truly.tax_usd),
                "tax",
            ),
            (
                (told.proceeds, told.proceeds_usd) != (truly.proceeds, truly.proceeds_usd),
                "proceeds",
            ),
            (
                (told.net, told.net_usd) != (truly.net, truly.net_usd),
                "proceeds without tax",
            ),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }

    /// What is not as expected; `None` when it is about something else.
    fn differs(&self, expected: &Expected, measure: &Measure<'_>) -> Option<Vec<String>> {
        if self.kind != expected.kind {
            return None;
        }
        let mut differences = Vec::new();
        if self.product != expected.product {
            differences.push(format!("product of {}", self.kind));
        }
        let may_be_unknown = expected.is_said_poorly && !measure.is_whole && self.micros.is_none();
        if expected.micros.is_some() && expected.micros != self.micros && !may_be_unknown {
            differences.push(format!("amount of {}", self.kind));
        }
        if let Some(what) = self.is_worth_else(expected, &measure.purse)
            && (measure.is_whole || !expected.is_said_poorly)
        {
            differences.push(format!("{what} of {}", self.kind));
        }
        if expected.reason.is_some() && expected.reason != self.reason {
            differences.push(format!(
                "reason of {}: {} for {}",
                self.kind,
                self.reason.unwrap_or("none"),
                expected.reason.unwrap_or("none")
            ));
        }
        if !measure.agrees(expected.when, self.at) {
            differences.push(format!("time of {}", self.kind));
        }
        Some(differences)
    }
}

/// Whether a kind of event is money that came in.
fn is_charge(kind: &str) -> bool {
    matches!(
        kind,
        "subscription_started"
            | "trial_started"
            | "trial_converted"
            | "subscription_renewed"
            | "non_subscription_purchase"
    )
}

/// Leaves out what was heard of another product, or of the first price, before what it took over from was heard of: it is a renewal to who
/// hears of it then, and nothing was taken over.
fn misname(open: &mut Vec<&Expected>, heard: &mut Vec<Heard>) {
    let begins =
        |expected: &Expected| matches!(expected.kind, "subscription_started" | "trial_converted");
    let mut since = BTreeSet::new();
    for expected in open.iter().filter(|expected| begins(expected)) {
        let is_it = |heard: &Heard| {
            let is_same = (expected.when, expected.micros) == (When::At(heard.at), heard.micros);
            heard.kind == "subscription_renewed" && heard.product == expected.product && is_same
        };
        if let Some(index) = heard.iter().position(is_it) {
            since.insert(heard.remove(index).at);
        }
    }
    let is_of_it = |expected: &Expected| match expected.when {
        When::At(at) => since.contains(&at),
        When::Shown(_) => false,
    };
    let took_over = |expected: &Expected| {
        expected.kind == "product_changed"
            || matches!(
                expected.reason,
                Some("upgraded" | "new_subscription_replace")
            )
    };
    open.retain(|expected| !(is_of_it(expected) && (begins(expected) || took_over(expected))));
}

/// Kinds of differences between events and the truth: what is missing, what is too much, what is told wrongly.
pub(super) fn differences(
    expected: &[Expected],
    events: &[Event],
    measure: &Measure<'_>,
) -> BTreeSet<String> {
    let heard = events.iter().filter_map(Heard::of);
    let (alone, mut heard): (Vec<_>, Vec<_>) = heard.partition(|heard| heard.is_alone);
    // The last one first: what a store shows without a date agrees with whatever is heard later, and the same may happen again.
    let mut open: Vec<_> = expected.iter().rev().collect();
    // What only may be told takes nothing from what has to be.
    open.sort_by_key(|expected| expected.lasting == Lasting::Perhaps);
    let mut ended = BTreeSet::new();
    open.retain(|expected| {
        let is_it = |heard: &Heard| {
            let differs = heard.differs(expected, measure);
            differs.is_some_and(|differs| differs.is_empty())
        };
        let found = heard.iter().position(is_it);
        let is_perhaps = expected.lasting == Lasting::Perhaps;
        if found.is_some() && is_perhaps && expected.kind.ends_with("_expired") {
            ended.insert(expected.of.as_str());
        }
        found.map(|index| heard.remove(index)).is_none()
    });
    // A period ends once: who was told of an end that was none, because what took over was not heard of, hears of no second one.
    open.retain(|expected| {
        !(expected.kind.ends_with("_expired") && ended.contains(expected.of.as_str()))
    });
    if measure.knows_no_past {
        misname(&mut open, &mut heard);
    }
    let mut kinds = BTreeSet::new();
    for expected in open {
        let nearest = heard
            .iter()
            .enumerate()
            .filter_map(|(index, heard)| Some((heard.differs(expected, measure)?, index)))
            .min_by_key(|(differs, _)| differs.len());
        match nearest {
            Some((differs, index)) => {
                heard.remove(index);
                kinds.extend(differs);
            }
            None if measure.asks_for(expected) => {
                kinds.insert(format!("no {}", expected.kind));
            }
            None => {}
        }
    }
    let unexplained = |heard: &&Heard| !heard.overtook(expected, measure);
    let too_many = heard.iter().chain(alone.iter().filter(unexplained));
    kinds.extend(too_many.map(|heard| format!("one {} too many", heard.kind)));
    let undone = expected
        .iter()
        .filter(|expected| expected.kind == "refund_reversed");
    if alone.len() > undone.count() {
        kinds.insert("a refund undone more than once before it was heard of".to_owned());
    }
    kinds
}
