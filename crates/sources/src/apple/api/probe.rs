//! Whether an app's settings work: a test notification, and how its delivery went.

use super::client::{Api, WHO};
use crate::{Call, Probe, ProbeOutcome, Purpose, Trouble, Web};
use domain::Environment;
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestRequested {
    test_notification_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestSent {
    #[serde(default)]
    send_attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    send_attempt_result: String,
}

impl Api {
    /// Asks for a test notification in every environment.
    pub(in crate::apple) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let mut probes = Vec::new();
        for (environment, host) in &self.hosts {
            let url = format!("{host}/inApps/v1/notifications/test");
            let call = Call::post(Purpose::Store, url, None, "application/json", Vec::new());
            let requested = self
                .call(call, web, now)
                .await
                .and_then(|reply| reply.json::<TestRequested>(WHO));
            probes.push(Probe {
                environment: Some(*environment),
                asked: "test notification",
                outcome: match requested {
                    Ok(requested) => ProbeOutcome::Waiting(requested.test_notification_token),
                    Err(trouble) => trouble.into(),
                },
            });
        }
        probes
    }

    /// What became of a test notification.
    pub(in crate::apple) async fn probed(
        &self,
        environment: Environment,
        token: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> ProbeOutcome {
        let Some((_, host)) = self.hosts.iter().find(|(known, _)| *known == environment) else {
            return Trouble::Unknown("the app no longer accepts this environment".into()).into();
        };
        let url = format!("{host}/inApps/v1/notifications/test/{token}");
        let sent: TestSent = match self.get(url, web, now).await {
            Ok(reply) => match reply.json(WHO) {
                Ok(sent) => sent,
                Err(trouble) => return trouble.into(),
            },
            // Not known yet, Apple says at first.
            Err(Trouble::Unknown(_)) => return ProbeOutcome::Waiting(token.to_owned()),
            Err(trouble) => return trouble.into(),
        };
        match sent.send_attempts.last() {
            None => ProbeOutcome::Waiting(token.to_owned()),
            Some(attempt) if attempt.send_attempt_result == "SUCCESS" => {
                ProbeOutcome::Works("the App Store delivered a test notification".into())
            }
            Some(attempt) => ProbeOutcome::Fails {
                code: "callback_not_reached",
                detail: format!(
                    "the App Store could not deliver a test notification: {}",
                    attempt.send_attempt_result
                ),
            },
        }
    }
}
