//! Makes the sources of apps from their settings.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Store, secret::Secret};
use engine::{MakeSource, Secrets};
use jiff::SignedDuration;
use ledger::{
    AppEnvironment as Accepted, AppSettings, AppStoreSettings, PlayStoreSettings, StripeOwner,
    StripeSettings,
};
use sources::{
    Source,
    apple::{self, ApiKey, AppEnvironment, AppStore, Hosts, Verifier},
    google::{self, Credentials, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};
use std::sync::Arc;

/// All App Store apps share the verifier that trusts Apple's root, and with it its memory of chains.
pub(crate) fn sources() -> MakeSource {
    let verifier = Arc::new(Verifier::apple());
    Box::new(move |app: &ledger::App, secrets: &Secrets| {
        Ok(match &app.settings {
            AppSettings::AppStore(settings) => {
                Arc::new(app_store(settings, secrets, &verifier)?) as Arc<dyn Source>
            }
            AppSettings::PlayStore(settings) => Arc::new(play_store(settings, secrets)?),
            AppSettings::Stripe(settings) => Arc::new(stripe_account(settings, secrets)),
            AppSettings::External(_) => Arc::new(Stated::new(Store::External)),
            AppSettings::Promotional => Arc::new(Stated::new(Store::Promotional)),
        })
    })
}

fn secret(secrets: &Secrets, name: &str) -> Option<Secret> {
    secrets.get(name)?.as_str().map(Secret::new)
}

fn app_store(
    settings: &AppStoreSettings,
    secrets: &Secrets,
    verifier: &Arc<Verifier>,
) -> Result<AppStore, String> {
    let environments: Vec<_> = settings
        .environments
        .iter()
        .map(|environment| match environment {
            Accepted::Production => AppEnvironment::Production,
            Accepted::Sandbox => AppEnvironment::Sandbox,
            Accepted::Xcode => AppEnvironment::Xcode,
            Accepted::LocalTesting => AppEnvironment::LocalTesting,
        })
        .collect();
    let roots = settings
        .local_roots
        .iter()
        .map(|root| {
            BASE64_STANDARD
                .decode(root)
                .map_err(|error| format!("local_roots: {error}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let is_production = environments.contains(&AppEnvironment::Production);
    // Checked when configured, and again here: a production app must never trust a root of anyone's own.
    let local = (!roots.is_empty() && !is_production)
        .then(|| Arc::new(Verifier::with_roots(roots).accepting_single_certificate()));
    let source = AppStore::new(apple::App {
        bundle_id: settings.bundle_id.clone(),
        app_apple_id: settings.app_apple_id,
        environments,
        store: Arc::clone(verifier),
        local,
    })
    .checking_revocation(settings.check_revocation);
    let parts = (
        &settings.api_issuer,
        &settings.api_key_id,
        secret(secrets, "api_key"),
    );
    let (Some(issuer), Some(key_id), Some(key)) = parts else {
        return Ok(source);
    };
    let key = ApiKey::new(issuer, key_id, &key).map_err(|problem| format!("api_key: {problem}"))?;
    let hosts = settings
        .api_url
        .as_ref()
        .map_or_else(Hosts::default, |url| {
            let url = url.trim_end_matches('/').to_owned();
            Hosts {
                production: url.clone(),
                sandbox: url,
            }
        });
    Ok(source.asking(key, hosts))
}

fn url(given: Option<&String>, usual: &str) -> String {
    given
        .map_or(usual, |url| url.trim_end_matches('/'))
        .to_owned()
}

fn play_store(settings: &PlayStoreSettings, secrets: &Secrets) -> Result<GooglePlay, String> {
    let push = match &settings.push_service_account {
        Some(email) => PushAccess::Oidc {
            audience: settings.push_audience.clone(),
            email: email.clone(),
            keys_url: url(settings.push_keys_url.as_ref(), google::KEYS_URL),
        },
        None if settings.push_unauthenticated => PushAccess::Anyone,
        None => PushAccess::Nobody,
    };
    let credentials = secret(secrets, "service_account")
        .map(|file| Credentials::from_key_file(&file))
        .transpose()
        .map_err(|problem| format!("service_account: {problem}"))?;
    Ok(GooglePlay::new(google::App {
        package: settings.package.clone(),
        push,
        credentials,
        api_url: url(settings.api_url.as_ref(), google::API_URL),
        acknowledge: settings.acknowledge,
    }))
}

fn stripe_account(settings: &StripeSettings, secrets: &Secrets) -> Stripe {
    let signing_secrets = secrets
        .get("signing_secrets")
        .and_then(|secrets| secrets.as_array())
        .into_iter()
        .flatten()
        .filter_map(|secret| secret.as_str().map(Secret::new))
        .collect();
    let owner_sources = settings
        .owner_sources
        .iter()
        .map(|source| match source {
            StripeOwner::SubscriptionMetadata => OwnerSource::SubscriptionMetadata,
            StripeOwner::SessionMetadata => OwnerSource::SessionMetadata,
            StripeOwner::ClientReferenceId => OwnerSource::ClientReferenceId,
            StripeOwner::CustomerMetadata => OwnerSource::CustomerMetadata,
            StripeOwner::CustomerId => OwnerSource::CustomerId,
        })
        .collect();
    Stripe::new(stripe::App {
        signing_secrets,
        tolerance: SignedDuration::from_secs(settings.tolerance_seconds.into()),
        api_key: secret(secrets, "api_key"),
        api_url: url(settings.api_url.as_ref(), stripe::API_URL),
        owner_key: settings.owner_key.clone(),
        owner_sources,
        past_due_access: settings.past_due_access,
        bare_payments: settings.bare_payments,
    })
}
