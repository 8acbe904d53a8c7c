//! What is sold in other ways than by the month: terms, items, offers, ahead.

use crate::{check, check_form};
use simulator::truth::{Beginning, Deed, Form, Market};

/// Apple, JWSRenewalInfoDecodedPayload, `commitmentInfo`; Google, `installmentDetails`: who cancels is charged to the end of the term.
#[test]
fn a_term_that_is_cancelled_is_charged_to_its_end() {
    let deeds = [Deed::SwitchOff];
    let mut told = vec![
        "subscription_started monthly 999",
        "subscription_renewal_cancelled monthly",
    ];
    told.extend(["subscription_renewed monthly 999"; 11]);
    told.push("subscription_expired monthly voluntarily_cancelled");
    for market in [Market::AppStore, Market::Play] {
        check_form(market, Form::Committed, &deeds, &told);
    }
}

/// Google, "Subscriptions with add-ons": each product is charged, and ends, by itself.
#[test]
fn what_is_bought_beside_is_told_beside() {
    use Deed::{DropAddOn, Renew, RunOut, SwitchOff};
    check_form(
        Market::Play,
        Form::Addon,
        &[Renew, DropAddOn, Renew, SwitchOff, RunOut],
        &[
            "subscription_started monthly 999",
            "subscription_started monthly 299",
            "subscription_renewed monthly 999",
            "subscription_renewed monthly 299",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
            "subscription_renewed monthly 999",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
        ],
    );
}

/// Apple, `expirationIntent` 3; Google, "Price changes": who does not agree is not charged again.
#[test]
fn who_refuses_a_price_leaves_for_it() {
    use Deed::{Announce, Inform, Refuse};
    let told = [
        "subscription_started monthly 999",
        "price_increase_pending monthly",
        "subscription_expired monthly price_increase",
    ];
    for market in [Market::AppStore, Market::Play] {
        check(market, Beginning::Full, &[Announce, Refuse], &told);
        let told = [told[0], "price_increase_accepted monthly"];
        check(market, Beginning::Full, &[Inform], &told);
    }
}

/// Apple, CONSUMPTION_REQUEST and REFUND_DECLINED: neither moves money.
#[test]
fn what_is_asked_for_is_told_and_what_is_declined() {
    let told = [
        "subscription_started monthly 999",
        "refund_requested monthly",
        "refund_declined monthly",
        "subscription_renewed monthly 999",
    ];
    let deeds = [Deed::AskRefund, Deed::DeclineRefund];
    check(Market::AppStore, Beginning::Full, &deeds, &told);
}

/// Apple, `offerType` 2 and 4: what is sold for less is a charge like any other, and a free period of somebody who has paid is no
/// trial that converts.
#[test]
fn what_is_sold_for_less_is_charged_for_less() {
    use Deed::{Redeem, Renew, RunOut, SwitchOff, WinBack};
    let deeds = [Redeem, Renew, Renew, SwitchOff, RunOut, WinBack, SwitchOff];
    let told = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 199",
        "subscription_renewed monthly 999",
        "subscription_renewal_cancelled monthly",
        "subscription_expired monthly voluntarily_cancelled",
        "subscription_renewed monthly 0",
        "trial_renewal_cancelled monthly",
    ];
    check(Market::AppStore, Beginning::Full, &deeds, &told);
}

/// Google, "Prepaid plans": time is added, and nothing renews.
#[test]
fn what_is_paid_ahead_is_topped_up() {
    let deeds = [Deed::TopUp];
    let told = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 999",
        "subscription_expired monthly",
    ];
    check_form(Market::Play, Form::Prepaid, &deeds, &told);
}

/// Apple, "Advanced Commerce API": items join and leave at the renewal, and one may be given back alone.
#[test]
fn items_come_and_go_by_themselves() {
    use Deed::{AddOn, DropAddOn, RefundItem, Renew, RunOut, SwitchOff, SwitchOn};
    let mut told = vec![
        "subscription_started gold 999",
        "subscription_renewed gold 999",
        "subscription_started hd 299",
        "subscription_renewal_cancelled hd",
        "subscription_expired hd voluntarily_cancelled",
        "subscription_renewed gold 999",
        "subscription_renewal_cancelled gold",
        "subscription_expired gold voluntarily_cancelled",
    ];
    let deeds = [AddOn, Renew, DropAddOn, Renew, SwitchOff, RunOut];
    check_form(Market::AppStore, Form::Item, &deeds, &told);
    told.truncate(3);
    told.extend([
        "subscription_renewal_cancelled gold",
        "subscription_renewal_cancelled hd",
        "subscription_renewal_reactivated gold",
        "subscription_renewal_reactivated hd",
        "subscription_refunded hd 299 refund",
        "subscription_renewed gold 999",
        "subscription_renewal_cancelled gold",
        "subscription_expired gold voluntarily_cancelled",
    ]);
    // Nothing is given back of a period that has not begun.
    let deeds = [
        AddOn, Renew, SwitchOff, SwitchOn, RefundItem, Renew, SwitchOff, RunOut,
    ];
    check_form(Market::AppStore, Form::Item, &deeds, &told);
}
