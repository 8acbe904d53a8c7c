//! The conversation with the Android Publisher API. Source: Google, "Google Play Developer API", version 3.

use super::model::{LineItem, ProductPurchase, SubscriptionPurchase};
use crate::{
    Answer, Call, Part, Probe, ProbeOutcome, Question, Trouble, Web, jwt::SigningKey, web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

const WHO: &str = "Google Play";
const SCOPE: &str = "https://www.googleapis.com/auth/androidpublisher";
/// A token is renewed this long before it ends.
const RENEW_EARLY: SignedDuration = SignedDuration::from_mins(5);
/// A subscription that changed plans more often than this is followed no further back.
const MOST_LEGS: usize = 20;
/// Orders asked for at once.
const MOST_ORDERS: usize = 200;
/// Orders asked for when the past is not wanted: charges that were missed while nobody listened are among them.
const RECENT_ORDERS: usize = 12;

/// A service account's key.
#[derive(Debug)]
pub struct Credentials {
    email: String,
    key_id: String,
    token_url: String,
    key: SigningKey,
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    #[serde(default)]
    private_key_id: String,
    private_key: String,
    token_uri: String,
}

impl Credentials {
    /// Reads the JSON key file of a service account. The error says what is wrong with it and never quotes it.
    pub fn from_key_file(json: &Secret) -> Result<Self, String> {
        let file: KeyFile = serde_json::from_str(json.expose()).map_err(|error| {
            format!(
                "expected the JSON key file of a service account, with client_email, private_key and token_uri ({:?} at column {})",
                error.classify(),
                error.column()
            )
        })?;
        Ok(Self {
            key: SigningKey::rsa(&file.private_key)
                .map_err(|problem| format!("private_key: {problem}"))?,
            email: file.client_email,
            key_id: file.private_key_id,
            token_url: file.token_uri,
        })
    }
}

/// How late a voided order may appear in the list.
const VOIDS_LATE: SignedDuration = SignedDuration::from_hours(24);
/// Voided orders read at once.
const MOST_VOIDED: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VoidedPage {
    voided_purchases: Vec<Voided>,
    token_pagination: Option<Pagination>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Voided {
    purchase_token: String,
    order_id: String,
    voided_time_millis: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pagination {
    next_page_token: Option<String>,
}

#[derive(Debug)]
struct Token {
    text: String,
    good_until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Api {
    package: String,
    purchases: String,
    credentials: Credentials,
    acknowledge: bool,
    token: Mutex<Option<Token>>,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: Option<i64>,
}

/// An id as one segment of a path.
fn segment(id: &str) -> String {
    id.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The order ids of a subscription: the first one, `GPA.1`, and of those after it, `GPA.1..0`, `GPA.1..1` ..., at most the
/// last `most` up to and including `latest`.
fn orders_up_to(latest: &str, most: usize) -> Vec<String> {
    let Some((base, last)) = latest.split_once("..") else {
        return vec![latest.to_owned()];
    };
    let last: usize = last.parse().unwrap_or(0);
    let first = (last + 1).saturating_sub(most);
    let renewals = (first..=last).map(|number| format!("{base}..{number}"));
    std::iter::once(base.to_owned()).chain(renewals).collect()
}

impl Api {
    pub(super) fn new(
        url: String,
        package: &str,
        credentials: Credentials,
        acknowledge: bool,
    ) -> Self {
        Self {
            package: package.to_owned(),
            purchases: format!(
                "{url}/androidpublisher/v3/applications/{}",
                segment(package)
            ),
            credentials,
            acknowledge,
            token: Mutex::new(None),
        }
    }

    /// One token at a time is asked for; everybody waits for it.
    async fn token(&self, web: &dyn Web, now: Timestamp) -> Result<String, Trouble> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| now < token.good_until) {
            return Ok(token.text.clone());
        }
        let credentials = &self.credentials;
        let claims = json!({
            "iss": credentials.email, "scope": SCOPE, "aud": credentials.token_url,
            "iat": now.as_second(), "exp": now.as_second() + 3600,
        });
        let assertion = credentials
            .key
            .sign(&credentials.key_id, &claims)
            .map_err(Trouble::Credentials)?;
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let call = Call::post(
            credentials.token_url.clone(),
            None,
            "application/x-www-form-urlencoded",
            form.into_bytes(),
        );
        let reply = web::call(web, &call, "Google's token server").await?;
        // A refused assertion is a 400 here.
        if reply.status == 400 {
            return Err(Trouble::Credentials(format!(
                "Google's token server refused the service account: {}",
                reply.excerpt()
            )));
        }
        let reply = reply.check("Google's token server", now)?;
        let reply: TokenReply = reply.json("Google's token server")?;
        let lasts = SignedDuration::from_secs(reply.expires_in.unwrap_or(3600)) - RENEW_EARLY;
        *token = Some(Token {
            text: reply.access_token.clone(),
            good_until: now.saturating_add(lasts).unwrap_or(now),
        });
        Ok(reply.access_token)
    }

    async fn get(&self, path: &str, web: &dyn Web, now: Timestamp) -> Result<Value, Trouble> {
        let token = self.token(web, now).await?;
        let call = Call::get(format!("{}/{path}", self.purchases), Some(&token));
        let reply = web::call(web, &call, WHO).await?;
        if reply.status == 401 {
            // It may have been revoked early: the next call asks for another.
            self.token.lock().await.take();
        }
        reply.check(WHO, now)?.json(WHO)
    }

    pub(super) async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let parts = match question.about.as_str() {
            "subscription" => self.subscription(question, web, now).await?,
            "product" => self.product(question, web, now).await?,
            "purchase" => match self.subscription(question, web, now).await {
                Err(Trouble::Unknown(_) | Trouble::Nonsense(_)) => {
                    self.product(question, web, now).await?
                }
                other => other?,
            },
            other => {
                return Err(Trouble::Nonsense(format!(
                    "nobody can ask Google Play about a {other:?}"
                )));
            }
        };
        Ok(Answer {
            question: question.clone(),
            asked_at: now,
            parts,
        })
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
                Err(Trouble::Unknown(_)) if !parts.is_empty() => break,
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
                Ok(mut body) => {
                    let found = body["orders"].as_array_mut().map(std::mem::take);
                    parts.extend(found.into_iter().flatten().map(|order| Part {
                        name: "order".into(),
                        id: order["orderId"].as_str().unwrap_or_default().to_owned(),
                        body: order,
                    }));
                }
                // No right to see financial data, or an order nobody knows.
                Err(Trouble::Credentials(_) | Trouble::Unknown(_) | Trouble::Nonsense(_)) => {}
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
        let purchase: ProductPurchase = serde_json::from_value(body.clone()).map_err(|error| {
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
        if let Some(line) = purchase
            .product_line_item
            .first()
            .filter(|_| self.acknowledge && is_new)
        {
            let path = format!(
                "purchases/products/{}/tokens/{}:acknowledge",
                segment(&line.product_id),
                segment(&question.id)
            );
            self.post(&path, web, now).await?;
        }
        Ok(parts)
    }

    /// Pushes that would have told of orders voided since `since`, as Google lists them. Source: Google,
    /// purchases.voidedpurchases.
    pub(super) async fn voided(
        &self,
        since: Timestamp,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        // Voids are listed late.
        let since = since.checked_sub(VOIDS_LATE).unwrap_or(since);
        let mut bodies = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!(
                "purchases/voidedpurchases?type=1&startTime={}{token}",
                since.as_millisecond()
            );
            let page: VoidedPage = serde_json::from_value(self.get(&path, web, now).await?)
                .map_err(|error| {
                    Trouble::Nonsense(format!(
                        "{WHO} answered voided purchases that cannot be read: {error}"
                    ))
                })?;
            bodies.extend(page.voided_purchases.iter().map(|voided| {
                let notification = json!({
                    "version": "1.0", "packageName": self.package, "eventTimeMillis": voided.voided_time_millis,
                    "voidedPurchaseNotification": { "purchaseToken": voided.purchase_token, "orderId": voided.order_id, "productType": 1, "refundType": 1 },
                });
                let id = format!("voided:{}:{}", voided.order_id, voided.voided_time_millis);
                let data = STANDARD.encode(notification.to_string());
                json!({ "message": { "data": data, "messageId": id } })
                    .to_string()
                    .into_bytes()
            }));
            match page.token_pagination.and_then(|page| page.next_page_token) {
                Some(next) if bodies.len() < MOST_VOIDED => {
                    token = format!("&token={}", segment(&next));
                }
                _ => return Ok(bodies),
            }
        }
    }

    /// Whether the service account is known, and whether it may read this app's orders.
    pub(super) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let found = |asked, outcome| Probe {
            environment: None,
            asked,
            outcome,
        };
        // One that was given out before says nothing of how the account stands now.
        self.token.lock().await.take();
        if let Err(trouble) = self.token(web, now).await {
            return vec![found("service account", trouble.into())];
        }
        let account = found(
            "service account",
            ProbeOutcome::Works(format!("Google knows {}", self.credentials.email)),
        );
        let path = format!(
            "purchases/voidedpurchases?startTime={}&maxResults=1",
            now.as_millisecond() - 60_000
        );
        let outcome = match self.get(&path, web, now).await {
            Ok(_) => ProbeOutcome::Works(format!("it may read the orders of {}", self.package)),
            Err(Trouble::Unknown(said)) => ProbeOutcome::Fails {
                code: "wrong_app",
                detail: format!("Google Play knows no app {}: {said}", self.package),
            },
            Err(Trouble::Credentials(said)) => ProbeOutcome::Fails {
                code: "store_credentials_refused",
                detail: format!(
                    "invite {} in Play Console with the rights to view financial data and manage orders: {said}",
                    self.credentials.email
                ),
            },
            Err(trouble) => trouble.into(),
        };
        vec![account, found("orders", outcome)]
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
        let product = purchase.line_items.first().map(|line| &line.product_id);
        match product.filter(|_| self.acknowledge && is_new && runs) {
            Some(product) => {
                let path = format!(
                    "purchases/subscriptions/{}/tokens/{}:acknowledge",
                    segment(product),
                    segment(token)
                );
                self.post(&path, web, now).await
            }
            None => Ok(()),
        }
    }

    async fn post(&self, path: &str, web: &dyn Web, now: Timestamp) -> Result<(), Trouble> {
        let token = self.token(web, now).await?;
        let url = format!("{}/{path}", self.purchases);
        let call = Call::post(url, Some(&token), "application/json", b"{}".to_vec());
        web::call(web, &call, WHO)
            .await?
            .check(WHO, now)
            .map(|_| ())
    }
}

pub(super) fn read_subscription(body: &Value) -> Result<SubscriptionPurchase, Trouble> {
    let purchase: SubscriptionPurchase = serde_json::from_value(body.clone()).map_err(|error| {
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

impl LineItem {
    /// The newest order that was paid.
    pub(super) const fn paid_order(&self) -> Option<&String> {
        self.latest_successful_order_id.as_ref()
    }
}

impl SubscriptionPurchase {
    /// The token whose chain this one continues.
    pub(super) fn predecessor(&self) -> Option<&String> {
        self.linked_purchase_token.as_ref().or_else(|| {
            self.out_of_app_purchase_context
                .as_ref()?
                .expired_purchase_token
                .as_ref()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_orders_are_counted_from_the_latest() {
        assert_eq!(orders_up_to("GPA.1", 9), ["GPA.1"]);
        assert_eq!(
            orders_up_to("GPA.1..2", 9),
            ["GPA.1", "GPA.1..0", "GPA.1..1", "GPA.1..2"]
        );
        assert_eq!(
            orders_up_to("GPA.1..7", 2),
            ["GPA.1", "GPA.1..6", "GPA.1..7"]
        );
        assert_eq!(orders_up_to("GPA.1..x", 9), ["GPA.1", "GPA.1..0"]);
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
    }
}
