//! Orders of several products that are bought once. Sources: Google, purchases.productsv2, orders, purchases.voidedpurchases.

use super::Play;
use crate::{
    play::time,
    truth::{
        act::{Act, Change, Word},
        deed::PlayDeed,
        walk::{Part, Walk},
    },
};
use serde_json::{Value, json};

impl Play {
    /// It is bought, or a piece of it is given back.
    pub(super) fn order_of_several(&self, walk: &Walk, deed: PlayDeed) -> Vec<Act> {
        let Some(order) = &walk.order else {
            return Vec::new();
        };
        let (Some(first), Some(last)) = (order.parts.first(), order.parts.last()) else {
            return Vec::new();
        };
        let token = format!("{}-order-{}", self.who, order.number);
        let id = first.charge.id.clone();
        let shown = Change::PlayProduct {
            token: token.clone(),
            body: self.purchase(&order.parts),
        };
        let (paper, word) = match deed {
            PlayDeed::BuyOrder => {
                let word = Word::PlayProduct {
                    kind: 1,
                    token,
                    sku: first.charge.product.clone(),
                };
                (vec![Change::PlayOrder(self.paid(walk, &order.parts))], word)
            }
            PlayDeed::VoidPiece => {
                let (order, at) = (id, walk.now());
                let refund = Change::PlayRefund {
                    order: order.clone(),
                    at,
                    micros: first.each(),
                    currency: walk.purse.currency,
                    is_whole: false,
                };
                (vec![refund], Word::PlayVoidedPieces { token, order })
            }
        };
        vec![Act {
            at: walk.now(),
            purchase: first.purchase,
            beside: Some(last.purchase),
            changes: paper.into_iter().chain([shown]).collect(),
            says: vec![word],
        }]
    }

    /// How the API shows the purchase; half of all customers see it the other way round.
    fn purchase(&self, parts: &[Part]) -> Value {
        let first = &parts[0].charge;
        json!({
            "productLineItem": self.listed(parts, |part| json!({
                "productId": part.charge.product, "productOfferDetails": {
                    "quantity": part.quantity, "refundableQuantity": part.quantity - part.given_back,
                    "consumptionState": "CONSUMPTION_STATE_YET_TO_BE_CONSUMED",
                },
            })),
            "purchaseStateContext": { "purchaseState": "PURCHASED" }, "testPurchaseContext": { "fopType": "TEST" },
            "orderId": first.id, "obfuscatedExternalAccountId": self.who, "regionCode": "US",
            "purchaseCompletionTime": time(first.from), "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        })
    }

    fn paid(&self, walk: &Walk, parts: &[Part]) -> Value {
        let first = &parts[0].charge;
        let all: Vec<i64> = parts.iter().map(|part| part.charge.micros).collect();
        let (total, tax) = walk.purse.order_of(&all);
        json!({
            "orderId": first.id, "state": "PROCESSED", "createTime": time(first.from), "total": total, "tax": tax,
            "lineItems": self.listed(parts, |part| {
                let (total, tax) = walk.purse.order(part.charge.micros);
                json!({ "productId": part.charge.product, "total": total, "tax": tax })
            }),
        })
    }

    fn listed(&self, parts: &[Part], shown: impl Fn(&Part) -> Value) -> Vec<Value> {
        let mut all: Vec<_> = parts.iter().map(shown).collect();
        if self.who.len().is_multiple_of(2) {
            all.reverse();
        }
        all
    }
}
