//! What can be done in a life.

/// What a customer or a store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The store charges for the next period.
    Renew,
    /// The customer wants no next period.
    SwitchOff,
    /// The customer wants one after all.
    SwitchOn,
    /// The next period cannot be charged.
    Fail,
    /// The grace that the store gave is over.
    EndGrace,
    /// What could not be charged is paid.
    Recover,
    /// The store tries no longer.
    GiveUp,
    /// The last period ends.
    RunOut,
    /// The customer stops it, and it is over at once.
    StopNow,
    /// The customer buys again after the end.
    Return,
    /// The present period is refunded.
    Refund,
    /// A part of it is.
    RefundPart,
    /// An earlier one is.
    RefundEarlier,
    /// The refund is undone.
    Undo,
    /// It is, when the period that was taken back would have been over.
    UndoLate,
    /// That of an earlier period is.
    UndoEarlier,
    /// The customer takes the larger product at once.
    Upgrade,
    /// The customer chooses the smaller product for the next period.
    Plan,
    /// The customer stays with the larger one.
    Unplan,
    /// The customer asks for a pause from the end of the period on.
    AskPause,
    /// The pause begins.
    Pause,
    /// It ends, and the next period is charged.
    Resume,
    /// The end of the period moves.
    Move,
    /// The price will rise.
    Announce,
    /// The customer agrees to that.
    Accept,
    /// The customer does not, and the subscription ends with the period.
    Refuse,
    /// The price will rise, and nobody has to agree.
    Inform,
    /// Something is bought once.
    BuyOnce,
    /// What was bought once is refunded.
    RefundOnce,
    /// The present period ends now, and the next one is charged.
    StartAnew,
    /// Money is taken for more of it until the end of the period.
    TakeMore,
    /// A further product joins the subscription.
    AddOn,
    /// It is taken off at the renewal.
    DropAddOn,
    /// Something is bought that serves for a time.
    BuyPass,
    /// The customer asks the store for the money of the present period.
    AskRefund,
    /// The store says no.
    DeclineRefund,
    /// The customer takes an offer for the next period.
    Redeem,
    /// The customer buys again after the end, with an offer made for that.
    WinBack,
    /// One of the products of the subscription is refunded, and taken.
    RefundItem,
    /// The customer pays ahead for more time.
    TopUp,
    /// The store says once more how it stands, and leaves out what it has said before.
    Repeat,
    /// What happens in Stripe only.
    Stripe(StripeDeed),
    /// What happens on Google Play only.
    Play(PlayDeed),
}

/// What happens on Google Play only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayDeed {
    /// Two products are bought in one order, of one of them several pieces.
    BuyOrder,
    /// One of the pieces is given back.
    VoidPiece,
}

impl PlayDeed {
    /// All of them, each with how often it is tried.
    pub(super) const ALL: [(Self, u64); 2] = [(Self::BuyOrder, 3), (Self::VoidPiece, 6)];
}

/// What happens in Stripe only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeDeed {
    /// The bank takes back what was paid for the present period, until it is decided whose it is.
    Dispute,
    /// The seller ends what is disputed.
    EndDisputed,
    /// It is the seller's.
    WinDispute,
    /// It is the customer's.
    LoseDispute,
    /// The customer wants no pause after all.
    Unpause,
    /// It is paused at once.
    PauseNow,
    /// That is over, and a new period begins.
    ResumeNow,
    /// The next period begins and runs, and its invoice is not paid.
    LetRun,
    /// It is paid after all.
    PayLate,
    /// Less of it until the end of the period: what that is worth is taken off the next charge.
    TakeLess,
    /// A further product joins, and is charged with the next period.
    AddLater,
    /// The further product is taken off at once.
    TakeOff,
    /// Two products are bought in one session.
    BuyCart,
    /// Half of what they cost is given back.
    RefundCart,
}

impl StripeDeed {
    /// All of them, each with how often it is tried.
    pub(super) const ALL: [(Self, u64); 14] = [
        (Self::Dispute, 4),
        (Self::EndDisputed, 3),
        (Self::WinDispute, 4),
        (Self::LoseDispute, 4),
        (Self::Unpause, 8),
        (Self::PauseNow, 4),
        (Self::ResumeNow, 12),
        (Self::LetRun, 6),
        (Self::PayLate, 10),
        (Self::TakeLess, 4),
        (Self::AddLater, 5),
        (Self::TakeOff, 6),
        (Self::BuyCart, 3),
        (Self::RefundCart, 3),
    ];
}

impl Deed {
    /// All of them, each with how often it is tried.
    pub(super) const ALL: [(Self, u64); 41] = [
        (Self::Renew, 30),
        (Self::SwitchOff, 10),
        (Self::SwitchOn, 8),
        (Self::Fail, 10),
        (Self::EndGrace, 10),
        (Self::Recover, 12),
        (Self::GiveUp, 8),
        (Self::RunOut, 12),
        (Self::StopNow, 3),
        (Self::Return, 12),
        (Self::Refund, 4),
        (Self::RefundPart, 3),
        (Self::RefundEarlier, 3),
        (Self::Undo, 4),
        (Self::UndoLate, 4),
        (Self::UndoEarlier, 4),
        (Self::Upgrade, 6),
        (Self::Plan, 6),
        (Self::Unplan, 4),
        (Self::AskPause, 4),
        (Self::Pause, 12),
        (Self::Resume, 12),
        (Self::Move, 3),
        (Self::Announce, 3),
        (Self::Accept, 8),
        (Self::Refuse, 4),
        (Self::Inform, 2),
        (Self::BuyOnce, 3),
        (Self::RefundOnce, 2),
        (Self::StartAnew, 4),
        (Self::TakeMore, 4),
        (Self::AddOn, 5),
        (Self::DropAddOn, 4),
        (Self::BuyPass, 2),
        (Self::AskRefund, 3),
        (Self::DeclineRefund, 6),
        (Self::Redeem, 4),
        (Self::WinBack, 6),
        (Self::RefundItem, 4),
        (Self::TopUp, 20),
        (Self::Repeat, 3),
    ];
}
