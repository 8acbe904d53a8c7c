//! Google Play: Real-time Developer Notifications by Pub/Sub push, and the Android Publisher API.
//!
//! A notification says only that *something changed* for a purchase token; every one leads to a question, and facts come
//! from the answer alone. What the API does not repeat (a pause was asked for, access was revoked, which order was voided)
//! travels from the notification into the question. Source: Google, "Real-time developer
//! notifications reference guide".

mod api;
mod facts;
mod keys;
mod model;
mod push;

pub use api::Credentials;
pub use push::{KEYS_URL, PushAccess, PushEnvelope};

use crate::{
    Answer, Content, Incoming, Probe, Question, Receipt, Received, RefundAnswer, RefundAsked,
    Refusal, RefusalCode, Source, Trouble, Unanswered, Web,
};
use api::Api;
use async_trait::async_trait;
use domain::{ChainKey, Environment, Facts, Observation, Snapshot, fact::TransactionKind};
use jiff::Timestamp;
use push::Push;

/// The production host of the API.
pub const API_URL: &str = "https://androidpublisher.googleapis.com";

/// Longest purchase token that is taken from a client; those of Google have a few hundred characters.
const LONGEST_TOKEN: usize = 4096;

/// What an app needs to hear from Google Play.
#[derive(Debug)]
pub struct App {
    /// The app's package name.
    pub package: String,
    /// Who may push.
    pub push: PushAccess,
    /// The service account; without one nothing can be asked, and notifications wait.
    pub credentials: Option<Credentials>,
    /// Where the API is.
    pub api_url: String,
    /// Acknowledge new purchases; off where the app does it.
    pub acknowledge: bool,
}

/// Google Play as a [`Source`].
#[derive(Debug)]
pub struct GooglePlay {
    package: String,
    push: Push,
    api: Option<Api>,
}

impl GooglePlay {
    /// Listens and asks for an app.
    pub fn new(app: App) -> Self {
        let api = app
            .credentials
            .map(|credentials| Api::new(app.api_url, &app.package, credentials, app.acknowledge));
        Self {
            push: Push::new(app.push),
            package: app.package,
            api,
        }
    }

    fn api(&self) -> Result<&Api, Trouble> {
        self.api.as_ref().ok_or_else(|| {
            Trouble::Credentials(
                "the app has no service account: add `service_account`, so that Google can be asked"
                    .into(),
            )
        })
    }
}

#[async_trait]
impl Source for GooglePlay {
    async fn authenticate(
        &self,
        incoming: &Incoming<'_>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.push.authenticate(incoming, web, now).await
    }

    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
        push::receive(body, &self.package, now)
    }

    fn receipt(&self, receipt: &Receipt, _: Timestamp) -> Result<Content, Refusal> {
        if receipt.token.trim().is_empty() {
            return Err(Refusal::refuse(
                RefusalCode::MalformedReceipt,
                "expected a purchase token",
            ));
        }
        if receipt.token.len() > LONGEST_TOKEN || receipt.token.trim().chars().any(char::is_control)
        {
            return Err(Refusal::refuse(
                RefusalCode::MalformedReceipt,
                format!(
                    "a purchase token has at most {LONGEST_TOKEN} characters, none of them a control character"
                ),
            ));
        }
        // Nobody but the buyer's device and Google know a token: it is a proof. The client does not say what kind of product it is: the API is asked for both.
        Ok(Content::Ask(Question {
            owner: Some(receipt.app_user_id.clone()),
            sender: receipt.sender,
            with_history: true,
            ..Question::about("purchase", receipt.token.trim())
        }))
    }

    fn check(&self, _: &ChainKey, facts: &Facts, snapshot: &Snapshot) -> Option<Question> {
        self.api.as_ref()?;
        let current = facts.transaction(&snapshot.transaction, &snapshot.line)?;
        let about = if snapshot.kind == TransactionKind::Subscription {
            "subscription"
        } else {
            "product"
        };
        Some(Question::about(about, &current.fact.leg))
    }

    async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let asked = match self.api() {
            Ok(api) => api.ask(question, web, now).await,
            Err(trouble) => Err(trouble),
        };
        let answer = match asked {
            // It waits for nobody's rights: whoever runs the app has a day to act.
            Err(Trouble::Credentials(_) | Trouble::Unknown(_) | Trouble::Nonsense(_))
                if facts::says_enough(question) =>
            {
                Answer {
                    question: question.clone(),
                    asked_at: now,
                    parts: Vec::new(),
                }
            }
            asked => asked?,
        };
        Ok(vec![answer])
    }

    async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        match self.api() {
            Ok(api) => api.probe(web, now).await,
            Err(trouble) => vec![Probe {
                environment: None,
                asked: "service account",
                outcome: trouble.into(),
            }],
        }
    }

    async fn answer_refund(
        &self,
        asked: &RefundAsked<'_>,
        answer: &RefundAnswer,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        self.api()?.review(asked, answer, web, now).await
    }

    fn read(&self, answer: &Answer) -> Result<Option<Observation>, Refusal> {
        facts::read(answer)
    }

    fn environments(&self) -> Vec<Environment> {
        // One list holds the voids of both.
        self.api
            .as_ref()
            .map(|_| Environment::Production)
            .into_iter()
            .collect()
    }

    async fn missed(
        &self,
        since: Timestamp,
        _: Environment,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        match &self.api {
            Some(api) => api.voided(since, web, now).await,
            None => Ok(Vec::new()),
        }
    }
}
