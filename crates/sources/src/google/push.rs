//! Pub/Sub push: who may push, and what a pushed message says. Source: Google, "Authentication for
//! push subscriptions" (Pub/Sub) and "Real-time developer notifications reference guide".

use super::{keys::Keys, model};
use crate::{Content, Incoming, Question, Received, Refusal, RefusalCode, Web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::time::{SKEW, after};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Google's published signing keys.
pub const KEYS_URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// Who may push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushAccess {
    /// Only this service account, proven by a token.
    Oidc {
        /// The audience set on the subscription; the callback URL when none was set.
        audience: Option<String>,
        /// E-mail of the push service account.
        email: String,
        /// Where the signing keys are.
        keys_url: String,
    },
    /// Anybody. For development only.
    Anyone,
    /// Nobody: it is not set up.
    Nobody,
}

#[derive(Debug)]
pub(crate) struct Push {
    access: PushAccess,
    keys: Keys,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: bool,
    exp: i64,
    iat: i64,
}

impl Push {
    pub(crate) fn new(access: PushAccess) -> Self {
        Self {
            access,
            keys: Keys::default(),
        }
    }

    pub(crate) async fn authenticate(
        &self,
        incoming: &Incoming<'_>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let refuse = |detail: String| Refusal::refuse(RefusalCode::PushNotAuthenticated, detail);
        let (audience, email, keys_url) = match &self.access {
            PushAccess::Anyone => return Ok(()),
            PushAccess::Nobody => {
                return Err(Refusal::again(
                    RefusalCode::PushNotSetUp,
                    "the app does not say who may push: set `push_service_account` to the e-mail of the Pub/Sub subscription's service account",
                ));
            }
            PushAccess::Oidc {
                audience,
                email,
                keys_url,
            } => (audience, email, keys_url),
        };
        let token = incoming
            .authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| refuse("expected an `Authorization: Bearer` header: switch on authentication in the Pub/Sub push subscription".into()))?;
        let claims: Claims = self.keys.claims(token.trim(), keys_url, web, now).await?;
        let expected = audience.as_deref().unwrap_or(incoming.url);
        if !["https://accounts.google.com", "accounts.google.com"].contains(&claims.iss.as_str()) {
            return Err(refuse(format!(
                "the token was issued by {:?}, not by Google",
                claims.iss
            )));
        }
        if claims.aud != expected {
            return Err(refuse(format!(
                "the token is for the audience {:?}, this app expects {expected:?}",
                claims.aud
            )));
        }
        if !claims.email_verified || claims.email != *email {
            return Err(refuse(format!(
                "the token is of {:?}, this app expects {email:?}",
                claims.email
            )));
        }
        let second = now.as_second();
        let (earliest, latest) = (second - SKEW.as_secs(), second + SKEW.as_secs());
        if claims.exp < earliest || claims.iat > latest {
            return Err(refuse(format!(
                "the token was good from {} to {} (UNIX seconds); it is {second} now",
                claims.iat, claims.exp
            )));
        }
        Ok(())
    }
}

/// The body of a push of Pub/Sub.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = GooglePush))]
#[derive(Debug, Deserialize)]
pub struct PushEnvelope {
    message: PushMessage,
}

/// One message of the topic.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = GooglePushMessage))]
#[derive(Debug, Deserialize)]
struct PushMessage {
    /// The notification, base64.
    #[serde(default)]
    data: String,
    #[serde(alias = "message_id", rename = "messageId")]
    id: String,
    #[serde(alias = "publish_time", rename = "publishTime")]
    published_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    package_name: String,
    event_time_millis: Option<Value>,
    subscription_notification: Option<Subscription>,
    one_time_product_notification: Option<OneTime>,
    voided_purchase_notification: Option<Voided>,
    pending_refund_review_notification: Option<RefundReview>,
    test_notification: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    notification_type: i64,
    purchase_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneTime {
    notification_type: i64,
    purchase_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Voided {
    purchase_token: String,
    order_id: Option<String>,
    product_type: Option<i64>,
    refund_type: Option<i64>,
    /// No push says it; the list of voided purchases does.
    voided_quantity: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundReview {
    pending_refund_token: Option<String>,
    order_id: String,
    refund_reason: Option<String>,
    obfuscated_account_id: Option<String>,
}

/// How long Google waits for what speaks for or against a refund. Source: Google, "Real-time developer notifications reference
/// guide", `PendingRefundReviewNotification`.
const REVIEW_AWAITED: SignedDuration = SignedDuration::from_hours(24);

/// Names of the subscription notifications. Source: Google, "Real-time developer notifications reference guide".
fn subscription_title(kind: i64) -> String {
    match kind {
        1 => "SUBSCRIPTION_RECOVERED",
        2 => "SUBSCRIPTION_RENEWED",
        3 => "SUBSCRIPTION_CANCELED",
        4 => "SUBSCRIPTION_PURCHASED",
        5 => "SUBSCRIPTION_ON_HOLD",
        6 => "SUBSCRIPTION_IN_GRACE_PERIOD",
        7 => "SUBSCRIPTION_RESTARTED",
        8 => "SUBSCRIPTION_PRICE_CHANGE_CONFIRMED",
        9 => "SUBSCRIPTION_DEFERRED",
        10 => "SUBSCRIPTION_PAUSED",
        11 => "SUBSCRIPTION_PAUSE_SCHEDULE_CHANGED",
        12 => "SUBSCRIPTION_REVOKED",
        13 => "SUBSCRIPTION_EXPIRED",
        17 => "SUBSCRIPTION_ITEMS_CHANGED",
        18 => "SUBSCRIPTION_CANCELLATION_SCHEDULED",
        19 => "SUBSCRIPTION_PRICE_CHANGE_UPDATED",
        20 => "SUBSCRIPTION_PENDING_PURCHASE_CANCELED",
        22 => "SUBSCRIPTION_PRICE_STEP_UP_CONSENT_UPDATED",
        _ => return format!("SUBSCRIPTION_NOTIFICATION_{kind}"),
    }
    .to_owned()
}

pub(crate) fn receive(body: &[u8], package: &str, now: Timestamp) -> Result<Received, Refusal> {
    let envelope: PushEnvelope = serde_json::from_slice(body).map_err(|error| {
        Refusal::refuse(
            RefusalCode::MalformedPayload,
            format!("expected a Pub/Sub push body, a JSON object with `message.data` and `message.messageId`: {error}"),
        )
    })?;
    let data = STANDARD
        .decode(&envelope.message.data)
        .map_err(|error| unreadable(format!("it is not base64 ({error})")))?;
    let said: Value = serde_json::from_slice(&data).map_err(unreadable)?;
    let notification: Notification = model::read(said).map_err(unreadable)?;
    if notification.package_name != package {
        return Err(Refusal::refuse(
            RefusalCode::WrongApp,
            format!(
                "the notification is about package {:?}, this app is {package:?}",
                notification.package_name
            ),
        ));
    }
    let event_time = notification
        .event_time_millis
        .as_ref()
        .and_then(|millis| match millis {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        })
        .filter(|millis| *millis > 0)
        .and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let signed_at = event_time.or(envelope.message.published_at);
    Refusal::unless_ahead(signed_at.unwrap_or(now), now)?;
    let Told { title, mut content } = told(notification, &data, event_time, signed_at)?;
    if let Content::Ask(question) = &mut content {
        question.heard_at = signed_at;
    }
    Ok(Received {
        key: envelope.message.id,
        title,
        signed_at: signed_at.unwrap_or(Timestamp::UNIX_EPOCH),
        content,
        revocation: Vec::new(),
        remark: None,
    })
}

fn unreadable(what: impl std::fmt::Display) -> Refusal {
    Refusal::park(
        RefusalCode::UnreadablePayload,
        format!("`message.data` is not a developer notification: {what}"),
    )
}

/// What a notification is called, and what it says.
struct Told {
    title: String,
    content: Content,
}

impl Told {
    const fn new(title: String, content: Content) -> Self {
        Self { title, content }
    }
}

/// What the message says beside what it is about, for whoever asks.
fn prompt(at: Option<Timestamp>, kind: Option<i64>, extra: Value) -> Value {
    let mut prompt = json!({ "at": at });
    if let (Some(kind), Some(prompt)) = (kind, prompt.as_object_mut()) {
        prompt.insert("type".into(), kind.into());
    }
    if let (Some(prompt), Value::Object(extra)) = (prompt.as_object_mut(), extra) {
        prompt.extend(extra);
    }
    prompt
}

fn told(
    notification: Notification,
    data: &[u8],
    event_time: Option<Timestamp>,
    signed_at: Option<Timestamp>,
) -> Result<Told, Refusal> {
    Ok(
        if let Some(about) = notification.subscription_notification {
            let question = Question {
                prompt: prompt(event_time, Some(about.notification_type), Value::Null),
                ..Question::about("subscription", about.purchase_token)
            };
            Told::new(
                subscription_title(about.notification_type),
                Content::Ask(question),
            )
        } else if let Some(about) = notification.one_time_product_notification {
            let title = match about.notification_type {
                1 => "ONE_TIME_PRODUCT_PURCHASED".to_owned(),
                2 => "ONE_TIME_PRODUCT_CANCELED".to_owned(),
                kind => format!("ONE_TIME_PRODUCT_NOTIFICATION_{kind}"),
            };
            let question = Question {
                prompt: prompt(event_time, Some(about.notification_type), Value::Null),
                ..Question::about("product", about.purchase_token)
            };
            Told::new(title, Content::Ask(question))
        } else if let Some(about) = notification.voided_purchase_notification {
            let kind = match about.product_type {
                Some(1) => "subscription",
                Some(2) => "product",
                // Lists of voided purchases do not say.
                _ => "purchase",
            };
            let mut voided =
                json!({ "voided": about.order_id, "partial": about.refund_type == Some(2) });
            if let Some(pieces) = about.voided_quantity.filter(|pieces| *pieces > 0) {
                voided["pieces"] = pieces.into();
            }
            let question = Question {
                prompt: prompt(event_time, None, voided),
                ..Question::about(kind, about.purchase_token)
            };
            Told::new("VOIDED_PURCHASE".to_owned(), Content::Ask(question))
        } else if let Some(about) = notification.pending_refund_review_notification {
            let review = json!({ "review": {
            "order": about.order_id, "token": about.pending_refund_token, "reason": about.refund_reason,
            "respond_by": signed_at.map(|at| after(at, REVIEW_AWAITED)), "account": about.obfuscated_account_id,
        } });
            let question = Question {
                prompt: prompt(event_time, None, review),
                ..Question::about("order", about.order_id)
            };
            Told::new("PENDING_REFUND_REVIEW".to_owned(), Content::Ask(question))
        } else if notification.test_notification.is_some() {
            Told::new("TEST".to_owned(), Content::Nothing(TEST.into()))
        } else {
            unknown(data, &prompt(event_time, None, Value::Null)).map_err(unreadable)?
        },
    )
}

/// What the test notification of Play Console is.
const TEST: &str = "A test that was sent from Play Console. It is about no purchase; it shows that notifications arrive and are believed.";

/// A notification of a kind that came after this release. One that names a purchase token is asked about like any other, since each says
/// only that something happened; of any other is said which it is.
fn unknown(data: &[u8], prompt: &Value) -> Result<Told, String> {
    let all: BTreeMap<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    let named = all.iter().find(|(name, _)| name.ends_with("Notification"));
    let (name, notification) =
        named.ok_or("it holds no notification, neither one that this release knows nor another")?;
    let token = notification["purchaseToken"].as_str();
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| {
        format!("it holds `{name}`, which this release does not know, and which names no purchase token to ask about")
    })?;
    let question = Question {
        prompt: prompt.clone(),
        ..Question::about("purchase", token)
    };
    Ok(Told::new(name.clone(), Content::Ask(question)))
}
