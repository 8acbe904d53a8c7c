//! Amounts and offers, as they are shown.

use domain::{
    Currency, Money,
    fact::{Discount, Offer, OfferCategory},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An amount in one currency.
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyView {
    /// Millionths of the currency unit.
    micros: i64,
    /// Its currency.
    currency: Currency,
}

impl From<Money> for MoneyView {
    fn from(Money { micros, currency }: Money) -> Self {
        Self { micros, currency }
    }
}

/// An offer applied to a transaction.
#[derive(Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferView {
    /// Its category; `None` when the store names one we do not know.
    category: Option<OfferCategory>,
    /// How it is paid; `None` when the store did not say.
    discount: Option<Discount>,
    /// The store's offer id; introductory offers have none.
    id: Option<String>,
}

impl From<Offer> for OfferView {
    fn from(offer: Offer) -> Self {
        Self {
            category: offer.category,
            discount: offer.discount,
            id: offer.id,
        }
    }
}
