//! What is known to differ from the truth today: one row for each kind, with the smallest life that shows it.
//!
//! A row goes when what it shows is mended; a difference that is in no row is a failure.

use super::way::Way;
use simulator::truth::{Beginning, Deed, Life, Market};

/// One kind of difference.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) market: Market,
    /// In which the life shows it.
    pub(super) way: Way,
    /// When it begins: what becomes of a message depends on when it is sent.
    begins: &'static str,
    pub(super) differs: &'static str,
    pub(super) beginning: Beginning,
    pub(super) has_grace: bool,
    pub(super) deeds: &'static [(Deed, u8)],
    /// The rule that it breaks, in the words of `docs/lifecycle.md` where there are any.
    #[expect(
        dead_code,
        reason = "for who reads the table, and for who is shown a row"
    )]
    pub(super) breaks: &'static str,
}

impl Known {
    /// Whether a difference is of this kind: what goes wrong when everything is told in order does so in any way.
    pub(super) fn covers(&self, market: Market, way: Way, differs: &str) -> bool {
        self.market == market
            && self.differs == differs
            && (self.way == way || self.way == Way::InOrder)
    }

    /// The life that shows it.
    pub(super) fn life(&self) -> Life {
        Life {
            market: self.market,
            begins: self.begins.parse().unwrap(),
            beginning: self.beginning,
            has_grace: self.has_grace,
            is_family_shared: false,
            deeds: self.deeds.to_vec(),
        }
    }
}

/// In order, it is the same whenever it begins.
const ANY: &str = "2026-01-02T00:00:00Z";

pub(super) static KNOWN: &[Known] = &[
    Known {
        market: Market::Stated,
        way: Way::InOrder,
        begins: ANY,
        differs: "no product_changed",
        beginning: Beginning::Full,
        has_grace: false,
        deeds: &[(Deed::Upgrade, 60)],
        breaks: "another product, in the middle of a paid period: product_changed, subscription_refunded, subscription_started",
    },
    Known {
        market: Market::Stated,
        way: Way::InOrder,
        begins: ANY,
        differs: "no subscription_refunded",
        beginning: Beginning::Full,
        has_grace: false,
        deeds: &[(Deed::Upgrade, 60)],
        breaks: "another product, in the middle of a paid period: product_changed, subscription_refunded, subscription_started; the old one is told to have expired, at an end that lies in the future",
    },
    Known {
        market: Market::Stated,
        way: Way::InOrder,
        begins: ANY,
        differs: "one subscription_expired too many",
        beginning: Beginning::Full,
        has_grace: false,
        deeds: &[(Deed::Upgrade, 60)],
        breaks: "another product, in the middle of a paid period: product_changed, subscription_refunded, subscription_started; the old one is told to have expired, at an end that lies in the future",
    },
    Known {
        market: Market::Stated,
        way: Way::InOrder,
        begins: ANY,
        differs: "no subscription_renewed",
        beginning: Beginning::Full,
        has_grace: false,
        deeds: &[(Deed::Refund, 88), (Deed::Return, 81)],
        breaks: "another product, after a lapse: product_changed, subscription_renewed; also after a refund",
    },
    Known {
        market: Market::Stated,
        way: Way::InOrder,
        begins: ANY,
        differs: "one subscription_started too many",
        beginning: Beginning::Full,
        has_grace: false,
        deeds: &[(Deed::Refund, 88), (Deed::Return, 81)],
        breaks: "another product, after a lapse: product_changed, subscription_renewed; also after a refund",
    },
];
