//! Notifications that Apple could not deliver.

use super::client::{Api, WHO};
use crate::{Call, Purpose, Trouble, Web};
use domain::Environment;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// Pages of notification history read at once; 20 notifications each.
const MOST_PAGES: usize = 500;
/// How far back notification history reaches. Source: Apple, "Get Notification History".
const REACH_PRODUCTION: SignedDuration = SignedDuration::from_hours(24 * 180);
const REACH_SANDBOX: SignedDuration = SignedDuration::from_hours(24 * 30);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notifications {
    pagination_token: Option<String>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    notification_history: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    signed_payload: String,
}

impl Api {
    /// The bodies of notifications that Apple could not deliver since `since`, as they would have been sent.
    pub(in crate::apple) async fn missed_notifications(
        &self,
        since: Timestamp,
        environment: Environment,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let Some((_, host)) = self.hosts.iter().find(|(known, _)| *known == environment) else {
            return Ok(Vec::new());
        };
        let reach = match environment {
            Environment::Production => REACH_PRODUCTION,
            Environment::Sandbox => REACH_SANDBOX,
        };
        let since = now
            .checked_sub(reach)
            .map_or(since, |earliest| since.max(earliest));
        let body = json!({
            "startDate": since.as_millisecond(), "endDate": now.as_millisecond(), "onlyFailures": true,
        });
        let mut missed = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let url = format!("{host}/inApps/v1/notifications/history{token}");
            let call = Call::post(
                Purpose::Store,
                url,
                None,
                "application/json",
                body.to_string().into_bytes(),
            );
            let page: Notifications = self.call(call, web, now).await?.json(WHO)?;
            missed.extend(page.notification_history.into_iter().map(|sent| {
                json!({ "signedPayload": sent.signed_payload })
                    .to_string()
                    .into_bytes()
            }));
            match page.pagination_token.filter(|_| page.has_more) {
                Some(next) => token = format!("?paginationToken={next}"),
                None => break,
            }
        }
        Ok(missed)
    }
}
