//! How the stores go about subscriptions. Sources: as in the file of each store.

use super::{deed::Deed, life::Market};

const DAY: i64 = 86_400;
/// Between a new period of Stripe and the payment of its invoice.
pub(super) const STRIPE_PAYS_AFTER: i64 = 3_600;

/// How a store goes about subscriptions.
pub(super) struct Habits {
    /// The smaller and the larger product, and the smallest.
    pub(super) products: [&'static str; 3],
    /// What is bought once.
    pub(super) once: &'static str,
    /// What is bought for a time.
    pub(super) pass: &'static str,
    /// What can be bought beside them.
    pub(super) addon: &'static str,
    /// What is counted and charged afterwards, where something is.
    pub(super) usage: &'static str,
    /// What is bought in one session, where that sells several.
    pub(super) cart: &'static [&'static str],
    /// Which of the products is chosen for the next period by whom has the larger; whom has another chooses the smallest.
    pub(super) planned: usize,
    /// What is chosen so is another purchase, which takes over from the present one.
    pub(super) plan_is_bought: bool,
    /// What happens in no life of this store.
    pub(super) never: &'static [Deed],
    /// Who comes back after the end goes on with the same purchase.
    pub(super) same_on_return: bool,
    /// A refund of the present period takes what was bought: a whole one, one of a part.
    pub(super) refund_takes: bool,
    pub(super) part_takes: bool,
    /// What a part is a multiple of, in millionths.
    pub(super) part_of: i64,
    /// How long before the end of a period the next one may be charged, in seconds.
    pub(super) early: i64,
    /// How long after its beginning it is, in seconds.
    pub(super) paid_after: i64,
    /// How long after the end of the last period the store says so, in seconds.
    pub(super) says_end_after: i64,
    /// Grace, in seconds.
    pub(super) grace: i64,
    /// How long the store tries to charge, in seconds: what a customer may leave, and charges of a term.
    pub(super) tries: i64,
    pub(super) tries_committed: i64,
    /// What is paid late keeps the dates it would have had.
    pub(super) keeps_dates: bool,
    /// Choosing another product for the next period switches renewal on.
    pub(super) plan_switches_on: bool,
    /// Another product at once ends a trial.
    pub(super) upgrade_of_trial: bool,
    /// What is left of the old period is taken off the price of the new one.
    pub(super) credits: bool,
    /// A further product joins at the renewal, and of a purchase that may hold several alone.
    pub(super) joins_at_renewal: bool,
}

impl Market {
    /// How it goes about subscriptions.
    pub(super) const fn habits(self) -> &'static Habits {
        match self {
            Self::AppStore => &APP_STORE,
            Self::Play => &PLAY,
            Self::Stripe => &STRIPE,
            Self::Stated => &STATED,
        }
    }
}

static APP_STORE: Habits = Habits {
    products: [
        "com.example.monthly",
        "com.example.yearly",
        "com.example.light",
    ],
    once: "unmapped",
    pass: "pass",
    addon: "hd",
    usage: "",
    cart: &[],
    planned: 0,
    plan_is_bought: false,
    never: &[
        Deed::TopUp,
        Deed::StartAnew,
        Deed::TakeMore,
        Deed::AskPause,
        Deed::Pause,
        Deed::Resume,
        Deed::StopNow,
    ],
    same_on_return: true,
    refund_takes: true,
    part_takes: true,
    part_of: 1,
    early: DAY / 2,
    paid_after: 0,
    says_end_after: 600,
    grace: 16 * DAY,
    tries: 60 * DAY,
    tries_committed: 90 * DAY,
    keeps_dates: false,
    plan_switches_on: true,
    upgrade_of_trial: true,
    credits: false,
    joins_at_renewal: true,
};

static PLAY: Habits = Habits {
    products: ["gold:monthly", "gold:yearly", "silver:monthly"],
    once: "unmapped",
    pass: "pass",
    addon: "hd:monthly",
    usage: "",
    cart: &[],
    planned: 2,
    plan_is_bought: true,
    never: &[
        Deed::DeclineRefund,
        Deed::Redeem,
        Deed::WinBack,
        Deed::RefundItem,
        Deed::StartAnew,
        Deed::TakeMore,
        Deed::Unplan,
        Deed::Undo,
        Deed::UndoLate,
        Deed::UndoEarlier,
        Deed::StopNow,
    ],
    same_on_return: false,
    refund_takes: true,
    part_takes: false,
    part_of: 10_000,
    early: 0,
    paid_after: 0,
    says_end_after: 30,
    grace: 7 * DAY,
    tries: 30 * DAY,
    tries_committed: 30 * DAY,
    keeps_dates: false,
    plan_switches_on: false,
    upgrade_of_trial: true,
    credits: false,
    joins_at_renewal: false,
};

static STRIPE: Habits = Habits {
    products: [
        "prod_gold:price_monthly",
        "prod_gold:price_yearly",
        "prod_gold:price_light",
    ],
    once: "prod_coins:price_coins",
    pass: "pass:price_pass",
    addon: "prod_hd:price_hd",
    usage: "prod_hd:price_calls",
    cart: &["prod_coins:price_coins", "prod_gems:price_gems"],
    planned: 0,
    plan_is_bought: false,
    never: &[
        Deed::UndoLate,
        Deed::Refuse,
        Deed::Inform,
        Deed::AskRefund,
        Deed::DeclineRefund,
        Deed::Redeem,
        Deed::WinBack,
        Deed::RefundItem,
        Deed::TopUp,
        Deed::Repeat,
        Deed::DropAddOn,
        Deed::EndGrace,
        Deed::Move,
        Deed::Announce,
        Deed::Accept,
    ],
    same_on_return: false,
    refund_takes: false,
    part_takes: false,
    part_of: 10_000,
    early: 0,
    paid_after: STRIPE_PAYS_AFTER,
    says_end_after: 0,
    grace: 0,
    tries: 21 * DAY,
    tries_committed: 21 * DAY,
    keeps_dates: true,
    plan_switches_on: false,
    upgrade_of_trial: false,
    credits: true,
    joins_at_renewal: false,
};

static STATED: Habits = Habits {
    products: ["monthly", "yearly", "unmapped"],
    once: "unmapped",
    pass: "pass",
    addon: "hd",
    usage: "",
    cart: &[],
    planned: 0,
    plan_is_bought: false,
    never: &[
        Deed::Refuse,
        Deed::Inform,
        Deed::AskRefund,
        Deed::DeclineRefund,
        Deed::Redeem,
        Deed::WinBack,
        Deed::RefundItem,
        Deed::TopUp,
        Deed::Repeat,
        Deed::AddOn,
        Deed::DropAddOn,
        Deed::StartAnew,
        Deed::TakeMore,
        Deed::Plan,
        Deed::Unplan,
        Deed::Undo,
        Deed::UndoLate,
        Deed::UndoEarlier,
        Deed::RefundPart,
        Deed::Announce,
        Deed::Accept,
        Deed::AskPause,
        Deed::Pause,
        Deed::Resume,
        Deed::RefundOnce,
    ],
    same_on_return: true,
    refund_takes: true,
    part_takes: false,
    part_of: 10_000,
    early: 0,
    paid_after: 0,
    says_end_after: 0,
    grace: 7 * DAY,
    tries: 21 * DAY,
    tries_committed: 21 * DAY,
    keeps_dates: false,
    plan_switches_on: false,
    upgrade_of_trial: true,
    credits: false,
    joins_at_renewal: false,
};
