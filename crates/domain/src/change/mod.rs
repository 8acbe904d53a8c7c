//! What happened between two states of one purchase chain.
//!
//! **How it works.** A `Step` holds both states with their transactions in order of purchase. Each family of rules is a
//! pure function from it to what it finds, in the order in which it must be told; [`changes`] asks them in turn. Charges and
//! refunds come from transactions and refunds that were not known before, everything else from the difference of the two
//! snapshots. A chain without a state before is asked about by `first_seen` alone, unless it is news.
//!
//! **What it does not do.** Nothing here is remembered or counted: that a thing is told once follows from its key, which is
//! a function of what happened. No rule knows a notification.
//!
//! # The rules
//!
//! Each is about one line of the purchase. In the order in which they are told, and in which the code has them. Every event carries
//! the name of its rule. *Period* is the transaction that the line stands on. The lifecycle that the rules spell out is that of `docs/lifecycle.md`.
//!
//! | rule | when | what is told |
//! |---|---|---|
//! | **charges** | *a transaction is new, or how it took over is seen anew* | |
//! | `product.changed_at_once` | another product, in the middle of a paid period | `product_changed` |
//! | `product.changed_after_lapse` | another product, after the old one had ended | `product_changed` |
//! | `refund.upgraded` | changed at once, and the old period was paid for | `subscription_refunded` (`upgraded`) of the old one |
//! | `expired.replaced` | changed at the renewal, and the old period was paid for | `subscription_expired` (`new_subscription_replace`) of the old one |
//! | `charge.one_time` | no subscription | `non_subscription_purchase` |
//! | `charge.first_is_free` | free, the first of the line | `trial_started` |
//! | `charge.free_renewal` | free, not the first | `subscription_renewed` |
//! | `charge.first_is_paid` | paid, the first of the line | `subscription_started` |
//! | `charge.first_paid_after_trial` | paid, after nothing but free ones | `trial_converted` |
//! | `charge.product_changed_at_once` | paid, changed at once | `subscription_started` |
//! | `charge.product_changed_at_renewal` | paid, changed at the renewal | `subscription_started` |
//! | `charge.resubscribed_with_another_product` | paid, changed after a lapse | `subscription_renewed` |
//! | `charge.renewed` | any other paid one | `subscription_renewed` |
//! | `charge.extra` | money that bought no period | `subscription_renewed` |
//! | **refunds** | *a refund, or its undoing, is new* | |
//! | `refund.reversed` | a newer copy no longer shows it | `refund_reversed` |
//! | `refund.revocation_date` | a copy of a transaction shows it | `*_refunded`, with its share of the price |
//! | `refund.stated` | it is a thing of its own | `*_refunded`, with its amount or pieces |
//! | `refund.undone` | that thing failed, or the dispute was won | `refund_reversed` |
//! | `refund.undone_alone` | the store undid one that nobody heard of | `refund_reversed`, of nothing |
//! | `refund.requested` | the store asks what speaks for or against one | `refund_requested`, once per deadline |
//! | `refund.declined` | the store declined one | `refund_declined` |
//! | **renewal** | *a subscription that is not paid for ahead* | |
//! | `renewal.switched_off` | renewing, or bought anew, then not, while it runs; or the store says that a cancellation ended it | `*_renewal_cancelled` |
//! | `renewal.switched_on` | not renewing, then renewing, in the same period or by a leg that took over before its end | `*_renewal_reactivated` |
//! | `product.changed_uncharged` | the product in effect is another, unplanned and in the same period | `product_changed` |
//! | `product.change_scheduled` | the product it will renew into appears or changes | `product_changed`, scheduled |
//! | `product.change_withdrawn` | that product goes, in the same period | `product_changed` back |
//! | **standing** | *not already so in the same period* | |
//! | `pause.asked_for` | a pause was asked for | `subscription_paused` |
//! | `pause.began` | it is paused, and nobody heard that it was asked for | `subscription_paused` |
//! | `billing.charge_failed` | unpaid, with access or without | `billing_issue_detected` |
//! | `billing.grace_began` | unpaid, with access | `entered_grace_period` |
//! | `expired.confirmed` | over, and no refund closes it | `*_expired`, with the reason |
//! | **terms** | *in the same period* | |
//! | `period.deferred` | on Google Play the end moved later: by the developer, as a new message says, or by more than a day | `subscription_deferred` |
//! | `period.extended` | elsewhere the end of a subscription moved later | `subscription_extended` |
//! | `price_increase.pending` | an increase awaits consent | `price_increase_pending` |
//! | `price_increase.accepted` | it was consented to, or needs no consent | `price_increase_accepted` |
//! | `trial.will_end` | the store says that the trial which runs is about to end | `trial_will_end`, once per end |
//!
//! In a free period `*` is `trial`, otherwise `subscription`; a refund of what is no subscription is a
//! `non_subscription_purchase_refunded`.
//!
//! Sources, as of November 2026: what kinds mean, and what a change of product tells, are those of Adapty's documentation,
//! *Webhook event types and fields* and *Event flows*, and RevenueCat's, *Event Types and Fields* and *Common Webhook
//! Flows*; what the facts mean is said by Apple's reference of App Store Server Notifications V2, Google's *Subscription
//! lifecycle* and Stripe's *How subscriptions work*. Every row of Apple's part is a test in `tests/apple_table.rs`;
//! `tests/rules.rs` holds this table against the code.

mod by_access;
mod charges;
mod first_seen;
mod joined;
mod refunds;
mod renewal;
mod standing;
mod step;
mod terms;

pub use by_access::ByAccess;
pub use step::{Change, State};

use crate::{ChainKey, Snapshot, Store, fact::Ownership};
use jiff::{SignedDuration, Timestamp};
use step::Step;

/// The families of rules, in the order in which what they find is told.
const FAMILIES: [fn(&Step<'_>) -> Vec<Change>; 5] = [
    charges::told,
    refunds::told,
    renewal::told,
    standing::told,
    terms::told,
];

/// What happened between two states of the chain `chain`, in the order in which it must be told: line by line, the base first.
/// Equal states give nothing.
///
/// Of a line that nothing was charged for yet beside others that were paid for, only money is told: it is no part of what
/// was sold.
///
/// A line without a state before is seen for the first time: unless it began within `window` of `heard_at`, or after the store had last spoken
/// of the purchase, only the one event that describes its present state is told, and everything else counts as told.
pub fn changes(
    chain: &ChainKey,
    before: Option<State<'_>>,
    after: State<'_>,
    heard_at: Timestamp,
    window: SignedDuration,
) -> Vec<Change> {
    if chain.store == Store::Promotional {
        return Vec::new();
    }
    let base = after.snapshot;
    let lines = base.lines();
    let told = lines
        .filter(|line| line.ownership != Ownership::FamilyShared)
        .flat_map(|snapshot| {
            let step = Step::between(chain, before, State { snapshot, ..after });
            let mut told = told(&step, (before, base), heard_at, window);
            let is_money = |change: &Change| change.kind.is_charge() || change.kind.is_refund();
            told.retain(|change| step.is_sold() || is_money(change));
            told
        });
    joined::with_the_base(told.collect(), &after.snapshot.line)
}

/// What a step is that has no event of its own, but only what it does to access: to somebody who is let in by a member of the family or was
/// given access by hand, and where a purchase that goes on gives no access. `None` where it is no such step.
pub fn by_access(
    chain: &ChainKey,
    before: Option<State<'_>>,
    after: State<'_>,
    heard_at: Timestamp,
    window: SignedDuration,
) -> Option<ByAccess> {
    if chain.store == Store::Promotional {
        return ByAccess::of_grant(before.map(|before| before.snapshot), after.snapshot);
    }
    if after.snapshot.ownership != Ownership::FamilyShared {
        let before = &before?.snapshot.standing;
        return ByAccess::of_standing(before, &after.snapshot.standing);
    }
    let told = told(
        &Step::between(chain, before, after),
        (before, after.snapshot),
        heard_at,
        window,
    );
    let had_ended = before.is_none_or(|before| before.snapshot.has_ended());
    let is_let_in = had_ended && after.snapshot.gives_access();
    told.iter()
        .rev()
        .find_map(|change| ByAccess::of_share(change.kind, is_let_in))
}

/// What a line tells of a purchase that was known as `purchase`, and of which `base` is the base now.
fn told(
    step: &Step<'_>,
    (purchase, base): (Option<State<'_>>, &Snapshot),
    heard_at: Timestamp,
    window: SignedDuration,
) -> Vec<Change> {
    let is_news = step.before.is_some()
        || first_seen::is_news(step, heard_at, window)
        || first_seen::is_added(step, purchase);
    if is_news {
        return FAMILIES.iter().flat_map(|family| family(step)).collect();
    }
    // A further line that ended before anybody listened says nothing of how a purchase stands that goes on.
    let is_history = purchase.is_none()
        && step.line != base.line
        && step.after.snapshot.has_ended()
        && !base.has_ended();
    let one = first_seen::told(step, heard_at, window).filter(|_| !is_history);
    // What the store asks or warns of is news on any chain.
    let notices = refunds::notices(step).into_iter();
    one.into_iter()
        .chain(notices)
        .chain(terms::trial_will_end(step))
        .collect()
}
