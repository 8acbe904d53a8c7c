//! The App Store as a [`Source`].

use super::{
    App, NotificationEnvelope, Rejection,
    api::{Api, ApiKey, Hosts},
    purchase, receipt, receive,
};
use crate::{
    Answer, Content, Incoming, OfferAsked, Probe, ProbeOutcome, Question, Receipt, Received,
    RefundAnswer, RefundAsked, Refusal, RefusalCode, SignedOffer, Source, Trouble, Unanswered,
    Verdict, Web,
};
use async_trait::async_trait;
use domain::{
    Environment, Facts, Observation, Snapshot,
    customer::AppPurchase,
    fact::{TransactionFact, TransactionKind},
};
use jiff::Timestamp;
use serde_json::json;

/// Hears and asks the App Store for one app.
#[derive(Debug)]
pub struct AppStore {
    app: App,
    api: Option<Api>,
    check_revocation: bool,
}

impl AppStore {
    /// Hears for an app, asks nothing, and does not look whether signing certificates were revoked.
    pub const fn new(app: App) -> Self {
        Self {
            app,
            api: None,
            check_revocation: false,
        }
    }

    /// Looks as well, before a message is believed.
    #[must_use]
    pub fn checking_revocation(mut self, check_revocation: bool) -> Self {
        self.check_revocation = check_revocation;
        self
    }

    /// Asks the App Store Server API with this key.
    #[must_use]
    pub fn asking(mut self, key: ApiKey, hosts: Hosts) -> Self {
        self.api = Some(Api::new(key, hosts, &self.app));
        self
    }

    fn api(&self) -> Result<&Api, Trouble> {
        self.api.as_ref().ok_or_else(|| {
            Trouble::Credentials(
                "the app has no App Store Server API key: add `api_key`, so that the App Store can be asked"
                    .into(),
            )
        })
    }
}

#[async_trait]
impl Source for AppStore {
    async fn authenticate(
        &self,
        _: &Incoming<'_>,
        _: &dyn Web,
        _: Timestamp,
    ) -> Result<(), Refusal> {
        // The signatures inside the body say all there is to say.
        Ok(())
    }

    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
        let envelope: NotificationEnvelope = serde_json::from_slice(body).map_err(|error| {
            let detail = format!("expected a JSON object with a `signedPayload` string: {error}");
            Refusal::refuse(RefusalCode::MalformedPayload, detail)
        })?;
        let notification = receive(&envelope.signed_payload, &self.app, now)?;
        let title = match &notification.subtype {
            Some(subtype) => format!("{} / {subtype}", notification.kind),
            None => notification.kind,
        };
        let revocation = if self.check_revocation {
            notification.chain.revocation_checks()
        } else {
            Vec::new()
        };
        Ok(Received {
            revocation,
            key: notification.id,
            title,
            signed_at: notification.signed_at,
            content: match (notification.observation, notification.notice) {
                (Some(seen), _) => Content::Observed(Box::new(seen)),
                (None, Some(notice)) => Content::Notice(notice),
                (None, None) => {
                    Content::Nothing(notification.remark.clone().unwrap_or_else(|| {
                        "It names no transaction, so it is about no purchase.".into()
                    }))
                }
            },
            remark: notification.remark,
        })
    }

    fn receipt(&self, receipt: &Receipt, _: Timestamp) -> Result<Content, Refusal> {
        let token = receipt.token.trim();
        let is_jws = token.matches('.').count() == 2;
        if is_jws {
            let seen = purchase::transaction(token, &self.app)?;
            return Ok(Content::Observed(Box::new(seen)));
        }
        let question = |id: String| Question {
            owner: Some(receipt.app_user_id.clone()),
            sender: receipt.sender,
            with_history: true,
            ..Question::about("transaction", id)
        };
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            let proof = "the signed transaction of StoreKit 2 or the receipt of StoreKit 1, or ask from your server with a secret key that may write";
            receipt
                .sender
                .must_not_be_a_client("a transaction id", proof)?;
            return Ok(Content::Ask(question(token.to_owned())));
        }
        let proven = receipt::verify(token, &self.app)?;
        Ok(Content::Ask(Question {
            prompt: json!({ "environment": proven.environment.id(), "chains": proven.chains }),
            ..question(proven.transaction)
        }))
    }

    fn unpacked(&self, token: &str) -> Option<Vec<String>> {
        // Held together by nobody's signature, but each is signed.
        purchase::bundled(token)
    }

    fn app_purchase(&self, signed: &str) -> Result<AppPurchase, Refusal> {
        purchase::app_purchase(signed.trim(), &self.app).map_err(Into::into)
    }

    fn sign_offer(&self, asked: &OfferAsked<'_>) -> Result<SignedOffer, Trouble> {
        self.api()?.sign_offer(asked)
    }

    fn completes(&self, seen: &Observation) -> Option<Question> {
        self.api.as_ref()?;
        // One that is over or was given back when it was spoken of may be what others came after.
        let runs = |fact: &TransactionFact| {
            let ends = fact.expires_at.is_none_or(|end| fact.version < end);
            ends && fact.revocation.is_none() || fact.kind != TransactionKind::Subscription
        };
        let begins = seen
            .transactions
            .iter()
            .any(|fact| fact.is_origin(&seen.chain.id) && runs(fact));
        (!begins).then(|| Question {
            with_history: true,
            prompt: json!({ "environment": seen.chain.environment.id(), "chains": [seen.chain.id] }),
            ..Question::about("transaction", &seen.chain.id)
        })
    }

    fn check(&self, chain: &domain::ChainKey, _: &Facts, snapshot: &Snapshot) -> Option<Question> {
        self.api.as_ref()?;
        Some(Question {
            with_history: true,
            prompt: json!({
                "environment": chain.environment.id(), "chains": [chain.id],
                "since": snapshot.purchased_at.as_millisecond(),
            }),
            ..Question::about("transaction", &chain.id)
        })
    }

    async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        self.api()?.purchases(question, web, now).await
    }

    async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        match self.api() {
            Ok(api) => api.probe(web, now).await,
            Err(trouble) => vec![Probe {
                environment: None,
                asked: "App Store Server API key",
                outcome: trouble.into(),
            }],
        }
    }

    async fn probe_again(&self, probe: &Probe, web: &dyn Web, now: Timestamp) -> ProbeOutcome {
        match (&self.api, probe.environment, &probe.outcome) {
            (Some(api), Some(environment), ProbeOutcome::Waiting(token)) => {
                api.probed(environment, token, web, now).await
            }
            _ => probe.outcome.clone(),
        }
    }

    async fn answer_refund(
        &self,
        asked: &RefundAsked<'_>,
        answer: &RefundAnswer,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        self.api()?.consumed(asked, answer, web, now).await
    }

    fn read(&self, answer: &Answer) -> Result<Option<Observation>, Refusal> {
        purchase::read(answer, &self.app).map_err(Into::into)
    }

    async fn missed(
        &self,
        since: Timestamp,
        environment: Environment,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let Some(api) = &self.api else {
            return Ok(Vec::new());
        };
        api.missed_notifications(since, environment, web, now).await
    }

    fn environments(&self) -> Vec<Environment> {
        self.api.as_ref().map_or_else(Vec::new, Api::environments)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let verdict = match rejection {
            Rejection::Unreadable(_) => Verdict::Park,
            _ if rejection.is_retryable() => Verdict::Again,
            _ => Verdict::Refuse,
        };
        Self::new(rejection.code(), rejection.to_string(), verdict)
    }
}
