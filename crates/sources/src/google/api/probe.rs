//! Whether an app's settings work: a token, and a look at the app's orders.

use super::client::Api;
use crate::{Probe, ProbeOutcome, Trouble, Web};
use jiff::Timestamp;

impl Api {
    /// Whether the service account is known, and whether it may read this app's orders.
    pub(in crate::google) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let found = |asked, outcome| Probe {
            environment: None,
            asked,
            outcome,
        };
        // One that was given out before says nothing of how the account stands now.
        self.tokens.forget().await;
        if let Err(trouble) = self.tokens.get(web, now).await {
            return vec![found("service account", trouble.into())];
        }
        let account = found(
            "service account",
            ProbeOutcome::Works(format!("Google knows {}", self.tokens.account())),
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
                    self.tokens.account()
                ),
            },
            Err(trouble) => trouble.into(),
        };
        vec![account, found("orders", outcome)]
    }
}
