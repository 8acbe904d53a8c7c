//! A purchase, with its predecessors and its orders; a new one is acknowledged where nobody else does it.

use super::{
    super::model::{LineItem, Order, ProductPurchase, SubscriptionPurchase, read},
    client::{Api, WHO, segment},
};
use crate::{Answer, Part, Question, Trouble, Web};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A subscription that changed plans more often than this is followed no further back.
const MOST_LEGS: usize = 20;
/// Orders asked for at once.
const MOST_ORDERS: usize = 200;
/// Orders asked for when the past is not wanted: charges that were missed while nobody listened are among them.
const RECENT_ORDERS: usize = 12;

impl Api {
    pub(in crate::google) async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let asked = match question.about.as_str() {
            "subscription" => self.subscription(question, web, now).await,
            "product" => self.product(question, web, now).await,
            "order" => self.of_order(question, web, now).await,
            "purchase" => match self.subscription(question, web, now).await {
                Err(Trouble::Unknown(_) | Trouble::Refused(_) | Trouble::Nonsense(_)) => {
                    self.product(question, web, now).await
                }
                other => other,
            },
            other => {
                return Err(Trouble::Nonsense(format!(
                    "nobody can ask Google Play about a {other:?}"
                )));
            }
        };
        let parts = match (asked, question.prompt["voided"].as_str()) {
            // A token is shown for sixty days after its end, and some not even then. What was given back the message names itself.
            (Err(Trouble::Unknown(_) | Trouble::Refused(_)), Some(order)) => {
                let mut parts = Vec::new();
                self.orders(vec![order.to_owned()], &mut parts, web, now)
                    .await?;
                parts
            }
            (asked, _) => asked?,
        };
        Ok(Answer {
            question: question.clone(),
            asked_at: now,
            parts,
        })
    }

    /// The purchase that an order belongs to.
    async fn of_order(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Part>, Trouble> {
        let path = format!("orders:batchGet?orderIds={}", segment(&question.id));
        let body = self.get(&path, web, now).await?;
        let order: Option<Order> = read(body["orders"][0].clone()).map_err(|error| {
            Trouble::Nonsense(format!(
                "{WHO} answered an order that cannot be read: {error}"
            ))
        })?;
        let unknown = || Trouble::Unknown(format!("{WHO} knows no order {}", question.id));
        let order = order.ok_or_else(unknown)?;
        if order.purchase_token.is_empty() {
            return Err(Trouble::Nonsense(format!(
                "{WHO} answered an order without `purchaseToken`"
            )));
        }
        let mut lines = order.line_items.iter();
        let is_subscription = lines.any(|line| line.subscription_details.is_some());
        let about = Question {
            id: order.purchase_token,
            ..question.clone()
        };
        if is_subscription {
            self.subscription(&about, web, now).await
        } else {
            self.product(&about, web, now).await
        }
    }

    async fn subscription(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Part>, Trouble> {
        let mut parts = Vec::new();
        let mut orders = Vec::new();
        let mut next = Some(question.id.clone());
        while let Some(token) = next.take() {
            let path = format!("purchases/subscriptionsv2/tokens/{}", segment(&token));
            let body = match self.get(&path, web, now).await {
                Ok(body) => body,
                // A predecessor too old to be read: its name is known from its successor.
                Err(Trouble::Unknown(_) | Trouble::Refused(_)) if !parts.is_empty() => break,
                Err(trouble) => return Err(trouble),
            };
            let purchase = read_subscription(&body)?;
            if parts.is_empty() {
                self.acknowledge(&purchase, &token, web, now).await?;
            }
            for latest in purchase.line_items.iter().filter_map(LineItem::paid_order) {
                let most = if question.with_history {
                    MOST_ORDERS - 1
                } else {
                    RECENT_ORDERS
                };
                orders.extend(orders_up_to(latest, most));
            }
            next = purchase
                .predecessor()
                .filter(|token| !parts.iter().any(|part: &Part| part.id == **token))
                .filter(|_| parts.len() < MOST_LEGS)
                .cloned();
            parts.push(Part {
                name: "subscription".into(),
                id: token,
                body,
            });
        }
        orders.extend(question.prompt["voided"].as_str().map(str::to_owned));
        self.orders(orders, &mut parts, web, now).await?;
        Ok(parts)
    }

    /// The orders, as far as they can be had: without them only amounts are missing.
    async fn orders(
        &self,
        mut orders: Vec<String>,
        parts: &mut Vec<Part>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        orders.sort();
        orders.dedup();
        for some in orders.chunks(MOST_ORDERS) {
            let ids: Vec<String> = some
                .iter()
                .map(|id| format!("orderIds={}", segment(id)))
                .collect();
            let path = format!("orders:batchGet?{}", ids.join("&"));
            match self.get(&path, web, now).await {
                Ok(body) => {
                    let found = body["orders"].as_array();
                    parts.extend(found.into_iter().flatten().map(|order| Part {
                        name: "order".into(),
                        id: order["orderId"].as_str().unwrap_or_default().to_owned(),
                        body: order.clone(),
                    }));
                }
                // No right to see financial data, or an order nobody knows.
                Err(
                    Trouble::Credentials(_)
                    | Trouble::Unknown(_)
                    | Trouble::Refused(_)
                    | Trouble::Nonsense(_),
                ) => {}
                Err(trouble @ Trouble::Unavailable { .. }) => return Err(trouble),
            }
        }
        Ok(())
    }

    async fn product(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Part>, Trouble> {
        let path = format!("purchases/productsv2/tokens/{}", segment(&question.id));
        let body = self.get(&path, web, now).await?;
        let purchase: ProductPurchase = read(body.clone()).map_err(|error| {
            Trouble::Nonsense(format!(
                "{WHO} answered a purchase that cannot be read: {error}"
            ))
        })?;
        let mut parts = vec![Part {
            name: "product".into(),
            id: question.id.clone(),
            body,
        }];
        let orders = purchase.order_id.iter().cloned().collect();
        self.orders(orders, &mut parts, web, now).await?;
        let is_new =
            purchase.acknowledgement_state.as_deref() == Some("ACKNOWLEDGEMENT_STATE_PENDING");
        if self.acknowledge && is_new {
            let lines = purchase.product_line_item.iter();
            let products = lines.map(|line| line.product_id.as_str()).collect();
            self.acknowledge_each("products", products, &question.id, web, now)
                .await?;
        }
        Ok(parts)
    }

    /// A new purchase that nobody acknowledges within three days is refunded. Source: Google, "Integrate
    /// the Google Play Billing Library", processing purchases.
    async fn acknowledge(
        &self,
        purchase: &SubscriptionPurchase,
        token: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let is_new =
            purchase.acknowledgement_state.as_deref() == Some("ACKNOWLEDGEMENT_STATE_PENDING");
        let runs = purchase.subscription_state == "SUBSCRIPTION_STATE_ACTIVE";
        if !self.acknowledge || !is_new || !runs {
            return Ok(());
        }
        let lines = purchase.line_items.iter();
        let products = lines.map(|line| line.product_id.as_str()).collect();
        self.acknowledge_each("subscriptions", products, token, web, now)
            .await
    }

    /// Acknowledges a purchase under the name of every product in it. One token is acknowledged as a whole, so one of them is enough:
    /// Google recommends none of those of a subscription with add-ons, and needs none. Source: Google,
    /// purchases.subscriptions.acknowledge, `subscriptionId`.
    async fn acknowledge_each(
        &self,
        kind: &str,
        products: BTreeSet<&str>,
        token: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut acknowledged = Ok(());
        let mut is_done = false;
        for product in products {
            let path = format!(
                "purchases/{kind}/{}/tokens/{}:acknowledge",
                segment(product),
                segment(token)
            );
            match self.post(&path, &json!({}), web, now).await {
                Ok(()) => is_done = true,
                Err(trouble) => acknowledged = Err(trouble),
            }
        }
        if is_done { Ok(()) } else { acknowledged }
    }
}

/// The order ids of a subscription: the first one, `GPA.1`, and of those after it, `GPA.1..0`, `GPA.1..1` ..., at most the
/// last `most` up to and including `latest`.
fn orders_up_to(latest: &str, most: usize) -> Vec<String> {
    let Some((base, last)) = latest.split_once("..") else {
        return vec![latest.to_owned()];
    };
    let last: usize = last.parse().unwrap_or(0);
    let first = last.saturating_sub(most.saturating_sub(1));
    let renewals = (first..=last).map(|number| format!("{base}..{number}"));
    std::iter::once(base.to_owned()).chain(renewals).collect()
}

pub(in crate::google) fn read_subscription(body: &Value) -> Result<SubscriptionPurchase, Trouble> {
    let purchase: SubscriptionPurchase = read(body.clone()).map_err(|error| {
        Trouble::Nonsense(format!(
            "{WHO} answered a subscription that cannot be read: {error}"
        ))
    })?;
    if purchase.subscription_state.is_empty() {
        return Err(Trouble::Nonsense(format!(
            "{WHO} answered a subscription without `subscriptionState`"
        )));
    }
    Ok(purchase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_orders_are_counted_from_the_latest() {
        assert_eq!(orders_up_to("GPA.1", 9), ["GPA.1"]);
        let endless = format!("GPA.1..{}", usize::MAX);
        assert_eq!(orders_up_to(&endless, 2).len(), 3);
        assert_eq!(
            orders_up_to("GPA.1..2", 9),
            ["GPA.1", "GPA.1..0", "GPA.1..1", "GPA.1..2"]
        );
        assert_eq!(
            orders_up_to("GPA.1..7", 2),
            ["GPA.1", "GPA.1..6", "GPA.1..7"]
        );
        assert_eq!(orders_up_to("GPA.1..x", 9), ["GPA.1", "GPA.1..0"]);
    }
}
