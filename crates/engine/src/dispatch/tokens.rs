//! Tokens that requests need: fetched once for each integration and grant, by one at a time, and kept until shortly before they end.

use destinations::Grant;
use domain::{IntegrationId, secret::Secret};
use guarded::Guarded;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How long before its end a token is not used any more.
const BEFORE_ITS_END: Duration = Duration::from_secs(60);
/// Grants of an integration that are remembered: of its endpoints, with the settings of now and of a moment ago.
const MOST: usize = 8;

/// Tokens by integration. Time is how long the process runs.
#[derive(Default)]
pub(super) struct Tokens(Guarded<BTreeMap<IntegrationId, Slots>>);

/// Where the tokens of an integration are kept, those that were asked for first in front.
type Slots = Vec<(Grant, Arc<Slot>)>;

/// The token of one grant. Whoever fetches it holds the lock: the others wait for what comes.
#[derive(Default)]
pub(super) struct Slot(Mutex<Option<Kept>>);

/// A token that was given.
pub(super) struct Kept {
    token: Secret,
    until: Duration,
}

impl Tokens {
    /// Where the token of a grant is kept.
    pub(super) fn slot(&self, integration: IntegrationId, grant: &Grant) -> Arc<Slot> {
        let mut all = self.0.lock();
        let known = all.entry(integration).or_default();
        if let Some((_, slot)) = known.iter().find(|(known, _)| known == grant) {
            return Arc::clone(slot);
        }
        if known.len() >= MOST {
            known.remove(0);
        }
        let slot = Arc::new(Slot::default());
        known.push((grant.clone(), Arc::clone(&slot)));
        slot
    }
}

impl Slot {
    /// The token, which `fetch` gets where none is kept, with how long it counts.
    pub(super) async fn token<E>(
        &self,
        uptime: Duration,
        fetch: impl AsyncFnOnce() -> Result<(Secret, Duration), E>,
    ) -> Result<Secret, E> {
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| uptime < kept.until) {
            return Ok(kept.token.clone());
        }
        let (token, lasts) = fetch().await?;
        let until = uptime.saturating_add(lasts.saturating_sub(BEFORE_ITS_END));
        *kept = Some(Kept {
            token: token.clone(),
            until,
        });
        Ok(token)
    }

    /// Forgets a token that was refused, unless another was given meanwhile.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut kept = self.0.lock().await;
        kept.take_if(|kept| kept.token == *refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use uuid::Uuid;

    fn grant(name: &str) -> Grant {
        Grant::ClientCredentials {
            url: "https://auth.example/token".into(),
            id: name.into(),
            secret: Secret::new("s"),
            scope: None,
            subject: None,
        }
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_by_many_at_once_and_again_a_minute_before_its_end() {
        let (tokens, fetched) = (Tokens::default(), AtomicU64::new(0));
        let integration = IntegrationId::new(Uuid::from_u128(1));
        let get = async |name: &str, second: u64| {
            let slot = tokens.slot(integration, &grant(name));
            let fetch = async || {
                tokio::task::yield_now().await;
                let number = fetched.fetch_add(1, Ordering::SeqCst) + 1;
                let token = Secret::new(format!("t{number}"));
                Ok::<_, ()>((token, Duration::from_secs(3_600)))
            };
            let token = slot.token(Duration::from_secs(second), fetch).await;
            token.unwrap().expose().to_owned()
        };
        let both = tokio::join!(get("a", 0), get("a", 0));
        assert_eq!(both, ("t1".to_owned(), "t1".to_owned()));
        assert_eq!(get("b", 0).await, "t2", "another grant");
        assert_eq!(get("a", 3_539).await, "t1");
        assert_eq!(get("a", 3_540).await, "t3");
        let slot = tokens.slot(integration, &grant("a"));
        slot.forget(&Secret::new("t1")).await;
        assert_eq!(get("a", 3_541).await, "t3", "another was given since");
        slot.forget(&Secret::new("t3")).await;
        assert_eq!(get("a", 3_541).await, "t4");
    }

    #[tokio::test]
    async fn what_was_not_given_is_asked_for_again() {
        let slot = Slot::default();
        let refused = slot.token(Duration::ZERO, async || Err("no")).await;
        assert_eq!(refused.unwrap_err(), "no");
        let given = async || Ok::<_, &str>((Secret::new("t"), Duration::from_secs(90)));
        assert_eq!(
            slot.token(Duration::ZERO, given).await.unwrap().expose(),
            "t"
        );
    }
}
