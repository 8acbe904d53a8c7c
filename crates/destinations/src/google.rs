//! What Google's services have in common: the service account, and what their errors mean. Source: Google Cloud, "Error model" of its APIs, and
//! the pages on errors of BigQuery, Cloud Storage and Pub/Sub, read 2026-11.

use crate::{Field, FieldKind, Invalid, Outcome, Response, ServiceAccount, Travel, Unsendable};
use domain::secret::Secret;

/// Who sends.
pub(crate) const SERVICE_ACCOUNT: Field = Field::new(
    "service_account",
    FieldKind::LongSecret,
    "JSON key of a service account that may do this and nothing else: IAM, Service accounts, Keys.",
);

/// What decides who receives what is made with it.
pub(crate) const TRAVELS: &[Travel] = &[Travel {
    secret: "service_account",
    to: &["endpoint"],
}];

/// Reads the key, where there is one.
pub(crate) fn account(
    file: &Secret,
    scope: &'static str,
) -> Result<Option<ServiceAccount>, Vec<Invalid>> {
    if file.is_empty() {
        return Ok(None);
    }
    let read = ServiceAccount::read(file.expose(), scope);
    let read = read.map_err(|problem| vec![Invalid::new("service_account", problem)])?;
    Ok(Some(read))
}

/// The account, or that it is missing.
pub(crate) fn given(account: Option<&ServiceAccount>) -> Result<ServiceAccount, Unsendable> {
    let account = account.cloned();
    account.ok_or_else(|| Unsendable::lacks_setting("service_account"))
}

/// Reasons that are about the moment, also with 403.
const OF_MOMENT: [&str; 8] = [
    "backendError",
    "internalError",
    "jobBackendError",
    "jobRateLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "timeout",
    "userRateLimitExceeded",
];

/// Whether a reason is about the moment: the same may work later.
pub(crate) fn is_of_moment(reason: &str) -> bool {
    OF_MOMENT.contains(&reason)
}

/// What an answer means that is about a whole request; `whom` answered.
pub(crate) fn outcome(response: &Response, whom: &str) -> Outcome {
    let why = || format!("{whom} answered {}: {}", response.status, response.said());
    let said = response.json();
    let error = &said["error"];
    let reason = error["errors"][0]["reason"].as_str().unwrap_or_default();
    let is_throttled = is_of_moment(reason) || error["status"] == "RESOURCE_EXHAUSTED";
    match response.status {
        200..=299 => Outcome::Delivered,
        _ if is_throttled => Outcome::Retry(response.retry_after),
        408 | 429 | 500.. => Outcome::Retry(response.retry_after),
        300..=399 | 401 | 403 | 404 => Outcome::CredentialsRefused(why()),
        _ => Outcome::Rejected(why()),
    }
}
