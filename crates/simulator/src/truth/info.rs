//! What client SDKs read of a subscription beside access. Source: RevenueCat, "CustomerInfo" (`unsubscribeDetectedAt`: null again when
//! renewal is switched on; `billingIssueDetectedAt`: null again when it is paid; `refundedAt`), read in November 2026.

use super::told::{Happened, History, How};
use jiff::Timestamp;

/// How a subscription stands, as far as clients ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// The product that was charged for last.
    pub product: String,
    /// Since when no other period will follow, as far as anybody knows.
    pub off_since: Option<Timestamp>,
    /// Since when the next period could not be charged, while the store tries.
    pub unpaid_since: Option<Timestamp>,
    /// When what was paid for the present period was given back, and the period was taken with it.
    pub refunded_at: Option<Timestamp>,
    /// It is over.
    pub has_ended: bool,
}

impl History {
    /// Of the purchase of a subscription that was charged for last, how it stands at `now`; `None` where nothing was charged.
    pub fn info(&self, now: Timestamp) -> Option<Info> {
        let so_far = || self.told.iter().filter(|told| told.at <= now);
        let is_charge =
            |what: &Happened| matches!(what, Happened::Charged(..) | Happened::RanOn(..));
        let purchase = so_far().rfind(|told| is_charge(&told.what))?;
        let purchase = purchase.purchase;
        let mut info = Info::default();
        let mut last = None;
        for told in so_far().filter(|told| told.purchase == purchase) {
            match &told.what {
                Happened::Charged(charge, how) => {
                    // A term that will not be followed by another is charged to its end.
                    let off_since = info.off_since.filter(|_| *how == How::Renewed);
                    let product = charge.product.clone();
                    info = Info {
                        product,
                        off_since,
                        ..Info::default()
                    };
                    last = Some(charge.id.as_str());
                }
                Happened::SwitchedOff => info.off_since = Some(told.at),
                Happened::SwitchedOn => info.off_since = None,
                Happened::ChargeFailed { .. } => {
                    info.unpaid_since = info.unpaid_since.or(Some(told.at));
                }
                Happened::GaveBack {
                    charge,
                    takes_access: true,
                    ..
                } if last == Some(charge.id.as_str()) => info.refunded_at = Some(told.at),
                Happened::TookAgain(charge) if last == Some(charge.id.as_str()) => {
                    info.refunded_at = None;
                }
                Happened::Ended(_)
                | Happened::HadEnded(..)
                | Happened::Paused
                | Happened::PauseBegan
                | Happened::SharingEnded => {
                    (info.has_ended, info.unpaid_since) = (true, None);
                }
                _ => {}
            }
        }
        Some(info)
    }
}
