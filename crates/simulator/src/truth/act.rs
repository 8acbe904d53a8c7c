//! What a store does at one instant: what its API shows from then on, and what it sends.

use crate::{
    lives::{Channel, Message},
    stores::Stores,
};
use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One thing a store does.
#[derive(Debug, Clone)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// About which of the customer's purchases.
    pub purchase: usize,
    /// And about which further product of it.
    pub beside: Option<usize>,
    /// What its API shows from then on.
    pub changes: Vec<Change>,
    /// What it sends, in its order.
    pub says: Vec<Word>,
}

impl Act {
    /// About which purchases.
    pub fn about(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(self.purchase).chain(self.beside)
    }

    /// Makes it so.
    pub fn happen(&self, stores: &Stores) {
        for change in &self.changes {
            change.apply(stores);
        }
    }
}

/// A change of what a store's API shows.
#[derive(Debug, Clone)]
pub enum Change {
    /// A transaction of the App Store, with how its subscription stands.
    Apple {
        /// The transaction.
        transaction: Value,
        /// Renewal information and status.
        stands: Option<(Value, u8)>,
    },
    /// A subscription of Google Play.
    PlaySubscription {
        /// Its purchase token.
        token: String,
        /// What the API answers.
        body: Value,
    },
    /// Another token took over.
    PlayReplaced {
        /// The token.
        token: String,
        /// When.
        at: Timestamp,
    },
    /// An order of Google Play.
    PlayOrder(Value),
    /// What was given back of an order.
    PlayRefund {
        /// The order.
        order: String,
        /// When.
        at: Timestamp,
        /// How much, in millionths of a currency.
        micros: i64,
        /// Which.
        currency: &'static str,
        /// That is all of it.
        is_whole: bool,
    },
    /// A one-time purchase of Google Play.
    PlayProduct {
        /// Its purchase token.
        token: String,
        /// What the API answers.
        body: Value,
    },
    /// An object of Stripe, by its collection.
    Stripe(&'static str, Value),
}

impl Change {
    fn apply(&self, stores: &Stores) {
        match self {
            Self::Apple {
                transaction,
                stands,
            } => {
                let (renewal, status) = stands.clone().unzip();
                let api = &stores.apple.api;
                api.record(transaction, renewal.as_ref(), status.unwrap_or(1));
            }
            Self::PlaySubscription { token, body } => {
                stores.play.api.put_subscription(token, body.clone());
            }
            Self::PlayReplaced { token, at } => stores.play.api.replaced(token, *at),
            Self::PlayOrder(order) => stores.play.api.put_order(order.clone()),
            Self::PlayRefund {
                order,
                at,
                micros,
                currency,
                is_whole,
            } => {
                let play = &stores.play.api;
                play.give_back_in(currency, order, *micros, *is_whole, *at);
            }
            Self::PlayProduct { token, body } => {
                stores.play.api.put_product(token, body.clone());
            }
            Self::Stripe(collection, object) => {
                stores.stripe.api.put(collection, object.clone());
            }
        }
    }
}

/// Something a store sends.
#[derive(Debug, Clone)]
pub enum Word {
    /// A notification of the App Store.
    Apple {
        /// Its type.
        kind: &'static str,
        /// Its subtype.
        subtype: Option<&'static str>,
        /// Its id.
        uuid: String,
        /// What it is about.
        transaction: Value,
        /// Renewal information and status.
        stands: Option<(Value, u8)>,
    },
    /// Google says that something changed about a subscription.
    Play {
        /// What kind of thing.
        kind: u8,
        /// Its purchase token.
        token: String,
    },
    /// The same of a one-time purchase.
    PlayProduct {
        /// What kind of thing.
        kind: u8,
        /// Its purchase token.
        token: String,
        /// Its product.
        sku: String,
    },
    /// Google says that an order was voided.
    PlayVoided {
        /// The purchase token.
        token: String,
        /// The order.
        order: String,
        /// 1 for subscriptions, 2 for what is bought once.
        product_type: u8,
    },
    /// Google says that pieces of an order were voided.
    PlayVoidedPieces {
        /// The purchase token.
        token: String,
        /// The order.
        order: String,
    },
    /// Google asks what speaks for or against a refund.
    PlayReview {
        /// The purchase token.
        token: String,
        /// The order.
        order: String,
    },
    /// An event of Stripe about an object as it is then.
    Stripe {
        /// Its type.
        kind: &'static str,
        /// Where the object is.
        collection: &'static str,
        /// Its id.
        id: String,
    },
    /// Somebody states a purchase.
    Stated(Value),
}

/// Something a store sends, ready to be delivered.
#[derive(Debug, Clone)]
pub enum Said {
    /// To the callback of its app.
    Message(Message),
    /// By somebody with a secret key.
    Statement(String),
}

/// What the app on the customer's device sends in after a purchase: proof of it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The purchase.
    pub purchase: usize,
    /// A signed transaction, a purchase token, the id of a subscription.
    pub token: String,
}

impl Act {
    /// What the customer's device sends in when this begins a purchase; `None` for what it has no proof of.
    pub fn receipt(&self, stores: &Stores) -> Result<Option<Receipt>> {
        let token = self.says.iter().find_map(|word| match word {
            Word::Apple { transaction, .. } => {
                let mut transaction = transaction.clone();
                transaction["signedDate"] = self.at.as_millisecond().into();
                Some(stores.authority.sign(&transaction))
            }
            Word::Play { token, .. } | Word::PlayProduct { token, .. } => Some(Ok(token.clone())),
            Word::Stripe { id, .. } => Some(Ok(id.clone())),
            Word::PlayVoided { .. }
            | Word::PlayVoidedPieces { .. }
            | Word::PlayReview { .. }
            | Word::Stated(_) => None,
        });
        let purchase = self.purchase;
        Ok(token.transpose()?.map(|token| Receipt { purchase, token }))
    }
}

impl Word {
    /// What is sent at `at`.
    pub fn said(&self, stores: &Stores, at: Timestamp) -> Result<Said> {
        let google = |subject: &str, body: String| {
            Said::Message(Message {
                channel: Channel::Google,
                body,
                subject: subject.to_owned(),
            })
        };
        let play = &stores.play.api;
        Ok(match self {
            Self::Apple {
                kind,
                subtype,
                uuid,
                transaction,
                stands,
            } => {
                let sign = |payload: &Value| -> Result<Value> {
                    let mut payload = payload.clone();
                    payload["signedDate"] = at.as_millisecond().into();
                    Ok(stores.authority.sign(&payload)?.into())
                };
                let mut data = json!({
                    "environment": transaction["environment"], "bundleId": transaction["bundleId"],
                    "signedTransactionInfo": sign(transaction)?,
                });
                if let Some((renewal, status)) = stands {
                    data["signedRenewalInfo"] = sign(renewal)?;
                    data["status"] = (*status).into();
                }
                let mut payload = json!({ "notificationType": kind, "notificationUUID": uuid, "version": "2.0", "data": data });
                if let Some(subtype) = subtype {
                    payload["subtype"] = (*subtype).into();
                }
                Said::Message(Message {
                    channel: Channel::Apple,
                    body: json!({ "signedPayload": sign(&payload)? }).to_string(),
                    subject: uuid.clone(),
                })
            }
            Self::Play { kind, token } => google(token, play.tell(*kind, token, at)),
            Self::PlayProduct { kind, token, sku } => {
                google(token, play.tell_product(*kind, token, sku, at))
            }
            Self::PlayVoided {
                token,
                order,
                product_type,
            } => google(token, play.tell_voided(token, order, *product_type, at)),
            Self::PlayVoidedPieces { token, order } => {
                let voided = json!({ "voidedPurchaseNotification": {
                    "purchaseToken": token, "orderId": order, "productType": 2, "refundType": 2,
                } });
                google(token, play.push(&voided, at))
            }
            Self::PlayReview { token, order } => {
                let review = json!({ "pendingRefundReviewNotification": {
                    "version": "1.0", "pendingRefundToken": format!("review-{order}"), "orderId": order, "refundReason": "CHARGEBACK",
                } });
                google(token, play.push(&review, at))
            }
            Self::Stripe {
                kind,
                collection,
                id,
            } => {
                let account = &stores.stripe.api;
                let object = account.get(collection, id).unwrap_or_default();
                Said::Message(Message {
                    channel: Channel::Stripe,
                    body: account.tell(kind, &object, at),
                    subject: id.clone(),
                })
            }
            Self::Stated(statement) => Said::Statement(statement.to_string()),
        })
    }
}
