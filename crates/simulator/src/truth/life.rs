//! A life: where it is lived, how it begins, and what is done in it.

use super::deed::Deed;
use jiff::Timestamp;

/// A store in which lives are lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Market {
    /// The App Store.
    AppStore,
    /// Google Play.
    Play,
    /// Stripe.
    Stripe,
    /// Any other, whose purchases are stated.
    Stated,
}

impl Market {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AppStore, Self::Play, Self::Stripe, Self::Stated];
}

/// What the first period costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Nothing.
    Trial,
    /// Less than later ones.
    Intro,
    /// What later ones cost.
    Full,
}

/// What a purchase is, where it is no ordinary subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is one.
    Plain,
    /// Somebody in the family pays.
    Family,
    /// A year that is paid by the month: who cancels is charged to its end.
    Committed,
    /// Two products in one purchase.
    Addon,
    /// One product in a purchase that may hold several.
    Item,
    /// It is paid for ahead, and renews never.
    Prepaid,
    /// It names nobody; what the same store account buys later does.
    Nameless,
    /// A trial with a fee beside it.
    SetUp,
    /// Its first invoice is sent to the customer, who pays it some time later.
    Invoiced,
    /// Besides, what is used is counted, and charged afterwards.
    Metered,
}

/// A life, as it is written before it is lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where.
    pub market: Market,
    /// When the customer comes.
    pub begins: Timestamp,
    /// How.
    pub beginning: Beginning,
    /// The store lets customers go on for a while whose charge failed.
    pub has_grace: bool,
    /// What kind of purchase it is; an ordinary one where the store, or the beginning, has no such.
    pub form: Form,
    /// What is done, and when: how many hundredths of the time there is for it have passed.
    pub deeds: Vec<(Deed, u8)>,
}

impl Life {
    /// What kind of purchase it is.
    pub(super) const fn form(&self) -> Form {
        let is_full = matches!(self.beginning, Beginning::Full);
        let is_there = match (self.form, self.market) {
            (Form::Plain, _) | (Form::Family | Form::Nameless, Market::AppStore) => true,
            (Form::Item, Market::AppStore)
            | (Form::Prepaid, Market::Play)
            | (Form::Committed, Market::AppStore | Market::Play)
            | (Form::Addon, Market::AppStore | Market::Play | Market::Stripe)
            | (Form::Invoiced, Market::Stripe) => is_full,
            (Form::Metered, Market::Stripe) => !matches!(self.beginning, Beginning::Intro),
            (Form::SetUp, Market::Stripe) => matches!(self.beginning, Beginning::Trial),
            _ => false,
        };
        if is_there { self.form } else { Form::Plain }
    }
}
