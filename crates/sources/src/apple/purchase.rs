//! Signed transactions and renewal information outside a notification: sent in by a client, or answered by the API.

use super::{
    App, Rejection, advanced, facts,
    jws::{Parts, Verifier},
    model::{Renewal, Transaction, required_instant},
    notification::environment_of,
};
use crate::{Answer, claim::carried};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{ChainKey, Environment, Observation, Store, customer::AppPurchase};
use jiff::Timestamp;
use serde::Deserialize;

/// Longest name of a release that is kept.
const LONGEST_VERSION: usize = 64;

#[derive(Deserialize)]
struct Claim {
    environment: String,
}

/// The verifier for the environment a signed string claims, which is checked again after verification.
fn verifier<'a>(
    signed: &str,
    app: &'a App,
) -> Result<(String, &'a Verifier, Environment), Rejection> {
    let json = Parts::split(signed)?.unverified()?;
    let Claim { environment: claim } = serde_json::from_slice(&json)
        .map_err(|_| Rejection::Malformed("the payload names no environment"))?;
    let (verifier, environment) = environment_of(&claim, app)?;
    Ok((claim, verifier, environment))
}

fn verified(signed: &str, app: &App) -> Result<(Transaction, Environment), Rejection> {
    let (claim, verifier, environment) = verifier(signed, app)?;
    let (transaction, _) = verifier.verify::<Transaction>(signed)?;
    check_bundle(&transaction.bundle_id, app)?;
    if transaction.environment != claim {
        return Err(Rejection::WrongEnvironment(transaction.environment));
    }
    Ok((transaction, environment))
}

fn check_bundle(found: &str, app: &App) -> Result<(), Rejection> {
    if found == app.bundle_id {
        return Ok(());
    }
    Err(Rejection::WrongApp {
        found: format!("bundle id {found}"),
        expected: format!("bundle id {}", app.bundle_id),
    })
}

fn observation(transaction: &Transaction, environment: Environment) -> Observation {
    Observation {
        transactions: facts::transactions(transaction),
        refunds: advanced::refunds(transaction),
        user_token: carried(transaction.app_account_token.as_deref())
            .map(|token| token.to_lowercase()),
        account: transaction.account(),
        ..Observation::of(ChainKey {
            store: Store::AppStore,
            environment,
            id: transaction.original_transaction_id.clone(),
        })
    }
}

/// What one signed transaction asserts.
pub(super) fn transaction(signed: &str, app: &App) -> Result<Observation, Rejection> {
    let (transaction, environment) = verified(signed, app)?;
    Ok(observation(&transaction, environment))
}

/// Source: Apple, `AppTransaction`. What is read of it was there in its first release.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Got {
    bundle_id: String,
    /// The environment.
    receipt_type: String,
    #[serde(deserialize_with = "required_instant")]
    original_purchase_date: Timestamp,
    original_application_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppClaim {
    receipt_type: String,
}

/// What a signed `AppTransaction` says of how somebody got the app.
pub(super) fn app_purchase(signed: &str, app: &App) -> Result<AppPurchase, Rejection> {
    let json = Parts::split(signed)?.unverified()?;
    let AppClaim { receipt_type } = serde_json::from_slice(&json)
        .map_err(|_| Rejection::Malformed("the payload names no environment"))?;
    let (verifier, environment) = environment_of(&receipt_type, app)?;
    let (got, _) = verifier.verify::<Got>(signed)?;
    check_bundle(&got.bundle_id, app)?;
    if got.receipt_type != receipt_type {
        return Err(Rejection::WrongEnvironment(got.receipt_type));
    }
    let version = got.original_application_version.chars();
    Ok(AppPurchase {
        bought_at: got.original_purchase_date,
        version: version.take(LONGEST_VERSION).collect(),
        is_sandbox: environment != Environment::Production,
    })
}

/// A receipt that purchases-ios makes of what a `StoreKit` configuration file in Xcode holds: every transaction there is, signed one by one. Source:
/// purchases-ios, `StoreKit2Receipt`.
#[derive(Deserialize)]
struct Bundled {
    transactions: Vec<String>,
}

/// Most transactions of one such receipt.
const MOST_BUNDLED: usize = 500;

/// The signed transactions of such a receipt; `None` for what is none.
pub(super) fn bundled(token: &str) -> Option<Vec<String>> {
    let compact: String = token.split_whitespace().collect();
    let json = STANDARD.decode(compact).ok()?;
    let mut held: Bundled = serde_json::from_slice(&json).ok()?;
    held.transactions.truncate(MOST_BUNDLED);
    Some(held.transactions)
}

/// What an answer of the API asserts about the one chain it is about.
pub(super) fn read(answer: &Answer, app: &App) -> Result<Option<Observation>, Rejection> {
    let mut seen: Option<Observation> = None;
    for part in answer.parts("transaction") {
        let signed = part
            .body
            .as_str()
            .ok_or(Rejection::Malformed("a transaction is not a signed text"))?;
        let (transaction, environment) = verified(signed, app)?;
        let next = observation(&transaction, environment);
        match &mut seen {
            Some(seen) if seen.chain != next.chain => return Err(Rejection::Mismatch),
            Some(seen) => {
                // The newest transaction names its owner best, in whatever order they are answered.
                let newest = |seen: &Observation| {
                    seen.transactions.iter().map(|fact| fact.purchased_at).max()
                };
                if newest(&next) >= newest(seen) {
                    seen.is_named_before = next.user_token.is_none();
                    seen.user_token = next.user_token.or(seen.user_token.take());
                    seen.account = next.account.or(seen.account.take());
                } else {
                    seen.is_named_before |= seen.user_token.is_none();
                    seen.user_token = seen.user_token.take().or(next.user_token);
                    seen.account = seen.account.take().or(next.account);
                }
                seen.transactions.extend(next.transactions);
                seen.refunds.extend(next.refunds);
            }
            None => seen = Some(next),
        }
    }
    let Some(mut seen) = seen else {
        return Ok(None);
    };
    for part in answer.parts("renewal") {
        let signed = part.body["signed"].as_str().ok_or(Rejection::Malformed(
            "renewal information is not a signed text",
        ))?;
        let (claim, verifier, _) = verifier(signed, app)?;
        let (renewal, _) = verifier.verify::<Renewal>(signed)?;
        if renewal.environment != claim {
            return Err(Rejection::WrongEnvironment(renewal.environment));
        }
        if renewal.original_transaction_id != seen.chain.id {
            return Err(Rejection::Mismatch);
        }
        let said = facts::renewals(&renewal, part.body["status"].as_i64());
        let mut said = advanced::planned(&seen.transactions, said);
        said.extend(advanced::leaving(&seen.transactions, &said));
        seen.renewals.extend(said);
    }
    Ok(Some(seen))
}
