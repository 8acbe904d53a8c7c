//! One notification: verified, its claims checked against the app it was sent to, translated into facts.

use super::{
    advanced,
    certificate::Chain,
    facts,
    jws::{Parts, Verifier},
    model::{AppClaims, AppTransaction, Payload, Renewal, Transaction, Unverified},
    rejection::Rejection,
    remark,
};
use crate::{Notice, claim::carried};
use domain::{
    ChainKey, Environment, EventKind, Observation, Store, event::Request, time::is_ahead,
};
use jiff::Timestamp;
use std::sync::Arc;

/// Environments Apple names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppEnvironment {
    /// Real purchases.
    Production,
    /// Sandbox and `TestFlight`.
    Sandbox,
    /// Signed by Xcode on a developer's machine.
    Xcode,
    /// Signed by a local test, for example the simulator.
    LocalTesting,
}

impl AppEnvironment {
    fn from_claim(claim: &str) -> Option<Self> {
        match claim {
            "Production" => Some(Self::Production),
            "Sandbox" => Some(Self::Sandbox),
            "Xcode" => Some(Self::Xcode),
            "LocalTesting" => Some(Self::LocalTesting),
            _ => None,
        }
    }

    /// Whether payloads are signed locally, by roots of our own choosing.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Xcode | Self::LocalTesting)
    }
}

/// What an app accepts.
#[derive(Debug)]
pub struct App {
    /// Its bundle id.
    pub bundle_id: String,
    /// Its Apple id; required for production.
    pub app_apple_id: Option<i64>,
    /// Environments it accepts.
    pub environments: Vec<AppEnvironment>,
    /// Verifies Production and Sandbox.
    pub store: Arc<Verifier>,
    /// Verifies Xcode and `LocalTesting`; `None` refuses them.
    pub local: Option<Arc<Verifier>>,
}

/// A verified notification.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Apple's id of the notification: the deduplication key.
    pub id: String,
    /// Type, as sent; may be one we do not know.
    pub kind: String,
    /// Subtype, as sent.
    pub subtype: Option<String>,
    /// When Apple signed it.
    pub signed_at: Timestamp,
    /// Production or sandbox.
    pub environment: Environment,
    /// What it asserts; `None` when it carries no transaction.
    pub observation: Option<Observation>,
    /// What it says that somebody has to act on, about no transaction.
    pub notice: Option<Notice>,
    /// What it is, in words, where nothing may follow from it.
    pub remark: Option<String>,
    /// The chain that signed it, for revocation checks.
    pub chain: Arc<Chain>,
}

/// Verifies and decodes one `signedPayload` sent to `app`, received at `now`. Source: Apple,
/// "Receiving App Store Server Notifications", and its App Store Server Library.
pub fn receive(signed_payload: &str, app: &App, now: Timestamp) -> Result<Notification, Rejection> {
    let (claim, environment) = claimed_environment(signed_payload)?;
    let verifier =
        verifier_for(environment, app).ok_or_else(|| Rejection::WrongEnvironment(claim.clone()))?;
    let (payload, chain) = verifier.verify::<Payload>(signed_payload)?;
    let claims = claims(&payload)?;
    check_app(&claims, app, environment)?;
    if !app.environments.contains(&environment) || claims.environment != claim {
        return Err(Rejection::WrongEnvironment(claim));
    }
    if is_ahead(payload.signed_date, now) {
        return Err(Rejection::FromTheFuture(payload.signed_date));
    }
    let domain_environment = domain_environment(environment);
    let observation = observation(&payload, verifier, app, &claim, domain_environment)?;
    let notice = notice(&payload, verifier, app, &claim, domain_environment)?;
    Ok(Notification {
        notice,
        remark: remark::of(&payload),
        id: payload.notification_uuid,
        kind: payload.notification_type,
        subtype: payload.subtype,
        signed_at: payload.signed_date,
        environment: domain_environment,
        observation,
        chain,
    })
}

/// Consent that was rescinded, of the Apple account that it is about; an external purchase that has to be reported.
fn notice(
    payload: &Payload,
    verifier: &Verifier,
    app: &App,
    claim: &str,
    environment: Environment,
) -> Result<Option<Notice>, Rejection> {
    let notice = |kind, subject: &str| Notice {
        kind,
        store: Store::AppStore,
        environment,
        subject: subject.to_owned(),
        account: None,
        user_token: None,
        at: payload.signed_date,
        request: None,
    };
    if let Some(token) = &payload.external_purchase_token {
        let id = &token.external_purchase_id;
        return Ok(Some(Notice {
            request: Some(Request {
                reason: payload.subtype.clone(),
                respond_by: None,
                token: Some(id.clone()),
                transaction: None,
            }),
            ..notice(EventKind::ExternalPurchaseToReport, id)
        }));
    }
    let signed = payload
        .app_data
        .as_ref()
        .and_then(|data| data.signed_app_transaction_info.as_ref());
    let Some(signed) = signed.filter(|_| payload.notification_type == "RESCIND_CONSENT") else {
        return Ok(None);
    };
    let (told, _) = verifier.verify::<AppTransaction>(signed)?;
    if told.bundle_id != app.bundle_id {
        return Err(Rejection::WrongApp {
            found: format!("bundle id {}", told.bundle_id),
            expected: format!("bundle id {}", app.bundle_id),
        });
    }
    if told.receipt_type != claim {
        return Err(Rejection::WrongEnvironment(told.receipt_type));
    }
    Ok(Some(Notice {
        account: Some(told.app_transaction_id.clone()),
        ..notice(EventKind::ConsentRescinded, &told.app_transaction_id)
    }))
}

fn verifier_for(environment: AppEnvironment, app: &App) -> Option<&Verifier> {
    if environment.is_local() {
        app.local.as_deref()
    } else {
        Some(&app.store)
    }
}

fn domain_environment(environment: AppEnvironment) -> Environment {
    if environment == AppEnvironment::Production {
        Environment::Production
    } else {
        Environment::Sandbox
    }
}

/// The verifier for a claimed environment, if the app accepts it.
pub(super) fn environment_of<'a>(
    claim: &str,
    app: &'a App,
) -> Result<(&'a Verifier, Environment), Rejection> {
    let environment = AppEnvironment::from_claim(claim)
        .filter(|environment| app.environments.contains(environment));
    environment
        .and_then(|environment| {
            Some((
                verifier_for(environment, app)?,
                domain_environment(environment),
            ))
        })
        .ok_or_else(|| Rejection::WrongEnvironment(claim.chars().take(64).collect()))
}

/// Reads the environment without trusting it: it only chooses the verifier, and is checked again afterwards.
fn claimed_environment(signed_payload: &str) -> Result<(String, AppEnvironment), Rejection> {
    let json = Parts::split(signed_payload)?.unverified()?;
    let payload: Unverified = serde_json::from_slice(&json)
        .map_err(|_| Rejection::Malformed("the payload is not a notification"))?;
    let named = [payload.data, payload.summary, payload.app_data]
        .into_iter()
        .flatten()
        .find_map(|app| app.environment);
    let claim = match (named, payload.external_purchase_token) {
        (Some(claim), _) => claim,
        (None, Some(token)) => token_environment(&token.external_purchase_id).to_owned(),
        (None, None) => {
            return Err(Rejection::Malformed(
                "the payload has none of data, summary, externalPurchaseToken and appData",
            ));
        }
    };
    AppEnvironment::from_claim(&claim)
        .map(|environment| (claim.clone(), environment))
        .ok_or(Rejection::WrongEnvironment(
            claim.chars().take(64).collect(),
        ))
}

/// External purchase tokens name no environment. Source: Apple, externalPurchaseToken: those
/// of the sandbox have ids that say so.
fn token_environment(id: &str) -> &'static str {
    if id.starts_with("SANDBOX") {
        "Sandbox"
    } else {
        "Production"
    }
}

fn claims(payload: &Payload) -> Result<AppClaims, Rejection> {
    let token = payload
        .external_purchase_token
        .as_ref()
        .map(|token| AppClaims {
            environment: token_environment(&token.external_purchase_id).to_owned(),
            app_apple_id: token.app_apple_id,
            bundle_id: token.bundle_id.clone(),
        });
    let named = payload
        .data
        .as_ref()
        .map(|data| &data.app)
        .or(payload.summary.as_ref().map(|summary| &summary.app))
        .or(payload.app_data.as_ref().map(|data| &data.app))
        .cloned();
    named.or(token).ok_or(Rejection::Malformed(
        "the payload has none of data, summary, externalPurchaseToken and appData",
    ))
}

fn check_app(claims: &AppClaims, app: &App, environment: AppEnvironment) -> Result<(), Rejection> {
    let wrong = |found: String, expected: String| Err(Rejection::WrongApp { found, expected });
    if claims.bundle_id != app.bundle_id {
        return wrong(
            format!("bundle id {}", claims.bundle_id),
            format!("bundle id {}", app.bundle_id),
        );
    }
    if environment == AppEnvironment::Production
        && (claims.app_apple_id.is_none() || claims.app_apple_id != app.app_apple_id)
    {
        let show = |id: Option<i64>| {
            id.map_or("no Apple app id".to_owned(), |id| {
                format!("Apple app id {id}")
            })
        };
        return wrong(show(claims.app_apple_id), show(app.app_apple_id));
    }
    Ok(())
}

/// Verifies the renewal that stands beside a transaction, and that it is about the same.
fn bound(
    verifier: &Verifier,
    signed: &str,
    transaction: &Transaction,
    claim: &str,
) -> Result<Renewal, Rejection> {
    let (renewal, _) = verifier.verify::<Renewal>(signed)?;
    if renewal.environment != claim {
        return Err(Rejection::WrongEnvironment(renewal.environment));
    }
    if renewal.original_transaction_id != transaction.original_transaction_id {
        return Err(Rejection::Mismatch);
    }
    Ok(renewal)
}

/// Verifies the inner layers and binds them together.
fn observation(
    payload: &Payload,
    verifier: &Verifier,
    app: &App,
    claim: &str,
    environment: Environment,
) -> Result<Option<Observation>, Rejection> {
    let Some(data) = &payload.data else {
        return Ok(None);
    };
    let Some(signed) = &data.signed_transaction_info else {
        return Ok(None);
    };
    let (transaction, _) = verifier.verify::<Transaction>(signed)?;
    if transaction.bundle_id != app.bundle_id {
        return Err(Rejection::WrongApp {
            found: format!("bundle id {}", transaction.bundle_id),
            expected: format!("bundle id {}", app.bundle_id),
        });
    }
    if transaction.environment != claim {
        return Err(Rejection::WrongEnvironment(transaction.environment));
    }
    let renewal = data.signed_renewal_info.as_ref();
    let renewal = renewal
        .map(|signed| bound(verifier, signed, &transaction, claim))
        .transpose()?;
    let token = transaction.app_account_token.clone().or_else(|| {
        renewal
            .as_ref()
            .and_then(|renewal| renewal.app_account_token.clone())
    });
    let transactions = facts::transactions(&transaction);
    let renewals = renewal
        .as_ref()
        .map(|renewal| facts::renewals(renewal, data.status))
        .unwrap_or_default();
    let mut renewals = advanced::planned(&transactions, renewals);
    renewals.extend(advanced::leaving(&transactions, &renewals));
    Ok(Some(Observation {
        transactions,
        renewals,
        refunds: advanced::refunds(&transaction),
        user_token: carried(token.as_deref()).map(|token| token.to_lowercase()),
        account: transaction.account(),
        // Sent again, it is signed as it was. Source: Apple, "Responding to App Store Server Notifications".
        first_sent_at: Some(payload.signed_date),
        notes: facts::note(payload, data, &transaction.transaction_id)
            .into_iter()
            .collect(),
        ..Observation::of(ChainKey {
            store: Store::AppStore,
            environment,
            id: transaction.original_transaction_id.clone(),
        })
    }))
}
