//! What happens on Google Play only. Source: Google, purchases.productsv2, `productLineItem` and `refundableQuantity`; "One-time purchases",
//! multi-quantity purchases; voided purchases, `refundType` 2.

use super::{
    HOUR, Walk,
    order::{Order, Part},
};
use crate::truth::{
    deed::PlayDeed,
    names::Paper,
    told::{Charge, Happened},
};

/// What is bought in one order, by product: how many pieces, and what each costs.
const PIECES: [(&str, u32, i64); 2] = [("coins", 2, 2_000_000), ("gems", 1, 4_000_000)];

impl Walk {
    pub(super) fn can_on_play(&self, deed: PlayDeed) -> bool {
        let has_room = self.room() > HOUR;
        match deed {
            PlayDeed::BuyOrder => has_room,
            // Who misses two of them hears of both as of one.
            PlayDeed::VoidPiece => {
                let order = self.order.as_ref().and_then(|order| order.parts.first());
                has_room && order.is_some_and(|part| part.given_back == 0)
            }
        }
    }

    pub(super) fn step_on_play(&mut self, deed: PlayDeed, share: u8) {
        self.pass(self.room(), share);
        match deed {
            PlayDeed::BuyOrder => self.buy_order(),
            PlayDeed::VoidPiece => self.void_piece(),
        }
    }

    fn buy_order(&mut self) {
        let once = self.charge(0, self.at, Paper::Once);
        let mut parts = Vec::new();
        for (product, quantity, each) in PIECES {
            let charge = Charge {
                product: product.to_owned(),
                micros: each * i64::from(quantity),
                until: None,
                ..once.clone()
            };
            let purchase = self.purchases;
            self.purchases += 1;
            self.tell_of(purchase, Happened::BoughtOnce(charge.clone()));
            parts.push(Part {
                purchase,
                charge,
                quantity,
                given_back: 0,
            });
        }
        let number = self.order.as_ref().map_or(0, |order| order.number + 1);
        self.order = Some(Order { number, parts });
    }

    fn void_piece(&mut self) {
        let Some(part) = self
            .order
            .as_mut()
            .and_then(|order| order.parts.first_mut())
        else {
            return;
        };
        part.given_back += 1;
        let (purchase, what) = (
            part.purchase,
            Happened::GaveBack {
                micros: part.each(),
                charge: part.charge.clone(),
                takes_access: false,
            },
        );
        self.tell_of(purchase, what);
    }
}
